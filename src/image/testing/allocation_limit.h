#pragma once

#include <cstddef>

namespace axle::image::testing {

// While it lives, `operator new` of this thread fails for more than `max_bytes` at once. One at a
// time.
class AllocationLimit {
 public:
  explicit AllocationLimit(std::size_t max_bytes);
  AllocationLimit(const AllocationLimit&) = delete;
  AllocationLimit& operator=(const AllocationLimit&) = delete;
  ~AllocationLimit();
};

}  // namespace axle::image::testing
