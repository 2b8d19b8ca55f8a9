#pragma once

#include <cstdint>

namespace axle {

// A number of IEEE 754 half precision (binary16): 11 significant bits, steps of at least 2^-24, at
// most 65504.
struct Half {
  std::uint16_t bits = 0;
  friend bool operator==(const Half&, const Half&) = default;
};
static_assert(sizeof(Half) == 2);

// Exact.
float to_float(Half value);

// Rounds to nearest, ties to even; from 65520 on it is infinite. A NaN stays one.
Half to_half(float value);

inline bool is_finite(Half value) { return (value.bits & 0x7c00u) != 0x7c00u; }

}  // namespace axle
