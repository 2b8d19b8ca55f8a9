#pragma once

#include <bit>
#include <cstdint>
#include <span>

namespace axle {

// bfloat16 as stored on the card: the upper half of an IEEE float32, little-endian.
struct Bf16 {
  std::uint16_t bits = 0;
  friend bool operator==(const Bf16&, const Bf16&) = default;
};
static_assert(sizeof(Bf16) == 2);

inline constexpr Bf16 kBf16Zero{0};
// -65536, the "hidden" value of attention masks (docs/card/llm-engines.md, section "Masks").
inline constexpr Bf16 kBf16Hidden{0xC780};

inline float to_float(Bf16 value) {
  return std::bit_cast<float>(static_cast<std::uint32_t>(value.bits) << 16);
}

// Rounds to nearest, ties to even; a NaN stays a quiet NaN.
inline Bf16 to_bf16(float value) {
  std::uint32_t bits = std::bit_cast<std::uint32_t>(value);
  if ((bits & 0x7fffffffu) > 0x7f800000u) {
    return Bf16{static_cast<std::uint16_t>((bits >> 16) | 0x0040u)};
  }
  bits += 0x7fffu + ((bits >> 16) & 1u);
  return Bf16{static_cast<std::uint16_t>(bits >> 16)};
}

// Element by element; the spans have the same length.
void to_float(std::span<const Bf16> from, std::span<float> to);
void to_bf16(std::span<const float> from, std::span<Bf16> to);

}  // namespace axle
