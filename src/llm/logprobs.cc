#include "llm/logprobs.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <limits>

#include "llm/exp.h"

namespace axle::llm {
namespace {

// Running sums and maxima side by side: one would wait for itself at every element.
constexpr std::size_t kLanes = 8;

float highest_of(std::span<const Bf16> logits) {
  std::array<float, kLanes> highest;
  highest.fill(-std::numeric_limits<float>::infinity());
  std::size_t i = 0;
  for (; i + kLanes <= logits.size(); i += kLanes) {
    for (std::size_t lane = 0; lane < kLanes; ++lane) {
      highest[lane] = std::max(highest[lane], to_float(logits[i + lane]));
    }
  }
  for (; i < logits.size(); ++i) highest[0] = std::max(highest[0], to_float(logits[i]));
  return *std::max_element(highest.begin(), highest.end());
}

// Sum of e^(logit - max) over one block.
double mass_of(std::span<const Bf16> logits, float max) {
  std::array<float, kLanes> sums{};
  std::size_t i = 0;
  for (; i + kLanes <= logits.size(); i += kLanes) {
    for (std::size_t lane = 0; lane < kLanes; ++lane) {
      sums[lane] += exp_of(to_float(logits[i + lane]) - max);
    }
  }
  for (; i < logits.size(); ++i) sums[0] += exp_of(to_float(logits[i]) - max);
  double mass = 0.0;
  for (const float sum : sums) mass += static_cast<double>(sum);
  return mass;
}

// log of the sum of e^(logit - max).
double log_mass(std::span<const Bf16> logits, float max) {
  constexpr std::size_t kBlock = 64;  // Short float sums, long double ones.
  double mass = 0.0;
  for (std::size_t begin = 0; begin < logits.size(); begin += kBlock) {
    mass += mass_of(logits.subspan(begin, std::min(kBlock, logits.size() - begin)), max);
  }
  return std::log(mass);
}

// The `count` highest logits, the best first, of equal ones the lower id.
std::vector<TokenLogprob> highest_logits(std::span<const Bf16> logits, std::size_t count) {
  std::vector<TokenLogprob> best;
  if (count == 0) return best;
  float lowest = -std::numeric_limits<float>::infinity();
  for (std::size_t id = 0; id < logits.size(); ++id) {
    const float value = to_float(logits[id]);
    if (best.size() == count && value <= lowest) continue;
    if (best.size() == count) best.pop_back();
    const auto place = std::find_if(best.begin(), best.end(),
                                    [&](const TokenLogprob& it) { return it.second < value; });
    best.insert(place, {static_cast<TokenId>(id), value});
    lowest = best.back().second;
  }
  return best;
}

}  // namespace

std::vector<TokenLogprob> logprobs_of(std::span<const Bf16> logits, TokenId token,
                                      std::int32_t top) {
  if (top < 0) return {};
  const float max = highest_of(logits);
  const double total = static_cast<double>(max) + log_mass(logits, max);
  const auto logprob = [&](float logit) {
    const double value = static_cast<double>(logit) - total;
    return static_cast<float>(std::clamp(value, static_cast<double>(jobs::kLowestLogprob), 0.0));
  };
  std::vector<TokenLogprob> found = highest_logits(logits, static_cast<std::size_t>(top));
  for (TokenLogprob& it : found) it.second = logprob(it.second);
  found.insert(found.begin(), {token, logprob(to_float(logits[static_cast<std::size_t>(token)]))});
  return found;
}

}  // namespace axle::llm
