#include "softcard/calls.h"

#include <algorithm>
#include <array>

#include "softcard/codes.h"

namespace axle::softcard {
namespace {

struct CallEntry {
  CallId id;
  std::string_view name;
  axclError usual_error;
};

constexpr std::array kCalls{
    CallEntry{CallId::kInit, "Init", kDeviceOpen},
    CallEntry{CallId::kSetDevice, "SetDevice", kDevicePorts},
    CallEntry{CallId::kResetDevice, "ResetDevice", kDeviceNotActive},
    CallEntry{CallId::kGetDeviceProperties, "GetDeviceProperties", kDeviceQuery},
    CallEntry{CallId::kRebootDevice, "RebootDevice", kDeviceReboot},
    CallEntry{CallId::kCreateContext, "CreateContext", kContextCreate},
    CallEntry{CallId::kCreateStream, "CreateStream", kTaskExecute},
    CallEntry{CallId::kSynchronizeStream, "SynchronizeStream", kTaskExecute},
    CallEntry{CallId::kMalloc, "Malloc", kMemoryExecute},
    CallEntry{CallId::kMalloc, "MallocCached", kMemoryExecute},
    CallEntry{CallId::kFree, "Free", kMemoryExecute},
    CallEntry{CallId::kMemcpy, "Memcpy", kMemoryExecute},
    CallEntry{CallId::kMemcpy, "MemcpyAsync", kMemoryExecute},
    CallEntry{CallId::kMemset, "Memset", kMemoryExecute},
    CallEntry{CallId::kMemset, "MemsetAsync", kMemoryExecute},
    CallEntry{CallId::kMemcmp, "Memcmp", kMemoryExecute},
    CallEntry{CallId::kMemcmp, "MemcmpAsync", kMemoryExecute},
    CallEntry{CallId::kEngineInit, "EngineInit", kEngineRefused},
    CallEntry{CallId::kEngineLoad, "EngineLoadFromFile", kEngineDecode},
    CallEntry{CallId::kEngineLoad, "EngineLoadFromMem", kEngineDecode},
    CallEntry{CallId::kEngineLoad, "EngineLoad", kEngineDecode},
    CallEntry{CallId::kEngineUnload, "EngineUnload", kEngineRefused},
    CallEntry{CallId::kEngineGetIOInfo, "EngineGetIOInfo", kEngineRefused},
    CallEntry{CallId::kEngineCreateIO, "EngineCreateIO", kEngineRefused},
    CallEntry{CallId::kEngineExecute, "EngineExecute", kEngineRefused},
    CallEntry{CallId::kEngineExecute, "EngineExecuteAsync", kEngineRefused},
    CallEntry{CallId::kShell, "ControlExecuteShellCmd", kTaskExecute},
};

}  // namespace

std::optional<CallId> find_call(std::string_view name) {
  const auto* entry = std::find_if(kCalls.begin(), kCalls.end(),
                                   [name](const CallEntry& call) { return call.name == name; });
  if (entry == kCalls.end()) return std::nullopt;
  return entry->id;
}

std::string_view call_name(CallId call) {
  const auto* entry = std::find_if(kCalls.begin(), kCalls.end(),
                                   [call](const CallEntry& other) { return other.id == call; });
  return entry == kCalls.end() ? "?" : entry->name;
}

axclError usual_error(CallId call) {
  const auto* entry = std::find_if(kCalls.begin(), kCalls.end(),
                                   [call](const CallEntry& other) { return other.id == call; });
  return entry == kCalls.end() ? kTaskExecute : entry->usual_error;
}

}  // namespace axle::softcard
