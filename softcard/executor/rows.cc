#include "softcard/executor/rows.h"

#include <cmath>

#include "softcard/executor/simd.h"

namespace axle::softcard {

void widen(const Bf16* from, std::size_t count, float* to) {
  std::size_t i = 0;
  for (; i + kLanes <= count; i += kLanes) store(to + i, load_bf16(from + i));
  for (; i < count; ++i) to[i] = to_float(from[i]);
}

void narrow(const float* from, std::size_t count, Bf16* to) {
  std::size_t i = 0;
  for (; i + kLanes <= count; i += kLanes) store_bf16(to + i, load<VecF>(from + i));
  for (; i < count; ++i) to[i] = to_bf16(from[i]);
}

void rms_norm(const float* from, const float* weight, std::size_t count, float epsilon, float* to) {
  VecF squares{};
  std::size_t i = 0;
  for (; i + kLanes <= count; i += kLanes) {
    const VecF x = load<VecF>(from + i);
    squares = fma(x, x, squares);
  }
  float sum = sum_lanes(squares);
  for (; i < count; ++i) sum = fma(from[i], from[i], sum);
  const float scale = 1.0f / std::sqrt(sum / static_cast<float>(count) + epsilon);
  for (i = 0; i + kLanes <= count; i += kLanes) {
    store(to + i, load<VecF>(from + i) * scale * load<VecF>(weight + i));
  }
  for (; i < count; ++i) to[i] = from[i] * scale * weight[i];
}

void gate_lanes(float* gate, const float* up) {
  constexpr float kLog2E = 1.44269504f;
  const VecF x = load<VecF>(gate);
  const VecF exponent = min_lanes(max_lanes(x * -kLog2E, splat(-126.0f)), splat(126.0f));
  store(gate, x / (exp2_lanes(exponent) + 1.0f) * load<VecF>(up));
}

}  // namespace axle::softcard
