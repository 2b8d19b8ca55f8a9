#include "base/half.h"

#include <bit>
#include <cmath>
#include <limits>

namespace axle {

float to_float(Half value) {
  const int exponent = value.bits >> 10 & 0x1f;
  const int fraction = value.bits & 0x3ff;
  float magnitude = std::ldexp(static_cast<float>(fraction | 0x400), exponent - 25);
  if (exponent == 0) magnitude = std::ldexp(static_cast<float>(fraction), -24);
  if (exponent == 0x1f) {
    magnitude = fraction == 0 ? std::numeric_limits<float>::infinity()
                              : std::numeric_limits<float>::quiet_NaN();
  }
  return (value.bits & 0x8000u) != 0 ? -magnitude : magnitude;
}

Half to_half(float value) {
  std::uint32_t bits = std::bit_cast<std::uint32_t>(value);
  const std::uint32_t sign = bits >> 16 & 0x8000u;
  bits &= 0x7fffffffu;
  std::uint32_t magnitude = 0;
  if (bits > 0x7f800000u) {
    magnitude = 0x7e00u;  // A quiet NaN.
  } else if (bits >= 0x477ff000u) {
    magnitude = 0x7c00u;
  } else if (bits < 0x38800000u) {  // Below 2^-14: a multiple of 2^-24.
    magnitude = static_cast<std::uint32_t>(std::nearbyint(std::bit_cast<float>(bits) * 0x1p24f));
  } else {
    magnitude = (bits + 0xc8000fffu + (bits >> 13 & 1u)) >> 13;  // The exponent loses 112.
  }
  return Half{static_cast<std::uint16_t>(sign | magnitude)};
}

}  // namespace axle
