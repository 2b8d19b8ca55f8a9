#include "llm/compare.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/check.h"

namespace axle::llm {
namespace {

constexpr int kFractionBits = 7;  // Of bf16, without the leading one.

}  // namespace

bool all_finite(std::span<const Bf16> numbers) {
  return std::ranges::all_of(numbers, [](Bf16 number) { return std::isfinite(to_float(number)); });
}

double difference_in_ulps(std::span<const Bf16> expected, std::span<const Bf16> found) {
  AXLE_CHECK(expected.size() == found.size());
  double scale = 0.0;
  double largest = 0.0;
  for (std::size_t i = 0; i < expected.size(); ++i) {
    const double wanted = static_cast<double>(to_float(expected[i]));
    const double got = static_cast<double>(to_float(found[i]));
    if (!std::isfinite(got)) return std::numeric_limits<double>::infinity();
    scale = std::max(scale, std::abs(wanted));
    largest = std::max(largest, std::abs(got - wanted));
  }
  if (largest == 0.0) return 0.0;
  if (scale == 0.0) return std::numeric_limits<double>::infinity();
  return largest / std::ldexp(1.0, std::ilogb(scale) - kFractionBits);
}

}  // namespace axle::llm
