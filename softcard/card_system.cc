#include "softcard/card_system.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <charconv>
#include <cmath>
#include <cstdlib>
#include <fstream>
#include <optional>
#include <regex>
#include <sstream>
#include <vector>

#include "base/mutex.h"
#include "softcard/arena.h"

namespace axle::softcard {
namespace {

// Of the card's own Linux; source: published readings of an idle 8 GB card.
constexpr std::uint64_t kSystemTotalKb = 968356;
constexpr std::uint64_t kSystemFreeKb = 814932;
constexpr std::string_view kSetSpeed = "/sys/devices/system/cpu/cpufreq/policy0/scaling_setspeed";

struct CpuTimes {
  std::uint64_t total = 0;
  std::uint64_t idle = 0;
};

CpuTimes host_cpu_times() {
  std::ifstream file("/proc/stat");
  std::string name;
  file >> name;
  CpuTimes times;
  std::uint64_t value = 0;
  for (int field = 0; field < 8 && file >> value; ++field) {
    times.total += value;
    if (field == 3 || field == 4) times.idle += value;  // idle, iowait
  }
  return times;
}

// Busy share since the last question of this process, or since the host started.
std::uint32_t host_cpu_permyriad() {
  static auto* const mutex = new Mutex;
  static CpuTimes last;
  const MutexLock lock(*mutex);
  const CpuTimes now = host_cpu_times();
  const std::uint64_t total = now.total - last.total;
  if (total == 0) return 0;
  const std::uint64_t idle = std::min(now.idle - last.idle, total);
  last = now;
  return static_cast<std::uint32_t>((total - idle) * 10000 / total);
}

std::string first_line(const char* path) {
  std::ifstream file(path);
  std::string line;
  std::getline(file, line);
  return line;
}

std::string meminfo_text() {
  return fmt::format(
      "MemTotal:       {:8} kB\nMemFree:        {:8} kB\nMemAvailable:   {:8} kB\n"
      "Buffers:        {:8} kB\nCached:         {:8} kB\n",
      kSystemTotalKb, kSystemFreeKb, kSystemFreeKb, 4096, 65536);
}

std::string cmm_text(const CardProfile& card, Machine& machine) {
  const Machine::CardView view = machine.view(card.bus);
  std::string text =
      fmt::format("+---PARTITION: Phys(0x{:X}, 0x{:X}), Size={}KB({}MB),    NAME=\"anonymous\"\n",
                  Arena::kFirstAddress, Arena::kFirstAddress + card.memory_bytes - 1,
                  card.memory_bytes >> 10, card.memory_bytes >> 20);
  std::uint64_t at = Arena::kFirstAddress;
  std::size_t blocks = 0;
  const auto add_block = [&](std::uint64_t bytes, const std::string& name) {
    if (bytes == 0) return;
    text += fmt::format(
        "   |-Block: phys(0x{:X}, 0x{:X}), cache =non-cacheable, length={}KB({}MB),    "
        "name=\"{}\"\n",
        at, at + bytes - 1, bytes >> 10, bytes >> 20, name);
    at += bytes;
    ++blocks;
  };
  for (const Machine::ProcessUse& process : view.processes) {
    add_block(process.bytes, fmt::format("npu_axcl_pid{}", process.pid));
  }
  add_block(view.leaked_bytes, "npu_leaked");
  const std::uint64_t total_kb = card.memory_bytes >> 10;
  const std::uint64_t used_kb = view.used_bytes >> 10;
  const std::uint64_t free_kb = total_kb - std::min(used_kb, total_kb);
  text += fmt::format(
      "\n---CMM_USE_INFO:\n total size={}KB({}MB),used={}KB({}MB + {}KB),remain={}KB({}MB + {}KB),"
      "partition_number=1,block_number={}\n",
      total_kb, total_kb >> 10, used_kb, used_kb >> 10, used_kb & 1023, free_kb, free_kb >> 10,
      free_kb & 1023, blocks);
  return text;
}

std::string npu_text(const CardProfile& card, Machine& machine) {
  constexpr int kCores = 3;
  const Machine::CardView view = machine.view(card.bus);
  if (!view.npu_used) return "";
  std::string text;
  for (int core = 0; core < kCores; ++core) {
    text += fmt::format("core: {} utilization: {}%\n", core, view.npu_permyriad / 100);
  }
  return text;
}

std::string top_text() {
  const std::uint32_t busy = host_cpu_permyriad() / 100;
  const std::uint32_t user = busy * 2 / 3;
  return fmt::format(
      "Mem: {}K used, {}K free, 0K shrd, 4096K buff, 65536K cached\n"
      "CPU:  {:2}% usr  {:2}% sys   0% nic {:3}% idle   0% io   0% irq   0% sirq\n"
      "Load average: {}\n"
      "  PID  PPID USER     STAT   VSZ %VSZ CPU %CPU COMMAND\n",
      kSystemTotalKb - kSystemFreeKb, kSystemFreeKb, user, busy - user, 100 - busy,
      first_line("/proc/loadavg"));
}

std::optional<std::string> file_text(const CardProfile& card, Machine& machine,
                                     std::string_view path) {
  if (path == "/proc/ax_proc/version") return card_version_text();
  if (path == "/proc/meminfo") return meminfo_text();
  if (path == "/proc/ax_proc/mem_cmm_info") return cmm_text(card, machine);
  if (path == "/proc/ax_proc/npu/top") return npu_text(card, machine);
  if (path == "/proc/loadavg") return first_line("/proc/loadavg") + "\n";
  if (path == "/proc/ax_proc/uid") return fmt::format("ax_uid: {:#x}\n", card.uid);
  if (path == "/sys/class/thermal/thermal_zone0/temp") {
    return fmt::format("{}\n", read_card(card, machine).temperature_millidegrees);
  }
  if (path == kSetSpeed || path == "/sys/devices/system/cpu/cpufreq/policy0/scaling_cur_freq") {
    return fmt::format("{}\n", machine.view(card.bus).cpu_frequency_khz);
  }
  return std::nullopt;
}

// Words of a command; quotes hold words together and are dropped.
std::vector<std::string> split_words(std::string_view text) {
  std::vector<std::string> words;
  std::string word;
  bool begun = false;
  char quote = 0;
  for (const char letter : text) {
    if (quote != 0) {
      if (letter == quote)
        quote = 0;
      else
        word += letter;
    } else if (letter == '"' || letter == '\'') {
      quote = letter;
      begun = true;
    } else if (std::isspace(static_cast<unsigned char>(letter)) != 0) {
      if (begun) words.push_back(std::exchange(word, {}));
      begun = false;
    } else {
      word += letter;
      begun = true;
    }
  }
  if (begun) words.push_back(word);
  return words;
}

// The stages of a pipe; '|' inside quotes does not split, "||" ends the pipe.
std::vector<std::string> split_pipe(std::string_view text) {
  std::vector<std::string> stages(1);
  char quote = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char letter = text[i];
    if (quote == 0 && letter == '|') {
      if (i + 1 < text.size() && text[i + 1] == '|') break;
      stages.emplace_back();
      continue;
    }
    if (quote == 0 && (letter == '"' || letter == '\''))
      quote = letter;
    else if (letter == quote)
      quote = 0;
    stages.back() += letter;
  }
  return stages;
}

std::string grep(const std::vector<std::string>& words, const std::string& input) {
  bool invert = false;
  bool extended = false;
  const std::string* pattern = nullptr;
  for (std::size_t i = 1; i < words.size(); ++i) {
    if (words[i].size() > 1 && words[i][0] == '-') {
      invert = invert || words[i].find('v') != std::string::npos;
      extended = extended || words[i].find('E') != std::string::npos;
    } else if (pattern == nullptr) {
      pattern = &words[i];
    }
  }
  if (pattern == nullptr) return "Usage: grep [-Ev] PATTERN\n";
  std::string output;
  try {
    const std::regex expression(*pattern, extended ? std::regex::extended : std::regex::basic);
    std::istringstream lines(input);
    std::string line;
    while (std::getline(lines, line)) {
      if (std::regex_search(line, expression) != invert) output += line + "\n";
    }
  } catch (const std::regex_error&) {
    return "grep: bad regex\n";
  }
  return output;
}

std::string cat(const CardProfile& card, Machine& machine, const std::vector<std::string>& words) {
  std::string output;
  for (std::size_t i = 1; i < words.size(); ++i) {
    output +=
        file_text(card, machine, words[i])
            .value_or(fmt::format("cat: can't open '{}': No such file or directory\n", words[i]));
  }
  return output;
}

std::string echo(const CardProfile& card, Machine& machine, const std::vector<std::string>& words) {
  if (words.size() == 4 && words[2] == ">") {
    if (words[3] != kSetSpeed) {
      return fmt::format("sh: can't create {}: Permission denied\n", words[3]);
    }
    std::uint32_t khz = 0;
    const std::string& digits = words[1];
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), khz);
    if (error != std::errc() || end != digits.data() + digits.size()) {
      return "sh: write error: Invalid argument\n";
    }
    machine.set_cpu_frequency(card.bus, khz);
    return "";
  }
  std::string output;
  for (std::size_t i = 1; i < words.size(); ++i) output += (i > 1 ? " " : "") + words[i];
  return output + "\n";
}

