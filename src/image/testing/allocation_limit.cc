#include "image/testing/allocation_limit.h"

#include <cstdlib>
#include <limits>
#include <new>

namespace axle::image::testing {
namespace {

constexpr std::size_t kNoLimit = std::numeric_limits<std::size_t>::max();
thread_local std::size_t limit_bytes = kNoLimit;

}  // namespace

AllocationLimit::AllocationLimit(std::size_t max_bytes) { limit_bytes = max_bytes; }
AllocationLimit::~AllocationLimit() { limit_bytes = kNoLimit; }

bool allowed(std::size_t bytes) { return bytes <= limit_bytes; }

}  // namespace axle::image::testing

// Replaces the program's own, as [new.delete] allows.
void* operator new(std::size_t bytes) {
  void* block = axle::image::testing::allowed(bytes) ? std::malloc(bytes) : nullptr;
  if (block == nullptr) throw std::bad_alloc();
  return block;
}

void operator delete(void* block) noexcept { std::free(block); }
void operator delete(void* block, std::size_t) noexcept { std::free(block); }
