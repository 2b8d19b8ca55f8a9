#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "base/mutex.h"
#include "base/result.h"

namespace axle::softcard {

// The memory of one card as this process sees it: one flat range of addresses that begin at
// kFirstAddress and mean nothing to the host, backed by zero pages that cost nothing until used.
// Blocks are whole pages, taken at the lowest address where they fit; no guard pages, so that a
// copy which runs over the end of a block lands in its neighbour, as on the card.
//
// Threading: every function from any thread. The bytes themselves are not synchronised.
// Source: AXCL runtime V3.10.2 as observed: page size and first address of the media memory.
class Arena {
 public:
  static constexpr std::uint64_t kFirstAddress = 0x148000000;
  static constexpr std::size_t kPageBytes = 4096;

  // Errors: kExhausted  the host does not give that much address space.
  static Result<std::unique_ptr<Arena>> create(std::size_t size_bytes);
  ~Arena();
  Arena(const Arena&) = delete;
  Arena& operator=(const Arena&) = delete;

  // Takes `size_bytes` (above 0), rounded up to pages; the block reads as zeros.
  // Errors: kExhausted  no free run is that long.
  Result<std::uint64_t> allocate(std::size_t size_bytes);
  // Gives a block back and tells its size in whole pages; nothing when `address` is not the first
  // of a live block.
  std::optional<std::size_t> release(std::uint64_t address);
  // Whole pages of the block that begins at `address`; nothing when none does.
  std::optional<std::size_t> block_bytes(std::uint64_t address) const;
  // Live blocks, lowest address first: (address, bytes).
  std::vector<std::pair<std::uint64_t, std::size_t>> blocks() const;

  // Is `address` one of the card's?
  bool contains(std::uint64_t address) const {
    return address - kFirstAddress < size_bytes_;  // Wraps below the first address.
  }
  // How much of [address, address + size_bytes) lies in the card: 0 when it begins outside.
  std::size_t clip(std::uint64_t address, std::size_t size_bytes) const;
  // Where the host finds an address. REQUIRES: contains(address).
  std::byte* host(std::uint64_t address) { return memory_ + (address - kFirstAddress); }
  std::size_t size_bytes() const { return size_bytes_; }

  static std::size_t round_to_pages(std::size_t size_bytes) {
    return (size_bytes + kPageBytes - 1) / kPageBytes * kPageBytes;
  }

 private:
  Arena(std::byte* memory, std::size_t size_bytes);

  std::byte* memory_;
  std::size_t size_bytes_;
  mutable Mutex mutex_;
  // Offset -> bytes, both in whole pages; free runs never touch each other.
  std::map<std::uint64_t, std::size_t> free_ AXLE_GUARDED_BY(mutex_);
  std::map<std::uint64_t, std::size_t> used_ AXLE_GUARDED_BY(mutex_);
};

}  // namespace axle::softcard
