#include "softcard/smi/card_client.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <regex>
#include <system_error>

namespace axle::smi {
namespace {

std::string version_in(const std::string& text) {
  std::smatch match;
  return std::regex_search(text, match, std::regex("V[0-9]+\\.[0-9]+\\.[0-9]+")) ? match.str()
                                                                                 : "--";
}

std::string cpu_busy(const std::string& text) {
  std::smatch match;
  if (!std::regex_search(text, match, std::regex("([0-9]+)% idle"))) return "--";
  return fmt::format("{}%", 100 - std::atoi(match[1].str().c_str()));
}

std::string npu_mean(const std::string& text) {
  const auto cores = npu_cores(text);
  if (cores.empty()) return "--";
  int total = 0;
  for (const auto& [core, utilisation] : cores) total += std::atoi(utilisation.c_str());
  return fmt::format("{}%", total / static_cast<int>(cores.size()));
}

std::vector<Summary::Process> read_processes(std::int32_t device) {
  std::vector<Summary::Process> processes;
  axclrtDevicePidInfo info{};
  if (axclrtGetDevicePidInfo(device, &info) != 0) return processes;
  for (std::uint32_t i = 0; i < info.num; ++i) {
    Summary::Process process;
    process.pid = info.pid[i];
    if (process.pid == static_cast<std::uint32_t>(::getpid())) continue;
    std::error_code ignored;
    process.name =
        std::filesystem::read_symlink(fmt::format("/proc/{}/exe", process.pid), ignored).string();
    const std::string text = shell(
        fmt::format("cat /proc/ax_proc/mem_cmm_info | grep -E 'name=\"npu_.*_pid{}\"' || true",
                    process.pid)
            .c_str());
    for (std::size_t at = text.find("length="); at != std::string::npos;
         at = text.find("length=", at + 1)) {
      process.npu_kb += std::atoll(text.c_str() + at + 7);
    }
    processes.push_back(std::move(process));
  }
  std::free(info.pid);
  return processes;
}

}  // namespace

std::string shell(const char* command, const std::vector<const char*>& arguments,
                  std::int32_t timeout_ms) {
  char* output = nullptr;
  const axclError code = axclrtControlExecuteShellCmd(command, arguments.data(), arguments.size(),
                                                      &output, timeout_ms);
  if (code != 0 || output == nullptr) return "";
  std::string text = output;
  std::free(output);
  return text;
}

std::int64_t number_after(std::string_view text, std::string_view key) {
  const std::size_t at = text.find(key);
  if (at == std::string_view::npos) return -1;
  std::size_t begin = at + key.size();
  while (begin < text.size() && (text[begin] == ' ' || text[begin] == ':')) ++begin;
  return std::atoll(std::string(text.substr(begin, 20)).c_str());
}

std::vector<std::pair<std::string, std::string>> npu_cores(const std::string& text) {
  const std::regex line("core:\\s*(\\S+)\\s+utilization:\\s*(\\S+)");
  std::vector<std::pair<std::string, std::string>> cores;
  for (std::sregex_iterator match(text.begin(), text.end(), line), end; match != end; ++match) {
    cores.emplace_back((*match)[1].str(), (*match)[2].str());
  }
  return cores;
}

Summary read_summary(std::int32_t device) {
  Summary summary;
  summary.device = device;
  summary.soc = axclrtGetSocName();
  summary.firmware = version_in(shell("cat /proc/ax_proc/version"));
  axclrtGetDeviceBusInfo(device, &summary.bus);
  const std::string memory = shell("cat /proc/meminfo");
  summary.memory_total_kb = number_after(memory, "MemTotal:");
  summary.memory_free_kb = number_after(memory, "MemFree:");
  const std::string cmm = shell("cat /proc/ax_proc/mem_cmm_info  | grep \"total size\"");
  summary.cmm_total_kb = number_after(cmm, "total size=");
  summary.cmm_used_kb = number_after(cmm, "used=");
  summary.temperature_millidegrees =
      std::atoll(shell("cat /sys/class/thermal/thermal_zone0/temp").c_str());
  summary.cpu = cpu_busy(shell("top -bn1 | grep -E \"CPU:|Load average:\" | grep -v \"grep\""));
  summary.npu = npu_mean(shell("cat /proc/ax_proc/npu/top"));
  summary.processes = read_processes(device);
  return summary;
}

}  // namespace axle::smi
