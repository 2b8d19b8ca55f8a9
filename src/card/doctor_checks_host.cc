// The doctor's checks of the host: memory, processor, processes, disk.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>
#include <map>
#include <set>
#include <system_error>

#include "card/host.h"
#include "card/host_files.h"

namespace axle::card {
namespace {

using enum FindingLevel;

constexpr std::uint64_t kMib = std::uint64_t{1} << 20;
constexpr std::uint64_t kGib = std::uint64_t{1} << 30;

// A Pi's default of 64 MB has been seen exhausted by several processes on a card: each takes twice
// its copy buffer of 4 MiB and its message rings from it.
constexpr std::uint64_t kEnoughCma = 128 * 1000 * 1000;
constexpr std::uint64_t kLowFreeCma = 16 * kMib;
constexpr double kWarmCelsius = 75.0;
constexpr double kHotCelsius = 82.0;  // A Raspberry Pi 5 slows down at 85.
constexpr std::uint64_t kLowDisk = 10 * kGib;
constexpr std::uint64_t kNoDisk = kGib;

constexpr const char* kDeviceNode = "/dev/axcl_host";

bool is_number(const std::string& text) {
  return !text.empty() && text.find_first_not_of("0123456789") == std::string::npos;
}

// Names of a folder's entries that pass `wanted`, sorted; none when it cannot be read.
template <typename Wanted>
std::vector<std::string> names_in(const std::filesystem::path& folder, Wanted wanted) {
  std::vector<std::string> names;
  std::error_code error;
  std::filesystem::directory_iterator it(folder, error);
  while (!error && it != std::filesystem::directory_iterator()) {
    std::string name = it->path().filename().string();
    if (wanted(name)) names.push_back(std::move(name));
    it.increment(error);
  }
  std::sort(names.begin(), names.end());
  return names;
}

enum class Use { kNo, kYes, kUnknown };

// Has the process /proc/<pid> the card's device open?
Use uses_card(const Host& host, const std::string& pid) {
  std::error_code error;
  std::filesystem::directory_iterator it(host.at("/proc/" + pid + "/fd"), error);
  if (error) return error == std::errc::permission_denied ? Use::kUnknown : Use::kNo;
  while (!error && it != std::filesystem::directory_iterator()) {
    std::error_code ignored;
    if (std::filesystem::read_symlink(it->path(), ignored) == kDeviceNode) return Use::kYes;
    it.increment(error);
  }
  return Use::kNo;
}

std::string command_of(const Host& host, const std::string& pid) {
  std::string name = host.text("/proc/" + pid + "/comm").value_or("?");
  while (!name.empty() && name.back() == '\n') name.pop_back();
  return name;
}

bool is_card_interrupt(const Host& host, const InterruptLine& line) {
  if (line.name.find("ax_pcie") != std::string::npos) return true;
  if (line.name.find("axcl") != std::string::npos) return true;
  return std::any_of(host.cards.begin(), host.cards.end(), [&](const PciCard& card) {
    return line.name.find(card.address) != std::string::npos;
  });
}

}  // namespace

std::vector<Finding> check_cma(const Host& host) {
  const std::string text = host.text("/proc/meminfo").value_or("");
  const auto total = parse_meminfo_bytes(text, "CmaTotal");
  const auto free = parse_meminfo_bytes(text, "CmaFree");
  if (!total || *total == 0) return {};
  Finding finding{"cma memory", kOk,
                  fmt::format("{} MiB, {} MiB free", *total / kMib, free.value_or(0) / kMib), ""};
  if (host.cards.empty()) {
    finding.level = kInfo;
  } else if (*total < kEnoughCma && host.raspberry_pi) {
    finding.level = kWarn;
    const auto asked = parse_cma_option(host.text("/proc/cmdline").value_or(""));
    finding.advice = asked && *asked >= kEnoughCma
                         ? "the kernel did not give what cma= asks for: see dmesg | grep -i cma"
                         : "add cma=128M to the line in /boot/firmware/cmdline.txt and reboot";
  } else if (free && *free < kLowFreeCma) {
    finding.level = kWarn;
    finding.advice =
        "another process on the card would find no room: end unused ones (fuser "
        "/dev/axcl_host) or raise cma= on the kernel's command line";
  }
  return {finding};
}

std::vector<Finding> check_interrupts(const Host& host) {
  if (host.cards.empty()) return {};
  std::vector<std::string> lines;
  std::set<std::size_t> cores;
  std::size_t machine_cores = 0;
  for (const InterruptLine& line : parse_interrupts(host.text("/proc/interrupts").value_or(""))) {
    machine_cores = std::max(machine_cores, line.per_core.size());
    if (!is_card_interrupt(host, line)) continue;
    lines.push_back(line.number);
    for (std::size_t core = 0; core < line.per_core.size(); ++core) {
      if (line.per_core[core] != 0) cores.insert(core);
    }
  }
  if (lines.empty()) {
    return {{"card interrupts", kWarn, "none registered", "is the driver loaded? see dmesg"}};
  }
  Finding finding{
      "card interrupts", kOk,
      fmt::format("number {} on core {}", fmt::join(lines, ", "), fmt::join(cores, ", ")), ""};
  if (machine_cores > 1 && cores == std::set<std::size_t>{0}) {
    finding.level = kInfo;
    finding.advice = fmt::format(
        "core 0 also takes the other interrupts; another core is quieter: echo 2 | sudo tee "
        "/proc/irq/{}/smp_affinity_list",
        lines.front());
  }
  return {finding};
}

std::vector<Finding> check_governor(const Host& host) {
  constexpr const char* kFolder = "/sys/devices/system/cpu/cpufreq";
  std::map<std::string, int> governors;
  for (const std::string& policy : names_in(
           host.at(kFolder), [](const std::string& name) { return name.starts_with("policy"); })) {
    const std::string path = fmt::format("{}/{}/scaling_governor", kFolder, policy);
    const std::vector<std::string> words = parse_modules(host.text(path).value_or(""));
    if (!words.empty()) ++governors[words.front()];
  }
  if (governors.empty()) return {};
  std::vector<std::string> names;
  for (const auto& [name, count] : governors) names.push_back(name);
  Finding finding{"processor governor", kOk, fmt::format("{}", fmt::join(names, ", ")), ""};
  if (governors.size() != 1 || !governors.contains("performance")) {
    finding.level = kInfo;
    finding.advice =
        "steadier answers: echo performance | sudo tee "
        "/sys/devices/system/cpu/cpufreq/policy*/scaling_governor";
  }
  return {finding};
}

std::vector<Finding> check_host_temperature(const Host& host) {
  constexpr const char* kFolder = "/sys/class/thermal";
  std::optional<double> hottest;
  for (const std::string& zone : names_in(host.at(kFolder), [](const std::string& name) {
         return name.starts_with("thermal_zone");
       })) {
    const std::string path = fmt::format("{}/{}/temp", kFolder, zone);
    const auto reading = parse_number(host.text(path).value_or(""));
    if (!reading) continue;
    const double celsius = static_cast<double>(*reading) / 1000.0;
    hottest = std::max(hottest.value_or(celsius), celsius);
  }
  if (!hottest) return {};
  Finding finding{"host temperature", kOk, fmt::format("{:.0f} C", *hottest), ""};
  if (*hottest >= kWarmCelsius) {
    finding.level = *hottest >= kHotCelsius ? kBad : kWarn;
    finding.advice = "the host slows down when hot: clear its fan, heat sink and air flow";
  }
  return {finding};
}

std::vector<Finding> check_users(const Host& host) {
  if (host.cards.empty()) return {};
  std::vector<std::string> users;
  std::size_t unknown = 0;
  for (const std::string& pid : names_in(host.at("/proc"), is_number)) {
    const Use use = uses_card(host, pid);
    if (use == Use::kUnknown) ++unknown;
    if (use == Use::kYes) users.push_back(fmt::format("{} ({})", command_of(host, pid), pid));
  }
  Finding finding{"processes on the card", kOk, "none", ""};
  if (!users.empty()) {
    finding.level = kInfo;
    finding.found = fmt::format("{}", fmt::join(users, ", "));
    finding.advice =
        "a process that hangs keeps the card's ports and memory: kill it, and if the card still "
        "does not answer: echo y | sudo /usr/bin/axcl/axcl-smi reboot -d 0";
  }
  if (unknown != 0) {
    finding.found += fmt::format("; {} processes of other users not looked at", unknown);
    if (finding.advice.empty()) finding.advice = "run with sudo to see all of them";
    if (finding.level == kOk) finding.level = kInfo;
  }
  return {finding};
}

std::vector<Finding> check_disk(const Host& host) {
  if (host.models.empty()) return {};
  std::error_code error;
  const std::filesystem::space_info space = std::filesystem::space(host.models, error);
  if (error) {
    return {{"models directory", kWarn,
             fmt::format("{}: {}", host.models.string(), error.message()),
             fmt::format("mkdir -p {}", host.models.string())}};
  }
  Finding finding{"models directory", kOk,
                  fmt::format("{}: {:.1f} GiB free", host.models.string(),
                              static_cast<double>(space.available) / static_cast<double>(kGib)),
                  ""};
  if (space.available < kLowDisk) {
    finding.level = space.available < kNoDisk ? kBad : kWarn;
    finding.advice = "a model takes 1 to 6 GB: axle rm models that are not needed";
  }
  return {finding};
}

}  // namespace axle::card
