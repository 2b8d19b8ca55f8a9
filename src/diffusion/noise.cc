#include "diffusion/noise.h"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <numeric>

#include "base/check.h"

namespace axle::diffusion {
namespace {

constexpr std::size_t kBlock = 16;
// Above this cosine two noises count as parallel.
constexpr double kParallel = 0.9995;

float keep(float value) { return value; }

// The nearest number of half precision: 11 significant bits, steps of at least 2^-24.
float round_to_half(float value) {
  int exponent = 0;
  std::frexp(value, &exponent);
  const float step = std::ldexp(1.0f, std::max(exponent - 11, -24));
  return std::nearbyint(value / step) * step;
}

// Box-Muller over one block: the first half of the uniform numbers gives lengths, the second
// angles.
template <typename Round>
void transform(std::span<float> block, const Round& round) {
  constexpr std::size_t kHalf = kBlock / 2;
  for (std::size_t i = 0; i < kHalf; ++i) {
    const float share = round(1.0f - block[i]);
    const float length = round(std::sqrt(-2.0f * std::log(share)));
    const float angle = round(2.0f * std::numbers::pi_v<float> * block[i + kHalf]);
    block[i] = round(length * std::cos(angle));
    block[i + kHalf] = round(length * std::sin(angle));
  }
}

// All uniform numbers first, then the blocks; an odd rest is covered by a block of new ones.
template <typename Uniform, typename Round>
void fill(std::span<float> values, const Uniform& uniform, const Round& round) {
  AXLE_CHECK(values.size() >= kBlock);
  for (float& value : values) value = uniform();
  for (std::size_t at = 0; at + kBlock <= values.size(); at += kBlock) {
    transform(values.subspan(at, kBlock), round);
  }
  if (values.size() % kBlock == 0) return;
  const std::span<float> last = values.last(kBlock);
  for (float& value : last) value = uniform();
  transform(last, round);
}

double length_of(std::span<const float> values) {
  return std::sqrt(std::inner_product(values.begin(), values.end(), values.begin(), 0.0));
}

}  // namespace

TorchRandom::TorchRandom(std::uint64_t seed) : state_{}, used_(state_.size()) {
  state_[0] = static_cast<std::uint32_t>(seed);
  for (std::size_t i = 1; i < state_.size(); ++i) {
    const std::uint32_t before = state_[i - 1];
    state_[i] = 1812433253u * (before ^ (before >> 30)) + static_cast<std::uint32_t>(i);
  }
}

void TorchRandom::refill() {
  constexpr std::size_t kSize = 624;
  for (std::size_t i = 0; i < kSize; ++i) {
    const std::uint32_t mixed = (state_[i] & 0x80000000u) | (state_[(i + 1) % kSize] & 0x7fffffffu);
    state_[i] = state_[(i + 397) % kSize] ^ (mixed >> 1) ^ ((mixed & 1u) != 0 ? 0x9908b0dfu : 0u);
  }
  used_ = 0;
}

std::uint32_t TorchRandom::next() {
  if (used_ == state_.size()) refill();
  std::uint32_t bits = state_[used_++];
  bits ^= bits >> 11;
  bits ^= (bits << 7) & 0x9d2c5680u;
  bits ^= (bits << 15) & 0xefc60000u;
  return bits ^ (bits >> 18);
}

void TorchRandom::normal(std::span<float> values) {
  fill(
      values, [this] { return static_cast<float>(next() & 0xffffffu) * 0x1p-24f; }, keep);
}

void TorchRandom::normal_half(std::span<float> values) {
  fill(
      values, [this] { return static_cast<float>(next() & 0x7ffu) * 0x1p-11f; }, round_to_half);
}

std::vector<float> slerp(std::span<const float> from, std::span<const float> to, double share) {
  AXLE_CHECK(from.size() == to.size());
  const double product = std::inner_product(from.begin(), from.end(), to.begin(), 0.0);
  const double lengths = length_of(from) * length_of(to);
  const double cosine = lengths > 0.0 ? product / lengths : 1.0;
  double left = 1.0 - share;
  double right = share;
  if (std::abs(cosine) <= kParallel) {
    const double angle = std::acos(cosine);
    left = std::sin((1.0 - share) * angle) / std::sin(angle);
    right = std::sin(share * angle) / std::sin(angle);
  }
  std::vector<float> mixed(from.size());
  for (std::size_t i = 0; i < mixed.size(); ++i) {
    mixed[i] = static_cast<float>(left * static_cast<double>(from[i]) +
                                  right * static_cast<double>(to[i]));
  }
  return mixed;
}

}  // namespace axle::diffusion
