#pragma once

#include <cstddef>

#include "base/bf16.h"

// What is done to single rows between the products. Each function is one fixed sequence of
// operations: the same row gives the same bits.
namespace axle::softcard {

// bf16 -> float.
void widen(const Bf16* from, std::size_t count, float* to);
// float -> bf16, to nearest even.
void narrow(const float* from, std::size_t count, Bf16* to);
// to = weight * from / sqrt(mean(from^2) + epsilon). `to` may be `from`.
void rms_norm(const float* from, const float* weight, std::size_t count, float epsilon, float* to);
// gate[i] = silu(gate[i]) * up[i] for 16 values.
void gate_lanes(float* gate, const float* up);

}  // namespace axle::softcard