std::string first_stage(const CardProfile& card, Machine& machine,
                        const std::vector<std::string>& words) {
  if (words.empty()) return "";
  if (words[0] == "cat") return cat(card, machine, words);
  if (words[0] == "top") return top_text();
  if (words[0] == "echo") return echo(card, machine, words);
  if (words[0] == "true") return "";
  if (words[0] == "uname") return "Linux\n";
  return fmt::format("sh: {}: not found\n", words[0]);
}

}  // namespace

std::string card_version_text() { return "Ax_Version V3.10.2_20251215140224\n"; }

CardReadings read_card(const CardProfile& card, Machine& machine) {
  const Machine::CardView view = machine.view(card.bus);
  const double degrees =
      temperature_at(card.temperature, static_cast<double>(view.uptime_ms) / 1e3);
  CardReadings readings;
  readings.temperature_millidegrees = static_cast<std::int32_t>(std::lround(degrees * 1e3));
  if (!card.temperature_file.empty()) {
    std::ifstream file(card.temperature_file);
    std::int32_t millidegrees = 0;
    if (file >> millidegrees) readings.temperature_millidegrees = millidegrees;
  }
  readings.system_total_kb = kSystemTotalKb;
  readings.system_free_kb = kSystemFreeKb;
  readings.cmm_total_kb = card.memory_bytes >> 10;
  readings.cmm_used_kb = std::min(view.used_bytes >> 10, readings.cmm_total_kb);
  readings.cpu_permyriad = host_cpu_permyriad();
  readings.npu_permyriad = view.npu_permyriad;
  return readings;
}

std::string run_shell(const CardProfile& card, Machine& machine, std::string_view command) {
  const std::vector<std::string> stages = split_pipe(command);
  std::string output = first_stage(card, machine, split_words(stages[0]));
  for (std::size_t i = 1; i < stages.size(); ++i) {
    const std::vector<std::string> words = split_words(stages[i]);
    if (words.empty() || words[0] != "grep") {
      return fmt::format("sh: {}: not found\n", words.empty() ? "" : words[0]);
    }
    output = grep(words, output);
  }
  return output;
}

}  // namespace axle::softcard
