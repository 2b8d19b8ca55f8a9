#include "diffusion/noise.h"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <numeric>

#include "base/check.h"
#include "base/half.h"

namespace axle::diffusion {
namespace {

constexpr std::size_t kBlock = 16;
// Above this cosine two noises count as parallel.
constexpr double kParallel = 0.9995;

float keep(float value) { return value; }

float round_to_half(float value) { return to_float(to_half(value)); }

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

void TorchRandom::normal(std::span<float> values) {
  fill(
      values, [this] { return static_cast<float>(random_() & 0xffffffu) * 0x1p-24f; }, keep);
}

void TorchRandom::normal_half(std::span<float> values) {
  fill(
      values, [this] { return static_cast<float>(random_() & 0x7ffu) * 0x1p-11f; }, round_to_half);
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
