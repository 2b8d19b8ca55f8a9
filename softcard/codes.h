#pragma once

#include <cstdint>

#include "softcard/abi.h"

// The runtime's error codes: 0x80000000 | module << 24 | 0x30 << 16 | sub << 8 | id.
// Source: AXCL runtime V3.10.2, axcl_base.h and the per-module headers.
namespace axle::softcard {

constexpr axclError error_code(std::uint32_t bits) { return static_cast<axclError>(bits); }

inline constexpr axclError kOk = 0;
inline constexpr axclError kDeviceNull = error_code(0x80300102);
inline constexpr axclError kDeviceOpen = error_code(0x8030010b);
inline constexpr axclError kDeviceQuery = error_code(0x80300180);
inline constexpr axclError kDeviceNoConnect = error_code(0x80300181);
inline constexpr axclError kDeviceNotActive = error_code(0x80300183);
inline constexpr axclError kDeviceInvalidId = error_code(0x80300184);
inline constexpr axclError kDeviceNoActive = error_code(0x80300185);
inline constexpr axclError kDevicePorts = error_code(0x80300186);
inline constexpr axclError kDeviceReboot = error_code(0x80300187);
inline constexpr axclError kContextNull = error_code(0x80300202);
inline constexpr axclError kContextIllegal = error_code(0x80300203);
inline constexpr axclError kContextCreate = error_code(0x80300281);
inline constexpr axclError kContextDestroy = error_code(0x80300282);
inline constexpr axclError kContextNoBind = error_code(0x80300284);
inline constexpr axclError kStreamNull = error_code(0x80300302);
inline constexpr axclError kStreamIllegal = error_code(0x80300303);
inline constexpr axclError kStreamDestroy = error_code(0x80300382);
inline constexpr axclError kStreamTimeout = error_code(0x80300383);
inline constexpr axclError kEventWait = error_code(0x80300384);
inline constexpr axclError kTaskUnsupported = error_code(0x80300404);
inline constexpr axclError kTaskNull = error_code(0x80300402);
inline constexpr axclError kTaskExecute = error_code(0x8030040c);
inline constexpr axclError kMemoryNull = error_code(0x80300502);
inline constexpr axclError kMemoryIllegal = error_code(0x80300503);
inline constexpr axclError kMemoryUnsupported = error_code(0x80300504);
inline constexpr axclError kMemoryHost = error_code(0x80300507);
inline constexpr axclError kMemoryExecute = error_code(0x8030050c);
inline constexpr axclError kNotDeviceMemory = error_code(0x80300581);
inline constexpr axclError kConfigLoad = error_code(0x80300681);
inline constexpr axclError kEngineFail = error_code(0x80300701);
inline constexpr axclError kEngineNull = error_code(0x80300702);
inline constexpr axclError kEngineIllegal = error_code(0x80300703);
inline constexpr axclError kEngineUnsupported = error_code(0x80300704);
inline constexpr axclError kEngineDecode = error_code(0x80300709);
inline constexpr axclError kEngineRefused = error_code(0x8030070c);
inline constexpr axclError kEngineIndex = error_code(0x80300781);
inline constexpr axclError kSyslogNull = error_code(0x80300802);
inline constexpr axclError kSyslogOpen = error_code(0x8030080b);
inline constexpr axclError kControlNull = error_code(0x80300902);
inline constexpr axclError kControlUnsupported = error_code(0x80300904);
inline constexpr axclError kLatencyNull = error_code(0x80300a02);
inline constexpr axclError kP2pNull = error_code(0x80300b02);
inline constexpr axclError kP2pUnsupported = error_code(0x80300b04);
inline constexpr axclError kUserWorkNull = error_code(0x80300c02);
inline constexpr axclError kUserWorkUnsupported = error_code(0x80300c04);

// MemcpyAsync from host to host answers this bare value. Source: probing of the library, V3.10.2.
inline constexpr axclError kBareUnsupported = 4;

// Kinds of copies. Source: axcl_rt_type.h.
inline constexpr std::int32_t kHostToHost = 0;
inline constexpr std::int32_t kHostToDevice = 1;
inline constexpr std::int32_t kDeviceToHost = 2;
inline constexpr std::int32_t kDeviceToDevice = 3;
inline constexpr std::int32_t kHostPhysicalToDevice = 4;
inline constexpr std::int32_t kDeviceToHostPhysical = 5;

}  // namespace axle::softcard
