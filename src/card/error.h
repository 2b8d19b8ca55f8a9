#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/status.h"

namespace axle::card {

// Codes that this client decides on. Source: AXCL runtime V3.10.2, axcl_base.h and the per-module
// headers: 0x80000000 | module << 24 | 0x30 << 16 | sub << 8 | id, as a signed 32-bit number.
inline constexpr std::int32_t vendor_code(std::uint32_t bits) {
  return static_cast<std::int32_t>(bits);
}
inline constexpr std::int32_t kNoDriver = vendor_code(0x8030010b);
inline constexpr std::int32_t kNoDevice = vendor_code(0x80300181);
inline constexpr std::int32_t kInvalidDevice = vendor_code(0x80300184);
inline constexpr std::int32_t kPortsRefused = vendor_code(0x80300186);
inline constexpr std::int32_t kNoContext = vendor_code(0x80300284);
inline constexpr std::int32_t kStreamTimeout = vendor_code(0x80300383);
inline constexpr std::int32_t kTaskTimeout = vendor_code(0x80300405);
inline constexpr std::int32_t kTaskNotSent = vendor_code(0x8030040c);
inline constexpr std::int32_t kMemoryRefused = vendor_code(0x8030050c);
inline constexpr std::int32_t kNotBaseAddress = vendor_code(0x80300581);
inline constexpr std::int32_t kEngineUnsupported = vendor_code(0x80300704);
inline constexpr std::int32_t kEngineBadAnswer = vendor_code(0x80300709);
inline constexpr std::int32_t kEngineRefused = vendor_code(0x8030070c);

// What was being tried: the same vendor code means different things to different calls.
enum class Action : std::uint8_t { kInit, kOpen, kUse, kAllocate, kLoad, kExecute, kWait };

// The name of a vendor code, e.g. "DEVICE_PORT_ALLOCATE"; for a code without one, what its fields
// say, e.g. "engine: time-out". Codes of the card's own modules (AX_ERR_*) are named so.
std::string vendor_error_name(std::int32_t vendor_code);

// The Status of a failed call of the vendor's library. Its text has the call, the name and the
// hexadecimal number of the code, `detail` (what was wanted and found; may be empty), and what the
// operator can do. `vendor_code` must not be 0.
//
// Codes: kCardLost for 0x8030040c and 0x80300405; kUnavailable for 0x80300186 and everything else
// that may pass; kExhausted for a refused allocation; kCorrupt or kUnsupported for refused engines;
// kDeadlineExceeded for a wait that ran out; kInternal for calls that this client must not make.
Status vendor_status(std::int32_t vendor_code, Action action, std::string_view call,
                     std::string_view detail = {});

}  // namespace axle::card
