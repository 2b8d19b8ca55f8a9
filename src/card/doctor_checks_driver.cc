// The doctor's checks of bus, driver and firmware.
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <system_error>

#include "card/host.h"
#include "card/host_files.h"

namespace axle::card {
namespace {

using enum FindingLevel;

constexpr const char* kInstallDriver =
    "sudo apt install dkms axclhost (M5Stack's repository), then: sudo modprobe axcl_host; see "
    "dmesg and /var/log/axclhost-install.log";

// Loaded in this order by the driver. Source: AXCL host driver V3.10.2, drv/pcie/driver.
constexpr std::array<std::string_view, 4> kModules = {"ax_pcie_host_dev", "ax_pcie_msg",
                                                      "ax_pcie_mmb", "axcl_host"};

struct Node {
  const char* path;
  const char* purpose;
};
constexpr std::array<Node, 3> kNodes = {{{"/dev/axcl_host", "device list and heartbeat"},
                                         {"/dev/msg_userdev", "messages"},
                                         {"/dev/ax_mmb_dev", "copy buffers"}}};

std::string no_card_advice(const Host& host) {
  if (!host.raspberry_pi) return "if a card is plugged in: lspci -d 1f4b: and dmesg | grep -i pci";
  const std::string config = host.text("/boot/firmware/config.txt").value_or("");
  const std::vector<std::string> settings = parse_config_txt(config);
  const auto has = [&](std::string_view wanted) {
    return std::any_of(settings.begin(), settings.end(),
                       [&](const std::string& line) { return line.starts_with(wanted); });
  };
  if (!has("dtparam=pciex1") && !has("dtoverlay=pciex1")) {
    return "if a card is plugged in, add dtparam=pciex1 to /boot/firmware/config.txt and reboot";
  }
  if (!has("dtoverlay=pciex1-compat-pi5")) {
    return "if a card is plugged in, add dtoverlay=pciex1-compat-pi5,no-mip to "
           "/boot/firmware/config.txt and reboot; look at the ribbon cable";
  }
  return "if a card is plugged in, look at its ribbon cable and power, then at dmesg";
}

Finding link_of(const Host& host, const PciCard& card) {
  const auto read = [&](const char* name) {
    return host.text((card.folder / name).string()).value_or("");
  };
  const auto speed = parse_link_speed(read("current_link_speed"));
  const auto most_speed = parse_link_speed(read("max_link_speed"));
  const auto width = parse_number(read("current_link_width"));
  const auto most_width = parse_number(read("max_link_width"));
  if (!speed || !width) return {"pcie link", kInfo, "the kernel does not say", ""};
  Finding finding{"pcie link", kOk, fmt::format("{}: {} GT/s x{}", card.address, *speed, *width),
                  ""};
  if (most_speed && most_width) {
    finding.found += fmt::format(" of {} GT/s x{}", *most_speed, *most_width);
  }
  if (most_speed && *speed < *most_speed) {
    finding.level = kWarn;
    finding.advice =
        "copies are slow: look at the cable and the slot, and set dtparam=pciex1 and "
        "dtparam=pciex1_gen=2 in /boot/firmware/config.txt on a Raspberry Pi";
  } else if (most_width && *width < *most_width) {
    finding.level = kInfo;
    finding.advice = host.raspberry_pi ? "a Raspberry Pi has one lane: nothing to do"
                                       : "a slot with more lanes would copy faster";
  }
  return finding;
}

Finding check_node(const Host& host, const Node& node) {
  const std::string name = fmt::format("device node {}", node.path);
  struct stat status {};
  if (stat(host.at(node.path).c_str(), &status) != 0) {
    return {name, kBad, fmt::format("missing ({})", node.purpose), kInstallDriver};
  }
  const unsigned mode = status.st_mode & 0777u;
  constexpr const char* kRule =
      "the driver's udev rule gives mode 0666: sudo udevadm trigger, or sudo chmod 666 on it";
  if (access(host.at(node.path).c_str(), R_OK | W_OK) != 0) {
    return {name, kBad, fmt::format("mode {:04o}: this user may not use it", mode), kRule};
  }
  if ((mode & 0006u) != 0006u) {
    return {name, kWarn, fmt::format("mode {:04o}: other users may not use it", mode), kRule};
  }
  return {name, kOk, fmt::format("mode {:04o}", mode), ""};
}

}  // namespace

std::vector<Finding> check_pci(const Host& host) {
  if (host.cards.empty()) {
    return {
        {"card", kInfo, "no card found: only the software card can serve", no_card_advice(host)}};
  }
  std::vector<std::string> addresses;
  for (const PciCard& card : host.cards) addresses.push_back(card.address);
  return {{"card", kOk, fmt::format("AX650N at {}", fmt::join(addresses, ", ")), ""}};
}

std::vector<Finding> check_link(const Host& host) {
  std::vector<Finding> findings;
  for (const PciCard& card : host.cards) findings.push_back(link_of(host, card));
  return findings;
}

std::vector<Finding> check_modules(const Host& host) {
  if (host.cards.empty()) return {};
  const std::vector<std::string> loaded = parse_modules(host.text("/proc/modules").value_or(""));
  std::vector<std::string_view> missing;
  for (const std::string_view name : kModules) {
    if (std::find(loaded.begin(), loaded.end(), name) == loaded.end()) missing.push_back(name);
  }
  if (missing.empty()) return {{"driver modules", kOk, "loaded", ""}};
  std::string advice = kInstallDriver;
  const std::string lockdown = host.text("/sys/kernel/security/lockdown").value_or("");
  if (lockdown.find("[integrity]") != std::string::npos ||
      lockdown.find("[confidentiality]") != std::string::npos) {
    advice = "Secure Boot refuses unsigned modules: switch it off in the firmware setup";
  }
  return {
      {"driver modules", kBad, fmt::format("not loaded: {}", fmt::join(missing, ", ")), advice}};
}

std::vector<Finding> check_nodes(const Host& host) {
  if (host.cards.empty()) return {};
  std::vector<Finding> findings;
  for (const Node& node : kNodes) findings.push_back(check_node(host, node));
  return findings;
}

std::vector<Finding> check_firmware(const Host& host) {
  if (host.cards.empty()) return {};
  constexpr const char* kFile = "/lib/firmware/axcl/ax650_card.pac";
  if (host.exists(kFile)) return {{"card firmware file", kOk, kFile, ""}};
  return {{"card firmware file", kBad, fmt::format("{} is missing: the card cannot start", kFile),
           "sudo apt install --reinstall axclhost"}};
}

std::vector<Finding> check_smi(const Host& host) {
  if (host.cards.empty()) return {};
  constexpr const char* kTool = "/usr/bin/axcl/axcl-smi";
  if (access(host.at(kTool).c_str(), X_OK) == 0) return {{"axcl-smi", kOk, kTool, ""}};
  return {{"axcl-smi", kWarn, fmt::format("{} is missing: a hung card cannot be restarted", kTool),
           "sudo apt install --reinstall axclhost"}};
}

}  // namespace axle::card
