#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

#include "softcard/executor/simd.h"

#if defined(__x86_64__)
#include <immintrin.h>
#elif defined(__aarch64__)
#include <arm_neon.h>
#endif

// The processor's part of a matrix product: 16 outputs of four columns each, as integers.
// kUnsignedWeights says how bytes are stored: with it a q8_0 byte is its value + 128.
namespace axle::softcard::kernel {

#if defined(__AVX512VNNI__) && defined(__AVX512F__) && defined(__AVX512BW__)

inline constexpr bool kUnsignedWeights = true;
inline constexpr const char* kName = "avx512-vnni";

struct Sums {
  __m512i lanes;
};
struct Step {
  __m512i weights;
};
inline Sums start(std::int32_t value) { return {_mm512_set1_epi32(value)}; }
inline Step load_bytes(const std::uint8_t* from) { return {_mm512_load_si512(from)}; }
inline Step low_nibbles(Step step) {
  return {_mm512_and_si512(step.weights, _mm512_set1_epi8(15))};
}
inline Step high_nibbles(Step step) {
  return {_mm512_and_si512(_mm512_srli_epi16(step.weights, 4), _mm512_set1_epi8(15))};
}
inline void add(Sums& sums, Step step, const std::int8_t* four) {
  std::int32_t values;
  std::memcpy(&values, four, sizeof(values));
  sums.lanes = _mm512_dpbusd_epi32(sums.lanes, step.weights, _mm512_set1_epi32(values));
}
inline VecF to_floats(Sums sums) {
  const __m512 floats = _mm512_cvtepi32_ps(sums.lanes);
  return load<VecF>(&floats);
}
inline VecF load_halves(const std::uint16_t* from) {
  const __m512 floats = _mm512_cvtph_ps(
      _mm256_load_si256(static_cast<const __m256i*>(static_cast<const void*>(from))));
  return load<VecF>(&floats);
}

#elif defined(__AVX2__) && defined(__F16C__)

#if defined(__AVXVNNI__)
inline constexpr const char* kName = "avx-vnni";
#else
inline constexpr const char* kName = "avx2";
#endif
inline constexpr bool kUnsignedWeights = false;

struct Sums {
  __m256i lanes[2];
};
struct Step {
  __m256i weights[2];
};
inline Sums start(std::int32_t value) {
  const __m256i all = _mm256_set1_epi32(value);
  return {{all, all}};
}
inline Step load_bytes(const std::uint8_t* from) {
  const auto* vectors = static_cast<const __m256i*>(static_cast<const void*>(from));
  return {{_mm256_load_si256(vectors), _mm256_load_si256(vectors + 1)}};
}
inline Step low_nibbles(Step step) {
  const __m256i mask = _mm256_set1_epi8(15);
  return {{_mm256_and_si256(step.weights[0], mask), _mm256_and_si256(step.weights[1], mask)}};
}
inline Step high_nibbles(Step step) {
  const __m256i mask = _mm256_set1_epi8(15);
  return {{_mm256_and_si256(_mm256_srli_epi16(step.weights[0], 4), mask),
           _mm256_and_si256(_mm256_srli_epi16(step.weights[1], 4), mask)}};
}
// Signed weights against an unsigned-by-signed instruction: |w| times x with w's sign. The pairs
// stay below 2^15: 128 * 127 * 2.
inline __m256i add_half(__m256i sums, __m256i weights, __m256i values) {
  const __m256i size = _mm256_abs_epi8(weights);
  const __m256i turned = _mm256_sign_epi8(values, weights);
#if defined(__AVXVNNI__)
  return _mm256_dpbusd_avx_epi32(sums, size, turned);
#else
  const __m256i pairs = _mm256_maddubs_epi16(size, turned);
  return _mm256_add_epi32(sums, _mm256_madd_epi16(pairs, _mm256_set1_epi16(1)));
#endif
}
inline void add(Sums& sums, Step step, const std::int8_t* four) {
  std::int32_t values;
  std::memcpy(&values, four, sizeof(values));
  const __m256i all = _mm256_set1_epi32(values);
  sums.lanes[0] = add_half(sums.lanes[0], step.weights[0], all);
  sums.lanes[1] = add_half(sums.lanes[1], step.weights[1], all);
}
inline VecF to_floats(Sums sums) {
  const __m256 halves[2] = {_mm256_cvtepi32_ps(sums.lanes[0]), _mm256_cvtepi32_ps(sums.lanes[1])};
  return load<VecF>(&halves);
}
inline VecF load_halves(const std::uint16_t* from) {
  const auto* vectors = static_cast<const __m128i*>(static_cast<const void*>(from));
  const __m256 halves[2] = {_mm256_cvtph_ps(_mm_load_si128(vectors)),
                            _mm256_cvtph_ps(_mm_load_si128(vectors + 1))};
  return load<VecF>(&halves);
}

#elif defined(__aarch64__) && defined(__ARM_FEATURE_DOTPROD)

inline constexpr const char* kName = "neon-dotprod";
inline constexpr bool kUnsignedWeights = false;

struct Sums {
  int32x4_t lanes[4];
};
struct Step {
  int8x16_t weights[4];
};
inline Sums start(std::int32_t value) {
  const int32x4_t all = vdupq_n_s32(value);
  return {{all, all, all, all}};
}
inline Step load_bytes(const std::uint8_t* from) {
  Step step;
  for (int i = 0; i < 4; ++i) step.weights[i] = vreinterpretq_s8_u8(vld1q_u8(from + 16 * i));
  return step;
}
inline Step low_nibbles(Step step) {
  for (int8x16_t& part : step.weights) part = vandq_s8(part, vdupq_n_s8(15));
  return step;
}
inline Step high_nibbles(Step step) {
  for (int8x16_t& part : step.weights) {
    part = vreinterpretq_s8_u8(vshrq_n_u8(vreinterpretq_u8_s8(part), 4));
  }
  return step;
}
inline void add(Sums& sums, Step step, const std::int8_t* four) {
  std::int32_t values;
  std::memcpy(&values, four, sizeof(values));
  const int8x16_t all = vreinterpretq_s8_s32(vdupq_n_s32(values));
  for (int i = 0; i < 4; ++i) sums.lanes[i] = vdotq_s32(sums.lanes[i], step.weights[i], all);
}
inline VecF to_floats(Sums sums) {
  float32x4_t floats[4];
  for (int i = 0; i < 4; ++i) floats[i] = vcvtq_f32_s32(sums.lanes[i]);
  return load<VecF>(&floats);
}
inline VecF load_halves(const std::uint16_t* from) {
  float32x4_t floats[4];
  for (int i = 0; i < 4; ++i)
    floats[i] = vcvt_f32_f16(vreinterpret_f16_u16(vld1_u16(from + 4 * i)));
  return load<VecF>(&floats);
}

#else

inline constexpr const char* kName = "portable";
inline constexpr bool kUnsignedWeights = false;

struct Sums {
  VecI lanes;
};
struct Step {
  std::int8_t weights[64];
};
inline Sums start(std::int32_t value) { return {value - VecI{}}; }
inline Step load_bytes(const std::uint8_t* from) {
  Step step;
  std::memcpy(step.weights, from, sizeof(step.weights));
  return step;
}
inline Step low_nibbles(Step step) {
  for (std::int8_t& weight : step.weights) weight = static_cast<std::int8_t>(weight & 15);
  return step;
}
inline Step high_nibbles(Step step) {
  for (std::int8_t& weight : step.weights) weight = static_cast<std::int8_t>(weight >> 4 & 15);
  return step;
}
inline void add(Sums& sums, Step step, const std::int8_t* four) {
  for (std::size_t row = 0; row < kLanes; ++row) {
    for (std::size_t i = 0; i < 4; ++i) sums.lanes[row] += step.weights[4 * row + i] * four[i];
  }
}
inline VecF to_floats(Sums sums) { return __builtin_convertvector(sums.lanes, VecF); }
inline VecF load_halves(const std::uint16_t* from) {
  VecF floats{};
  for (std::size_t i = 0; i < kLanes; ++i) {
    // IEEE half to float: shift the fields into place, then scale by 2^112 (subnormals too).
    const std::uint32_t half = from[i];
    const std::uint32_t magnitude = (half & 0x7fffu) << 13;
    float value = 0.0f;
    std::memcpy(&value, &magnitude, sizeof(value));
    value *= 0x1p112f;
    floats[i] = (half & 0x8000u) != 0 ? -value : value;
  }
  return floats;
}

#endif

}  // namespace axle::softcard::kernel
