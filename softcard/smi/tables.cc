#include "softcard/smi/tables.h"

#include <fmt/format.h>

#include <chrono>
#include <ctime>
#include <regex>
#include <sstream>

namespace axle::smi {
namespace {

constexpr std::string_view kHeavyRule =
    "+---------------------------------------------------------------------------------------------"
    "---"
    "+\n";
constexpr std::string_view kCardRule =
    "+-----------------------------------------+--------------+------------------------------------"
    "---"
    "+\n";

std::string card_rows(std::size_t index, const Summary& card) {
  const std::string bus = fmt::format("{:04X}:{:02X}:{:02X}.{:X}", card.bus.domain, card.bus.bus,
                                      card.bus.slot, card.bus.func);
  const std::string temperature = fmt::format("{}C", card.temperature_millidegrees / 1000);
  return fmt::format("| {:>4}  {:<16} {:>16} | {:>12} |           {:>8} MiB / {:>8} MiB |\n", index,
                     card.soc, card.firmware, bus,
                     (card.memory_total_kb - card.memory_free_kb) / 1024,
                     card.memory_total_kb / 1024) +
         fmt::format("| {:>4}  {:>4} {:>28} | {:<6}{:>6} |           {:>8} MiB / {:>8} MiB |\n",
                     "--", temperature, "-- / --", card.cpu, card.npu, card.cmm_used_kb / 1024,
                     card.cmm_total_kb / 1024);
}

std::string cpu_block(const std::string& text) {
  std::smatch cpu;
  std::smatch idle;
  std::smatch load;
  const std::regex cpu_line("CPU:\\s*([^\n]*)");
  const std::regex load_line("Load average:\\s*([^\n]*)");
  const bool found = std::regex_search(text, cpu, cpu_line) &&
                     std::regex_search(text, idle, std::regex("([0-9]+)% idle"));
  if (!found) return "CPU Usage (%)       : --\n";
  std::string block = fmt::format("CPU Usage (%)       : {:.2f}%\nCPU                 : {}\n",
                                  100.0 - std::atof(idle[1].str().c_str()), cpu[1].str());
  if (std::regex_search(text, load, load_line)) {
    block += fmt::format("Load average        : {}\n", load[1].str());
  }
  return block;
}

std::string npu_block(const std::string& text) {
  const auto cores = npu_cores(text);
  if (cores.empty()) return "NPU Usage (%)       : --\n";
  std::string block = "engine version      : 2.11.0a\n";
  for (const auto& [core, utilisation] : cores) {
    block += fmt::format("{:<20}: {}\n", core, utilisation);
  }
  return block;
}

std::string memory_block(const std::string& text) {
  std::string block;
  std::istringstream lines(text);
  std::string line;
  while (std::getline(lines, line)) {
    const std::size_t colon = line.find(':');
    if (colon == std::string::npos) continue;
    const std::size_t value = line.find_first_not_of(' ', colon + 1);
    block += fmt::format("{:<20}: {:>11}\n", line.substr(0, colon),
                         value == std::string::npos ? "" : line.substr(value));
  }
  return block;
}

}  // namespace

std::string usage_text() {
  return "usage: axcl-smi [<command> [<args>]] [--device] [--version] [--help]\n"
         "\n"
         "axcl-smi System Management Interface " +
         std::string(kVersion) +
         " (software card)\n\n"
         "commands:\n"
         "    info                 show device information\n"
         "        --temp           temperature\n"
         "        --mem            memory of the card's system\n"
         "        --cmm            media memory\n"
         "        --cpu            cpu usage\n"
         "        --npu            npu usage\n"
         "    proc                 cat device proc\n"
         "        --vdec --venc --jenc --ivps --rgn --ive --pool --link --cmm\n"
         "    set                  set\n"
         "        -f[MHz], --freq=[MHz]  cpu frequency: 1200000, 1400000, 1700000\n"
         "    log                  dump log from device\n"
         "        -t[mask]         -1: all, 0x01: daemon, 0x02: worker, 0x10: syslog, 0x20: "
         "kernel\n"
         "        -o[path]         output path\n"
         "    sh cmd args...       run a shell command on the device\n"
         "    reboot               reboot device\n"
         "\n"
         "-d, --device             index of the card, 0 to the number of connected cards - 1\n"
         "-v, --version            show axcl-smi version\n"
         "-h, --help               show this help menu\n";
}

std::string version_text() {
  return fmt::format("AXCL-SMI {} BUILD: Dec 15 2025 14:29:02\n", kVersion);
}

std::string summary_table(const std::vector<Summary>& cards) {
  std::string text(kHeavyRule);
  text += fmt::format("| {:<32}                              {:>32} |\n",
                      fmt::format("AXCL-SMI  {}", kVersion), fmt::format("Driver  {}", kVersion));
  text += kCardRule;
  text +=
      "| Card  Name                     Firmware | Bus-Id       |                          "
      "Memory-Usage |\n";
  text +=
      "| Fan   Temp                Pwr:Usage/Cap | CPU      NPU |                             "
      "CMM-Usage |\n";
  text +=
      "|=========================================+==============+============================="
      "==========|\n";
  for (std::size_t index = 0; index < cards.size(); ++index) {
    text += card_rows(index, cards[index]);
    text += kCardRule;
  }
  return text;
}

std::string process_table(const std::vector<Summary>& cards) {
  std::string text(kHeavyRule);
  text += fmt::format("| {:<94} |\n", "Processes:");
  text += fmt::format("| {:<78}{:>16} |\n", "Card      PID  Process Name", "NPU Memory Usage");
  text += fmt::format("|{:=<96}|\n", "");
  bool any = false;
  for (std::size_t index = 0; index < cards.size(); ++index) {
    for (const Summary::Process& process : cards[index].processes) {
      text += fmt::format("| {:>4} {:>8}  {:<66} {:>8} KiB |\n", index, process.pid, process.name,
                          process.npu_kb);
      any = true;
    }
  }
  if (any) text += kHeavyRule;
  return text;
}

std::string device_line(std::int32_t device) {
  return fmt::format("Device ID           : {} (0x{:x})\n", device, device);
}

std::string info_block(std::int32_t device, std::string_view what, const std::string& shell_text) {
  std::string text = device_line(device);
  if (what == "temp") {
    text += fmt::format("temperature         : {}\n", std::atoll(shell_text.c_str()));
  } else if (what == "cmm") {
    text += fmt::format(
        "CMM Total           : {:>8} KiB\nCMM Used            : {:>8} KiB\n"
        "CMM Remain          : {:>8} kiB\n",
        number_after(shell_text, "total size="), number_after(shell_text, "used="),
        number_after(shell_text, "remain="));
  } else if (what == "mem") {
    text += memory_block(shell_text);
  } else if (what == "cpu") {
    text += cpu_block(shell_text);
  } else {
    text += npu_block(shell_text);
  }
  return text + "\n";
}

std::string error_line(std::string_view function, int line, std::string_view text) {
  const auto now = std::chrono::system_clock::now();
  const std::time_t seconds = std::chrono::system_clock::to_time_t(now);
  const auto milliseconds =
      std::chrono::duration_cast<std::chrono::milliseconds>(now.time_since_epoch()).count() % 1000;
  std::tm local{};
  localtime_r(&seconds, &local);
  return fmt::format(
      "\x1b[1;30;31m[{:02}-{:02} {:02}:{:02}:{:02}:{:03}][E][smi][{}][{:04}]: {} "
      "\x1b[0m\n",
      local.tm_mon + 1, local.tm_mday, local.tm_hour, local.tm_min, local.tm_sec, milliseconds,
      function, line, text);
}

}  // namespace axle::smi
