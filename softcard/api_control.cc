#include <cstdlib>
#include <cstring>
#include <ctime>
#include <string>

#include "base/file.h"
#include "softcard/card_system.h"
#include "softcard/runtime.h"

// The card's own system: shell commands, logs.

using namespace axle::softcard;

axclError axclrtControlExecuteShellCmd(const char* command, const char* const* args,
                                       std::size_t count, char** output,
                                       std::int32_t /*timeout_ms*/) {
  if (command == nullptr || output == nullptr || (args == nullptr && count > 0)) {
    return kControlNull;
  }
  return guarded(kTaskExecute, [&] {
    Caller caller;
    if (const axclError code = enter(CallId::kShell, caller); code != kOk) return code;
    std::string line = command;
    for (std::size_t i = 0; i < count; ++i) {
      if (args[i] != nullptr) line += std::string(" ") + args[i];
    }
    const std::string text = run_shell(caller.device().card(), caller.device().machine(), line);
    *output = ::strdup(text.c_str());
    return *output == nullptr ? kTaskExecute : kOk;
  });
}

axclError axclrtControlChangePCIeSubId(std::uint32_t /*vendor*/, std::uint32_t /*device*/) {
  return kControlUnsupported;
}

axclError axclrtLog(std::int32_t /*type_mask*/, std::int32_t /*flag*/, const char* path) {
  if (path == nullptr) return kSyslogNull;
  return guarded(kSyslogOpen, [&] {
    Caller caller;
    if (const axclError code = bind_caller(caller); code != kOk) return code;
    const std::time_t now = std::time(nullptr);
    std::tm local{};
    localtime_r(&now, &local);
    char time[32];
    std::strftime(time, sizeof time, "%Y%m%d%H%M%S", &local);
    Device& device = caller.device();
    const std::string directory = std::string(path).empty() ? "./" : path;
    const std::string file = fmt::format("{}{}dev{}_log_{}.txt", directory,
                                         directory.back() == '/' ? "" : "/", device.id(), time);
    std::string text;
    for (const char* source : {"/proc/ax_proc/version", "/proc/meminfo",
                               "/proc/ax_proc/mem_cmm_info", "/proc/ax_proc/npu/top"}) {
      text += fmt::format("==> {}\n{}\n", source,
                          run_shell(device.card(), device.machine(), std::string("cat ") + source));
    }
    if (!axle::write_file_atomically(file, text).ok()) return kSyslogOpen;
    SOFTCARD_LOG(kCritical, "log", "log dump finished: {}", file);
    return kOk;
  });
}

axclError axclrtLatencyLoopback(void* data, std::uint32_t /*size*/, bool /*check*/,
                                std::int32_t /*timeout_ms*/) {
  // What comes back from the card is what was sent.
  return data == nullptr ? kLatencyNull : kOk;
}
