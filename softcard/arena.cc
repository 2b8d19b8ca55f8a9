#include "softcard/arena.h"

#include <fmt/format.h>
#include <sys/mman.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <iterator>

namespace axle::softcard {
namespace {

// Blocks from this size on ask for huge pages: weights and K/V caches are streamed.
constexpr std::size_t kHugePageBytes = std::size_t{2} << 20;

}  // namespace

Result<std::unique_ptr<Arena>> Arena::create(std::size_t size_bytes) {
  const std::size_t rounded = round_to_pages(size_bytes);
  void* memory = mmap(nullptr, rounded, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (memory == MAP_FAILED) {
    return exhausted(fmt::format("cannot reserve {} bytes of address space for the card: {}",
                                 rounded, std::strerror(errno)));
  }
  return std::unique_ptr<Arena>(new Arena(static_cast<std::byte*>(memory), rounded));
}

Arena::Arena(std::byte* memory, std::size_t size_bytes) : memory_(memory), size_bytes_(size_bytes) {
  if (size_bytes > 0) free_.emplace(0, size_bytes);
}

Arena::~Arena() { munmap(memory_, size_bytes_); }

Result<std::uint64_t> Arena::allocate(std::size_t size_bytes) {
  if (size_bytes == 0 || size_bytes > size_bytes_) {
    return exhausted(fmt::format("a block of {} bytes, the card has {}", size_bytes, size_bytes_));
  }
  const std::size_t wanted = round_to_pages(size_bytes);
  const MutexLock lock(mutex_);
  const auto run = std::find_if(free_.begin(), free_.end(),
                                [wanted](const auto& entry) { return entry.second >= wanted; });
  if (run == free_.end()) {
    return exhausted(fmt::format("no free run of {} bytes on the card", wanted));
  }
  const auto [offset, length] = *run;
  free_.erase(run);
  if (length > wanted) free_.emplace(offset + wanted, length - wanted);
  used_.emplace(offset, wanted);
  if (wanted >= kHugePageBytes) madvise(memory_ + offset, wanted, MADV_HUGEPAGE);
  return kFirstAddress + offset;
}

std::optional<std::size_t> Arena::release(std::uint64_t address) {
  const MutexLock lock(mutex_);
  const auto block = used_.find(address - kFirstAddress);
  if (block == used_.end()) return std::nullopt;
  const auto [offset, length] = *block;
  used_.erase(block);
  // Private anonymous pages read as zeros afterwards.
  madvise(memory_ + offset, length, MADV_DONTNEED);

  std::uint64_t begin = offset;
  std::uint64_t end = offset + length;
  auto next = free_.lower_bound(begin);
  if (next != free_.end() && next->first == end) {
    end += next->second;
    next = free_.erase(next);
  }
  if (next != free_.begin()) {
    const auto before = std::prev(next);
    if (before->first + before->second == begin) {
      begin = before->first;
      free_.erase(before);
    }
  }
  free_.emplace(begin, end - begin);
  return length;
}

std::optional<std::size_t> Arena::block_bytes(std::uint64_t address) const {
  const MutexLock lock(mutex_);
  const auto block = used_.find(address - kFirstAddress);
  if (block == used_.end()) return std::nullopt;
  return block->second;
}

std::vector<std::pair<std::uint64_t, std::size_t>> Arena::blocks() const {
  const MutexLock lock(mutex_);
  std::vector<std::pair<std::uint64_t, std::size_t>> list;
  list.reserve(used_.size());
  for (const auto& [offset, length] : used_) list.emplace_back(kFirstAddress + offset, length);
  return list;
}

std::size_t Arena::clip(std::uint64_t address, std::size_t size_bytes) const {
  if (!contains(address)) return 0;
  return std::min<std::size_t>(size_bytes, kFirstAddress + size_bytes_ - address);
}

}  // namespace axle::softcard
