#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <iostream>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "softcard/smi/card_client.h"
#include "softcard/smi/tables.h"

// axcl-smi for the software card: the vendor's commands and output. The exit code is always 0, as
// the vendor's: what went wrong is in the text.

namespace axle::smi {
namespace {

struct Arguments {
  std::string command;             // Empty: the summary.
  std::vector<std::string> words;  // Of the command.
  std::optional<std::string> device;
  bool version = false;
  bool help = false;
};

Arguments parse(int argc, char** argv) {
  Arguments arguments;
  for (int i = 1; i < argc; ++i) {
    const std::string word = argv[i];
    if ((word == "-d" || word == "--device") && i + 1 < argc) {
      arguments.device = argv[++i];
    } else if (word.rfind("--device=", 0) == 0) {
      arguments.device = word.substr(9);
    } else if (word == "-v" || word == "--version") {
      arguments.version = true;
    } else if (word == "-h" || word == "--help") {
      arguments.help = true;
    } else if (arguments.command.empty()) {
      arguments.command = word;
    } else {
      arguments.words.push_back(word);
    }
  }
  return arguments;
}

void print(const std::string& text) {
  std::fputs(text.c_str(), stdout);
  std::fflush(stdout);
}

void print_error(const char* function, int line, const std::string& text) {
  print(error_line(function, line, text));
}

// The list of bus numbers that a command is for: all cards, or the one of -d.
std::vector<std::int32_t> chosen_devices(const Arguments& arguments) {
  axclrtDeviceList list{};
  axclrtGetDeviceList(&list);
  std::vector<std::int32_t> devices(list.devices, list.devices + list.num);
  if (!arguments.device.has_value()) return devices;
  char* end = nullptr;
  const long index = std::strtol(arguments.device->c_str(), &end, 10);
  if (end == arguments.device->c_str() || *end != '\0' || index < 0 ||
      static_cast<std::size_t>(index) >= devices.size()) {
    print_error("device_manager", __LINE__,
                fmt::format("device index {} is out of connected devices number {}",
                            *arguments.device, devices.size()));
    return {};
  }
  return {devices[static_cast<std::size_t>(index)]};
}

void show_summary(const std::vector<std::int32_t>& devices) {
  std::vector<Summary> cards;
  for (const std::int32_t device : devices) {
    void* context = nullptr;
    const axclError code = axclrtCreateContext(&context, device);
    if (code != 0) {
      print_error("summary", __LINE__,
                  fmt::format("create context of device {} fail, ret = 0x{:08x}", device,
                              static_cast<std::uint32_t>(code)));
      continue;
    }
    cards.push_back(read_summary(device));
    axclrtDestroyContext(context);
  }
  print(summary_table(cards) + "\n" + process_table(cards));
}

struct InfoKind {
  std::string_view name;
  const char* command;
};
constexpr std::array kInfoKinds{
    InfoKind{"temp", "cat /sys/class/thermal/thermal_zone0/temp"},
    InfoKind{"mem", "cat /proc/meminfo"},
    InfoKind{"cmm", "cat /proc/ax_proc/mem_cmm_info  | grep \"total size\""},
    InfoKind{"cpu", "top -bn1 | grep -E \"CPU:|Load average:\" | grep -v \"grep\""},
    InfoKind{"npu", "cat /proc/ax_proc/npu/top"},
};

void run_info(std::int32_t device, const std::vector<std::string>& words) {
  for (const std::string& word : words) {
    bool known = false;
    for (const InfoKind& kind : kInfoKinds) {
      if (word != fmt::format("--{}", kind.name)) continue;
      print(info_block(device, kind.name, shell(kind.command)));
      known = true;
    }
    if (!known) print_error("info", __LINE__, fmt::format("unknown option {}", word));
  }
  if (words.empty()) print(usage_text());
}

void run_proc(std::int32_t device, const std::vector<std::string>& words) {
  for (const std::string& word : words) {
    const std::string name = word.rfind("--", 0) == 0 ? word.substr(2) : word;
    const std::string file = name == "cmm" ? "mem_cmm_info" : name == "link" ? "link_table" : name;
    print(device_line(device) + shell(fmt::format("cat /proc/ax_proc/{}", file).c_str()) + "\n");
  }
}

void run_set(std::int32_t device, const std::vector<std::string>& words) {
  std::string frequency;
  for (std::size_t i = 0; i < words.size(); ++i) {
    if (words[i] == "-f" && i + 1 < words.size())
      frequency = words[++i];
    else if (words[i].rfind("-f", 0) == 0)
      frequency = words[i].substr(2);
    else if (words[i].rfind("--freq=", 0) == 0)
      frequency = words[i].substr(7);
  }
  if (frequency != "1200000" && frequency != "1400000" && frequency != "1700000") {
    print_error("set", __LINE__,
                fmt::format("cpu frequency {} is not one of 1200000, 1400000, 1700000", frequency));
    return;
  }
  shell(fmt::format("echo {} > /sys/devices/system/cpu/cpufreq/policy0/scaling_setspeed", frequency)
            .c_str());
  print(fmt::format("set cpu frequency {} to device {} succeed.\n", frequency, device));
}

void run_log(std::int32_t device, const std::vector<std::string>& words) {
  std::string path = "./";
  for (std::size_t i = 0; i < words.size(); ++i) {
    if (words[i] == "-o" && i + 1 < words.size())
      path = words[++i];
    else if (words[i].rfind("-o", 0) == 0)
      path = words[i].substr(2);
  }
  if (const axclError code = axclrtLog(-1, 0, path.c_str()); code != 0) {
    print_error("log", __LINE__,
                fmt::format("dump log of device {} to {} fail, ret = 0x{:08x}", device, path,
                            static_cast<std::uint32_t>(code)));
  }
}

void run_shell(const std::vector<std::string>& words) {
  if (words.empty()) return print(usage_text());
  const char* setting = std::getenv("_AXCL_SHELL_TIMEOUT");
  std::vector<const char*> arguments;
  for (std::size_t i = 1; i < words.size(); ++i) arguments.push_back(words[i].c_str());
  print(shell(words[0].c_str(), arguments, setting != nullptr ? std::atoi(setting) : 10000));
}

void reboot(std::int32_t device, std::size_t index) {
  print(fmt::format("Do you want to reboot device {} ? (y/n): ", index));
  std::string answer;
  std::getline(std::cin, answer);
  if (answer != "y" && answer != "Y") return;
  if (const axclError code = axclrtRebootDevice(device); code != 0) {
    print_error("reboot", __LINE__,
                fmt::format("reboot device {} fail, ret = 0x{:08x}", device,
                            static_cast<std::uint32_t>(code)));
    return;
  }
  if (axclrtSetDevice(device) == 0) axclrtResetDevice(device);
  print(fmt::format("reboot device {} success\n", device));
}

void run_command(const Arguments& arguments, std::int32_t device) {
  if (const axclError code = axclrtSetDevice(device); code != 0) {
    print_error("device_manager", __LINE__,
                fmt::format("set device {} fail, ret = 0x{:08x}", device,
                            static_cast<std::uint32_t>(code)));
    return;
  }
  if (arguments.command == "info") run_info(device, arguments.words);
  if (arguments.command == "proc") run_proc(device, arguments.words);
  if (arguments.command == "set") run_set(device, arguments.words);
  if (arguments.command == "log") run_log(device, arguments.words);
  if (arguments.command == "sh") run_shell(arguments.words);
  axclrtResetDevice(device);
}

bool known_command(const std::string& command) {
  for (const char* known : {"", "info", "proc", "set", "log", "sh", "reboot"}) {
    if (command == known) return true;
  }
  return false;
}

// One axcl-smi at a time on a machine (as AXLE_SOFTCARD_STATE names it); the system releases the
// lock when the process ends.
std::string lock_path() {
  const char* setting = std::getenv("AXLE_SOFTCARD_STATE");
  const std::string state = setting != nullptr ? setting : "";
  if (state.find('/') != std::string::npos) return state + ".smi";
  return fmt::format("/tmp/axle-axcl-smi-{}{}{}.lock", ::getuid(), state.empty() ? "" : "-", state);
}

bool only_instance() {
  const int lock = ::open(lock_path().c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
  return lock < 0 || ::flock(lock, LOCK_EX | LOCK_NB) == 0;
}

void run(int argc, char** argv) {
  const Arguments arguments = parse(argc, argv);
  if (arguments.version) return print(version_text());
  if (arguments.help || !known_command(arguments.command)) return print(usage_text());
  if (!only_instance()) return print("axcl-smi is already running, please try later.\n");
  if (const axclError code = axclInit(nullptr); code != 0) {
    if (arguments.command.empty()) print(summary_table({}) + "\n" + process_table({}));
    print_error("device_manager", __LINE__,
                fmt::format("axcl init fail, ret = 0x{:08x}", static_cast<std::uint32_t>(code)));
    return;
  }
  const std::vector<std::int32_t> devices = chosen_devices(arguments);
  if (arguments.command.empty()) {
    show_summary(devices);
  } else {
    for (std::size_t i = 0; i < devices.size(); ++i) {
      const auto index = arguments.device.has_value()
                             ? static_cast<std::size_t>(std::atol(arguments.device->c_str()))
                             : i;
      if (arguments.command == "reboot")
        reboot(devices[i], index);
      else
        run_command(arguments, devices[i]);
    }
  }
  axclFinalize();
}

}  // namespace
}  // namespace axle::smi

int main(int argc, char** argv) {
  try {
    axle::smi::run(argc, argv);
  } catch (const std::exception& error) {
    std::puts(error.what());
  }
  return 0;
}
