#pragma once

#include <cstdint>
#include <random>
#include <span>
#include <vector>

namespace axle::diffusion {

// Normal random numbers exactly as PyTorch's CPU generator gives them, so that a seed gives the
// picture that other programs give for it.
//
// Threading: one thread at a time.
// Source: PyTorch, aten/src/ATen/core/MT19937RNGEngine.h and
// aten/src/ATen/native/cpu/DistributionTemplates.h (normal_fill).
class TorchRandom {
 public:
  // Only the low 32 bits of the seed count, as there.
  explicit TorchRandom(std::uint64_t seed) : random_(static_cast<std::uint32_t>(seed)) {}

  // The next 32 random bits.
  std::uint32_t next() { return static_cast<std::uint32_t>(random_()); }

  // Fills with what torch.randn(n) gives as float32, to 2e-6 (its logarithm and sine may differ in
  // the last bit). REQUIRES: at least 16 numbers; PyTorch draws fewer in another way.
  void normal(std::span<float> values);
  // As torch.randn(n, dtype=torch.float16), every number rounded to half precision.
  void normal_half(std::span<float> values);

 private:
  std::mt19937 random_;
};

// On the arc from `from` (share 0) to `to` (share 1): mixed noise that is as strong as each of
// them. REQUIRES: the same length. Source: Shoemake 1985, spherical linear interpolation.
std::vector<float> slerp(std::span<const float> from, std::span<const float> to, double share);

}  // namespace axle::diffusion
