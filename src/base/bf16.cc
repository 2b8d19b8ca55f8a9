#include "base/bf16.h"

#include <cstddef>

#include "base/check.h"

namespace axle {

void to_float(std::span<const Bf16> from, std::span<float> to) {
  AXLE_CHECK(from.size() == to.size());
  for (std::size_t i = 0; i < from.size(); ++i) to[i] = to_float(from[i]);
}

void to_bf16(std::span<const float> from, std::span<Bf16> to) {
  AXLE_CHECK(from.size() == to.size());
  for (std::size_t i = 0; i < from.size(); ++i) to[i] = to_bf16(from[i]);
}

}  // namespace axle
