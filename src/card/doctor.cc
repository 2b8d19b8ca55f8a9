#include "card/doctor.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "card/card.h"
#include "card/host.h"
#include "card/host_files.h"

namespace axle::card {
namespace {

using enum FindingLevel;

constexpr std::array kHostChecks = {
    check_pci,   check_link, check_modules,    check_nodes,    check_firmware,         check_smi,
    check_users, check_cma,  check_interrupts, check_governor, check_host_temperature, check_disk,
};

constexpr double kWarmCelsius = 75.0;
constexpr double kHotCelsius = 80.0;

Finding firmware_match(const Library& library, const Readings& readings) {
  const std::string found = fmt::format("library {}, card firmware {}", library.full_version(),
                                        readings.firmware_version);
  const auto firmware = parse_version(readings.firmware_version);
  if (!firmware) return {"firmware version", kInfo, found, ""};
  if (*firmware == library.version()) return {"firmware version", kOk, found, ""};
  return {"firmware version", kBad, found + ": they must be the same",
          "sudo apt install --reinstall axclhost, then reboot the host (the driver loads the "
          "card's firmware)"};
}

Finding temperature(const Readings& readings) {
  Finding finding{"card temperature", kOk, fmt::format("{:.0f} C", readings.temperature_celsius),
                  ""};
  if (readings.temperature_celsius >= kWarmCelsius) {
    finding.level = readings.temperature_celsius >= kHotCelsius ? kBad : kWarn;
    finding.advice = "the card pauses at 80 C: give it a heat sink with a fan and free air";
  }
  return finding;
}

Finding memory(const Readings& readings) {
  constexpr std::uint64_t kMib = std::uint64_t{1} << 20;
  return {"card memory", kOk,
          fmt::format("{} of {} MiB free for models", readings.cmm_free_bytes / kMib,
                      readings.cmm_total_bytes / kMib),
          ""};
}

void check_card(Library& library, DeviceId device, std::vector<Finding>& findings) {
  const std::string name = fmt::format("card on bus {}", static_cast<std::int32_t>(device));
  Result<std::unique_ptr<Card>> card = Card::open(library, {.device = device});
  if (!card.ok()) {
    findings.push_back({name, kBad, card.status().message(), ""});
    return;
  }
  const Result<Readings> readings = (*card)->readings();
  if (!readings.ok()) {
    const bool old = readings.status().code() == Code::kUnsupported;
    findings.push_back({name, old ? kInfo : kBad, readings.status().message(), ""});
    return;
  }
  findings.push_back({name, kOk, fmt::format("{} answers", library.soc_name()), ""});
  findings.push_back(firmware_match(library, *readings));
  findings.push_back(temperature(*readings));
  findings.push_back(memory(*readings));
}

std::string missing_features(const Features& features) {
  std::string text;
  const auto add = [&](bool present, const char* name) {
    if (!present) text += text.empty() ? name : fmt::format(", {}", name);
  };
  add(features.async, "asynchronous calls");
  add(features.usage, "memory of an engine");
  add(features.properties, "state of the card");
  add(features.full_version, "full version");
  add(features.reboot, "restart");
  return text;
}

}  // namespace

std::string_view finding_level_name(FindingLevel level) {
  constexpr std::array<std::string_view, 4> kNames = {"ok", "info", "warn", "bad"};
  return kNames[static_cast<std::size_t>(level)];
}

std::vector<Finding> check_library(const Host& host, const DoctorOptions& options) {
  Result<std::unique_ptr<Library>> opened = Library::open(options.library);
  if (!opened.ok()) return {{"library", kBad, opened.status().message(), ""}};
  Library& library = **opened;
  std::vector<Finding> findings = {{"library", kOk, library.description(), ""}};
  if (!host.cards.empty() && library.kind() == LibraryKind::kSoftCard) {
    findings[0].level = kWarn;
    findings[0].advice =
        "a card is plugged in but not used: sudo apt install axclhost, and "
        "card.library = \"auto\"";
  }
  if (const std::string missing = missing_features(library.features()); !missing.empty()) {
    findings.push_back({"library functions", kInfo, "absent: " + missing,
                        "works, with slower paths; a newer axclhost has them"});
  }
  const Result<std::vector<DeviceId>> devices = library.devices();
  if (!devices.ok() || devices->empty()) {
    findings.push_back({"cards of the library", kBad,
                        devices.ok() ? "none" : devices.status().message(),
                        "the card has not started: dmesg | grep -i ax, then reboot the host"});
    return findings;
  }
  for (const DeviceId device : *devices) check_card(library, device, findings);
  return findings;
}

std::vector<Finding> diagnose(const DoctorOptions& options) {
  const Host host = look_at_host(options);
  std::vector<Finding> findings;
  for (const auto& check : kHostChecks) {
    for (Finding& finding : check(host)) findings.push_back(std::move(finding));
  }
  if (!options.open_cards) return findings;
  for (Finding& finding : check_library(host, options)) findings.push_back(std::move(finding));
  return findings;
}

FindingLevel worst(const std::vector<Finding>& findings) {
  FindingLevel level = kOk;
  for (const Finding& finding : findings) level = std::max(level, finding.level);
  return level;
}

}  // namespace axle::card
