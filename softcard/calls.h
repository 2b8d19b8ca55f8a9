#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "softcard/abi.h"

namespace axle::softcard {

// The functions at which a fault can be made to happen. Asynchronous forms count as the plain one.
enum class CallId : std::uint8_t {
  kInit,
  kSetDevice,
  kResetDevice,
  kGetDeviceProperties,
  kRebootDevice,
  kCreateContext,
  kCreateStream,
  kSynchronizeStream,
  kMalloc,
  kFree,
  kMemcpy,
  kMemset,
  kMemcmp,
  kEngineInit,
  kEngineLoad,
  kEngineUnload,
  kEngineGetIOInfo,
  kEngineCreateIO,
  kEngineExecute,
  kShell,
  kCount,
};

// By the function's name without "axclrt" or "axcl": "SetDevice", "EngineExecute", "Init".
// EngineLoadFromFile, EngineLoadFromMem and EngineLoad are one, as are Malloc and MallocCached.
std::optional<CallId> find_call(std::string_view name);
std::string_view call_name(CallId call);
// What a refused call of this kind usually answers.
axclError usual_error(CallId call);

}  // namespace axle::softcard
