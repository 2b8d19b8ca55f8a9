#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>

#include "base/status.h"
#include "card/device_buffer.h"

// Checks and calls shared by blocking and queued transfers. Private to the room.
namespace axle::card::detail {

class Session;

// A card address in the form that the library takes it.
inline void* as_pointer(std::uint64_t address) {
  return std::bit_cast<void*>(static_cast<std::uintptr_t>(address));
}

// Errors of all three: kInvalidArgument.
Status check_same_size(std::size_t device_bytes, std::size_t host_bytes);
Status check_memory(DeviceSpan span);
Status check_copy(DeviceSpan from, DeviceSpan to);

// Blocking, ranges checked already and not empty. Errors: as those of device_buffer.h.
Status write(Session& session, DeviceSpan to, std::span<const std::byte> source);
Status read(Session& session, DeviceSpan from, std::span<std::byte> target);
Status fill(Session& session, DeviceSpan span, std::byte value);

}  // namespace axle::card::detail
