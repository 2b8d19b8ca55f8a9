#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

#if defined(__FMA__)
#include <immintrin.h>
#elif defined(__aarch64__)
#include <arm_neon.h>
#endif

#include "base/bf16.h"

// Vectors of the compiler's own (GCC and clang extension): 512 bits wide whatever the processor
// has; the compiler splits them. The kernels of this folder are compiled with -ffp-contract=off:
// a compiler that may fuse a * b + c does so here and not there, and a row would then have other
// bits beside other rows. Where one rounding is wanted, fma() says so.
namespace axle::softcard {

inline constexpr std::size_t kLanes = 16;

typedef float VecF __attribute__((vector_size(64)));
typedef std::int32_t VecI __attribute__((vector_size(64)));
typedef std::uint32_t VecU __attribute__((vector_size(64)));
typedef std::uint16_t VecH __attribute__((vector_size(32)));
typedef double VecD __attribute__((vector_size(64)));
typedef float HalfF __attribute__((vector_size(32)));

inline VecF splat(float value) { return value - VecF{}; }

template <typename Vector, typename T>
inline Vector load(const T* from) {
  Vector vector;
  std::memcpy(&vector, static_cast<const void*>(from), sizeof(Vector));
  return vector;
}
template <typename Vector, typename T>
inline void store(T* to, Vector vector) {
  std::memcpy(static_cast<void*>(to), &vector, sizeof(Vector));
}

// a * b + c in one rounding where the processor can, else in two; the same everywhere in a build.
#if defined(__AVX512F__)
inline VecF fma(VecF a, VecF b, VecF c) { return _mm512_fmadd_ps(a, b, c); }
inline VecD fma(VecD a, VecD b, VecD c) { return _mm512_fmadd_pd(a, b, c); }
#elif defined(__FMA__)
struct HalvesF {
  __m256 half[2];
};
struct HalvesD {
  __m256d half[2];
};
inline VecF fma(VecF a, VecF b, VecF c) {
  const auto x = load<HalvesF>(&a), y = load<HalvesF>(&b), z = load<HalvesF>(&c);
  const HalvesF sum{{_mm256_fmadd_ps(x.half[0], y.half[0], z.half[0]),
                     _mm256_fmadd_ps(x.half[1], y.half[1], z.half[1])}};
  return load<VecF>(&sum);
}
inline VecD fma(VecD a, VecD b, VecD c) {
  const auto x = load<HalvesD>(&a), y = load<HalvesD>(&b), z = load<HalvesD>(&c);
  const HalvesD sum{{_mm256_fmadd_pd(x.half[0], y.half[0], z.half[0]),
                     _mm256_fmadd_pd(x.half[1], y.half[1], z.half[1])}};
  return load<VecD>(&sum);
}
#elif defined(__aarch64__)
inline VecF fma(VecF a, VecF b, VecF c) {
  float32x4_t x[4], y[4], z[4];
  std::memcpy(x, &a, sizeof(x));
  std::memcpy(y, &b, sizeof(y));
  std::memcpy(z, &c, sizeof(z));
  for (int i = 0; i < 4; ++i) z[i] = vfmaq_f32(z[i], x[i], y[i]);
  return load<VecF>(&z);
}
inline VecD fma(VecD a, VecD b, VecD c) {
  float64x2_t x[4], y[4], z[4];
  std::memcpy(x, &a, sizeof(x));
  std::memcpy(y, &b, sizeof(y));
  std::memcpy(z, &c, sizeof(z));
  for (int i = 0; i < 4; ++i) z[i] = vfmaq_f64(z[i], x[i], y[i]);
  return load<VecD>(&z);
}
#else
inline VecF fma(VecF a, VecF b, VecF c) { return a * b + c; }
inline VecD fma(VecD a, VecD b, VecD c) { return a * b + c; }
#endif
inline VecF fma(VecF a, float b, VecF c) { return fma(a, splat(b), c); }
inline VecD fma(VecD a, double b, VecD c) { return fma(a, b - VecD{}, c); }

inline float fma(float a, float b, float c) {
#if defined(__FMA__) || defined(__aarch64__)
  return __builtin_fmaf(a, b, c);
#else
  return a * b + c;
#endif
}

inline VecF load_bf16(const Bf16* from) {
  const VecU wide = __builtin_convertvector(load<VecH>(from), VecU) << 16;
  return load<VecF>(&wide);
}

// Rounds to nearest even; finite numbers only (a NaN may become infinite).
inline void store_bf16(Bf16* to, VecF vector) {
  VecU bits = load<VecU>(&vector);
  bits += 0x7fffu + ((bits >> 16) & 1u);
  store(to, __builtin_convertvector(bits >> 16, VecH));
}

typedef float QuarterF __attribute__((vector_size(16)));
typedef std::int8_t VecB __attribute__((vector_size(16)));

inline HalfF low_half(VecF v) { return __builtin_shufflevector(v, v, 0, 1, 2, 3, 4, 5, 6, 7); }
inline HalfF high_half(VecF v) {
  return __builtin_shufflevector(v, v, 8, 9, 10, 11, 12, 13, 14, 15);
}

// The sum of the lanes, always in the same order: halves, quarters, eighths, pairs.
inline float sum_lanes(VecF v) {
  const HalfF eight = low_half(v) + high_half(v);
  const QuarterF four = __builtin_shufflevector(eight, eight, 0, 1, 2, 3) +
                        __builtin_shufflevector(eight, eight, 4, 5, 6, 7);
  const QuarterF two = four + __builtin_shufflevector(four, four, 2, 3, 0, 1);
  return two[0] + two[1];
}

inline std::int32_t sum_lanes(VecI v) {
  std::int32_t lanes[kLanes];
  std::memcpy(lanes, &v, sizeof(v));
  std::int32_t sum = 0;
  for (const std::int32_t lane : lanes) sum += lane;
  return sum;
}

// The largest lane; lanes that are not a number do not count where another is one.
inline float largest_lane(VecF v) {
  const HalfF l = low_half(v);
  const HalfF h = high_half(v);
  const HalfF eight = l > h ? l : h;
  const QuarterF a = __builtin_shufflevector(eight, eight, 0, 1, 2, 3);
  const QuarterF b = __builtin_shufflevector(eight, eight, 4, 5, 6, 7);
  const QuarterF four = a > b ? a : b;
  const QuarterF turned = __builtin_shufflevector(four, four, 2, 3, 0, 1);
  const QuarterF two = four > turned ? four : turned;
  return two[0] > two[1] ? two[0] : two[1];
}

// 2^x for x in [-126, 126], relative error below 2e-7; 2^0 is exactly 1.
inline VecF exp2_lanes(VecF x) {
  const VecF magic = splat(12582912.0f);  // 1.5 * 2^23: adding it rounds to an integer.
  const VecF rounded = x + magic;
  const VecF f = x - (rounded - magic);
  // Taylor coefficients ln2^k / k!; |f| <= 1/2 leaves an error below 2^-26.
  VecF p = fma(splat(1.540353e-4f), f, splat(1.3333558e-3f));
  p = fma(p, f, splat(9.6181291e-3f));
  p = fma(p, f, splat(5.5504109e-2f));
  p = fma(p, f, splat(2.4022651e-1f));
  p = fma(p, f, splat(6.9314718e-1f));
  p = fma(p, f, splat(1.0f));
  const VecI exponent = load<VecI>(&rounded) << 23;
  const VecI bits = load<VecI>(&p) + exponent;
  return load<VecF>(&bits);
}

inline VecF min_lanes(VecF a, VecF b) { return a < b ? a : b; }
inline VecF max_lanes(VecF a, VecF b) { return a > b ? a : b; }

}  // namespace axle::softcard
