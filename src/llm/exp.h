#pragma once

#include <bit>
#include <cstdint>

namespace axle::llm {

// Below this exp_of() is 0.
inline constexpr float kLowestExponent = -87.0f;

// e^x for x <= 0 within 2e-7 of its value, 0 below kLowestExponent; without branches, so that
// compilers make vector code of loops over it. Source: Cephes mathematical library, single/expf.c.
inline float exp_of(float x) {
  constexpr float kLog2E = 1.44269504088896341f;
  constexpr float kLn2High = 0.693359375f;
  constexpr float kLn2Low = -2.12194440e-4f;
  constexpr float kRound = 12582912.0f;  // 1.5 * 2^23: adding it rounds to an integer.
  const float inside = x > kLowestExponent ? x : kLowestExponent;
  const float n = (inside * kLog2E + kRound) - kRound;
  const float f = (inside - n * kLn2High) - n * kLn2Low;
  float p = 1.9875691500e-4f;
  p = p * f + 1.3981999507e-3f;
  p = p * f + 8.3334519073e-3f;
  p = p * f + 4.1665795894e-2f;
  p = p * f + 1.6666665459e-1f;
  p = p * f + 5.0000001201e-1f;
  const float mantissa = p * f * f + f + 1.0f;
  const auto exponent = static_cast<std::uint32_t>(static_cast<std::int32_t>(n) + 127) << 23;
  const float value = mantissa * std::bit_cast<float>(exponent);
  return x > kLowestExponent ? value : 0.0f;
}

}  // namespace axle::llm
