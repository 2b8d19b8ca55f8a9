#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include "base/check.h"
#include "base/result.h"

namespace axle::card {

namespace detail {
class Session;
}
class Card;

// A range of card memory. The address is the card's own (physical): never to be dereferenced here.
struct DeviceSpan {
  std::uint64_t address = 0;  // 0: no memory.
  std::size_t size_bytes = 0;

  // REQUIRES: offset_bytes + size <= size_bytes.
  DeviceSpan slice(std::size_t offset_bytes, std::size_t size) const {
    AXLE_CHECK(offset_bytes <= size_bytes && size <= size_bytes - offset_bytes);
    return {address + offset_bytes, size};
  }
  bool overlaps(const DeviceSpan& other) const {
    return size_bytes != 0 && other.size_bytes != 0 && address < other.address + other.size_bytes &&
           other.address < address + size_bytes;
  }
  bool contains(const DeviceSpan& other) const {
    return other.address >= address && other.size_bytes <= size_bytes &&
           other.address - address <= size_bytes - other.size_bytes;
  }
  friend bool operator==(const DeviceSpan&, const DeviceSpan&) = default;
};

// One contiguous block of card memory. Move-only; gives the block back when destroyed, unless the
// card is lost or closed, which has freed it already. Its content is undefined at first.
//
// Threading: distinct buffers may be used by distinct threads; one buffer not without order.
// Source: AXCL runtime V3.10.2, axcl_rt_memory.h.
class DeviceBuffer {
 public:
  // Takes at least `size_bytes`, in pages of 4 KiB. Costs a round trip to the card: take blocks
  // while a model loads, not per request.
  //
  // Errors: kInvalidArgument  `size_bytes` is zero.
  //         kExhausted        no room (the text says how much is free). kCardLost.
  static Result<DeviceBuffer> allocate(Card& card, std::size_t size_bytes);

  DeviceBuffer() = default;  // No memory; size 0.
  DeviceBuffer(DeviceBuffer&& other) noexcept;
  DeviceBuffer& operator=(DeviceBuffer&& other) noexcept;
  ~DeviceBuffer();

  // Copies host bytes to the block at `offset_bytes` and waits until they are there.
  // Errors: kInvalidArgument  would end past the block. kCardLost (how much arrived is unknown).
  Status write(std::size_t offset_bytes, std::span<const std::byte> source);
  // Copies from the block to the host. Errors: as write().
  Status read(std::size_t offset_bytes, std::span<std::byte> target) const;
  // Sets bytes. Errors: as write().
  Status fill(std::size_t offset_bytes, std::size_t size_bytes, std::byte value);

  // Gives the memory back now. Errors: what the library says; the buffer is empty in any case.
  Status release();

  DeviceSpan span() const { return {address_, size_bytes_}; }
  DeviceSpan slice(std::size_t offset_bytes, std::size_t size) const {
    return span().slice(offset_bytes, size);
  }
  std::size_t size_bytes() const { return size_bytes_; }  // As asked for.

 private:
  DeviceBuffer(std::shared_ptr<detail::Session> session, std::uint64_t address,
               std::size_t size_bytes);

  std::shared_ptr<detail::Session> session_;  // Shared: knows whether the card still lives.
  std::uint64_t address_ = 0;                 // Base address; 0 when empty.
  std::size_t size_bytes_ = 0;
};

// Moves bytes between host and card or within the card, and waits. Empty ranges do nothing.
//
// Errors: kInvalidArgument  sizes differ, a span without memory, or (copy) overlapping ranges.
//         kCardLost, kUnavailable  the card refused.
Status write(Card& card, DeviceSpan to, std::span<const std::byte> source);
Status read(Card& card, DeviceSpan from, std::span<std::byte> target);
Status fill(Card& card, DeviceSpan span, std::byte value);
Status copy(Card& card, DeviceSpan from, DeviceSpan to);

// Are the bytes of two ranges of the same size equal? Errors: as copy(); kUnsupported.
Result<bool> equal(Card& card, DeviceSpan left, DeviceSpan right);

}  // namespace axle::card
