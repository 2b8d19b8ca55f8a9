#include "llm/sampler.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <functional>
#include <limits>

#include "base/check.h"
#include "llm/random.h"

namespace axle::llm {
namespace {

// Work over the whole vocabulary goes block by block: a block whose best logit is too low, or in
// which the drawn number does not lie, is passed over as a whole.
constexpr std::size_t kBlock = 64;
// Running sums and maxima side by side: one would wait for itself at every element.
constexpr std::size_t kLanes = 8;
// Bias and penalties cannot push a logit beyond this; all that follows stays finite.
constexpr float kLogitLimit = 1e30f;

// e^x for x <= 0 within 2e-7 of its value, 0 below -87; without branches, so that compilers make
// vector code of loops over it. Source: Cephes mathematical library, single/expf.c.
float exp_of(float x) {
  constexpr float kLog2E = 1.44269504088896341f;
  constexpr float kLn2High = 0.693359375f;
  constexpr float kLn2Low = -2.12194440e-4f;
  constexpr float kRound = 12582912.0f;  // 1.5 * 2^23: adding it rounds to an integer.
  constexpr float kLowest = -87.0f;
  const float inside = x > kLowest ? x : kLowest;
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
  return x > kLowest ? value : 0.0f;
}

float clamp_logit(float value) { return std::clamp(value, -kLogitLimit, kLogitLimit); }

// 1 / temperature, small enough that 0 times it stays 0.
float inverse(float temperature) { return std::min(1.0f / temperature, kLogitLimit); }

// Sum of e^((value - max) * scale) over one block.
double mass_of(std::span<const float> values, float max, float scale) {
  std::array<float, kLanes> sums{};
  std::size_t i = 0;
  for (; i + kLanes <= values.size(); i += kLanes) {
    for (std::size_t lane = 0; lane < kLanes; ++lane) {
      sums[lane] += exp_of((values[i + lane] - max) * scale);
    }
  }
  for (; i < values.size(); ++i) sums[0] += exp_of((values[i] - max) * scale);
  double mass = 0.0;
  for (const float sum : sums) mass += static_cast<double>(sum);
  return mass;
}

float highest_of(std::span<const float> values) {
  std::array<float, kLanes> highest;
  highest.fill(-std::numeric_limits<float>::infinity());
  std::size_t i = 0;
  for (; i + kLanes <= values.size(); i += kLanes) {
    for (std::size_t lane = 0; lane < kLanes; ++lane) {
      highest[lane] = std::max(highest[lane], values[i + lane]);
    }
  }
  for (; i < values.size(); ++i) highest[0] = std::max(highest[0], values[i]);
  return *std::max_element(highest.begin(), highest.end());
}

bool in_range(float value, float low, float high) { return value >= low && value <= high; }

Status range_error(const char* name, float value, const char* range) {
  return invalid_argument(fmt::format("{} is {}, but must be {}", name, value, range));
}

}  // namespace

Status check_sampling(const SamplingOptions& options, std::size_t vocab_size) {
  // Every test is false for NaN.
  if (!in_range(options.temperature, 0.0f, 2.0f)) {
    return range_error("temperature", options.temperature, "from 0 to 2");
  }
  if (!in_range(options.top_p, 0.0f, 1.0f)) {
    return range_error("top_p", options.top_p, "from 0 to 1");
  }
  if (!in_range(options.min_p, 0.0f, 1.0f)) {
    return range_error("min_p", options.min_p, "from 0 to 1");
  }
  if (!(options.repetition_penalty > 0.0f) || !std::isfinite(options.repetition_penalty)) {
    return range_error("repetition_penalty", options.repetition_penalty, "above 0");
  }
  if (!in_range(options.frequency_penalty, -2.0f, 2.0f)) {
    return range_error("frequency_penalty", options.frequency_penalty, "from -2 to 2");
  }
  if (!in_range(options.presence_penalty, -2.0f, 2.0f)) {
    return range_error("presence_penalty", options.presence_penalty, "from -2 to 2");
  }
  if (options.top_k < 0) {
    return invalid_argument(fmt::format("top_k is {}, but must be 0 or more", options.top_k));
  }
  if (options.penalty_window < -1) {
    return invalid_argument(
        fmt::format("penalty_window is {}, but must be -1 or more", options.penalty_window));
  }
  for (const auto& [token, bias] : options.logit_bias) {
    if (token < 0 || static_cast<std::size_t>(token) >= vocab_size) {
      return invalid_argument(fmt::format(
          "logit_bias names token {}, but the model has tokens 0 to {}", token, vocab_size - 1));
    }
    if (!std::isfinite(bias)) return range_error("logit_bias", bias, "a finite number");
  }
  return {};
}

Sampler::Sampler(std::size_t vocab_size)
    : values_(vocab_size),
      block_max_((vocab_size + kBlock - 1) / kBlock),
      block_mass_(block_max_.size()),
      seen_(vocab_size, 0) {
  AXLE_CHECK(vocab_size > 0);
}

Result<TokenId> Sampler::sample(std::span<const Bf16> logits, const SamplingOptions& options,
                                const Context& context) {
  AXLE_TRY(load(logits));
  add_bias(options);
  penalise_repetition(options, context);
  penalise_answer(options, context.answer);
  const TokenId best = find_best();
  if (options.temperature == 0.0f) return best;  // The filters never drop the best.

  const double uniform = uniform_for_token(options.seed, context.answer.size());
  const bool filtered = options.top_k > 0 || options.top_p < 1.0f || options.min_p > 0.0f;
  if (!filtered) return draw_from_all(options.temperature, uniform);
  filter(options);
  return draw_from_candidates(options.temperature, uniform);
}

Status Sampler::load(std::span<const Bf16> logits) {
  if (logits.size() != values_.size()) {
    return internal(fmt::format("the head gave {} logits, but the model has {} tokens",
                                logits.size(), values_.size()));
  }
  // All exponent bits set: NaN or infinity.
  constexpr unsigned kExponent = 0x7f80u;
  unsigned broken = 0;
  for (std::size_t id = 0; id < logits.size(); ++id) {
    broken |= static_cast<unsigned>((logits[id].bits & kExponent) == kExponent);
    values_[id] = to_float(logits[id]);
  }
  if (broken == 0) return {};
  const auto first = std::find_if(values_.begin(), values_.end(),
                                  [](float value) { return !std::isfinite(value); });
  return internal(
      fmt::format("the head gave {} as the logit of token {}; the engines compute "
                  "numbers that cannot be, restart the card process",
                  *first, first - values_.begin()));
}

void Sampler::add_bias(const SamplingOptions& options) {
  for (const auto& [token, bias] : options.logit_bias) {
    float& value = values_[static_cast<std::size_t>(token)];
    value = clamp_logit(value + bias);
  }
}

void Sampler::penalise_repetition(const SamplingOptions& options, const Context& context) {
  if (options.repetition_penalty == 1.0f || options.penalty_window == 0) return;
  const std::size_t total = context.prompt.size() + context.answer.size();
  const std::size_t window =
      options.penalty_window < 0
          ? total
          : std::min(total, static_cast<std::size_t>(options.penalty_window));
  const auto token_at = [&](std::size_t index) {
    return static_cast<std::size_t>(index < context.prompt.size()
                                        ? context.prompt[index]
                                        : context.answer[index - context.prompt.size()]);
  };
  for (std::size_t index = total - window; index < total; ++index) {
    const std::size_t token = token_at(index);
    if (seen_[token]++ > 0) continue;
    float& value = values_[token];
    value = clamp_logit(value > 0.0f ? value / options.repetition_penalty
                                     : value * options.repetition_penalty);
  }
  for (std::size_t index = total - window; index < total; ++index) seen_[token_at(index)] = 0;
}

void Sampler::penalise_answer(const SamplingOptions& options, std::span<const TokenId> answer) {
  if (options.frequency_penalty == 0.0f && options.presence_penalty == 0.0f) return;
  for (const TokenId token : answer) ++seen_[static_cast<std::size_t>(token)];
  for (const TokenId token : answer) {
    const auto index = static_cast<std::size_t>(token);
    if (seen_[index] == 0) continue;  // Done at its first occurrence.
    const float off = static_cast<float>(seen_[index]) * options.frequency_penalty;
    values_[index] = clamp_logit(values_[index] - off - options.presence_penalty);
    seen_[index] = 0;
  }
}

std::span<const float> Sampler::block(std::size_t index) const {
  const std::size_t begin = index * kBlock;
  return std::span(values_).subspan(begin, std::min(kBlock, values_.size() - begin));
}

TokenId Sampler::find_best() {
  for (std::size_t index = 0; index < block_max_.size(); ++index) {
    block_max_[index] = highest_of(block(index));
  }
  const auto first_block = std::max_element(block_max_.begin(), block_max_.end());
  max_ = *first_block;
  const auto begin =
      values_.begin() + (first_block - block_max_.begin()) * static_cast<std::ptrdiff_t>(kBlock);
  return static_cast<TokenId>(std::find(begin, values_.end(), max_) - values_.begin());
}

// ---- Filters. The first one picks from all values, the others from what it left.

void Sampler::filter(const SamplingOptions& options) {
  const auto top_k = static_cast<std::size_t>(options.top_k);
  const auto share = static_cast<double>(options.top_p);
  const float lowest = max_ + std::log(options.min_p);  // -infinity for 0.
  if (top_k > 0 && top_k < values_.size()) {
    take_top_k(top_k);
    if (share < 1.0) {
      double total = 0.0;
      for (const Candidate& it : candidates_) total += static_cast<double>(exp_of(it.value - max_));
      keep_top_p(share * total);
    }
  } else if (share < 1.0) {
    take_top_p_from_all(share);
  } else {
    take_from(lowest);
    return;
  }
  std::erase_if(candidates_, [&](const Candidate& it) { return it.value < lowest; });
}

bool Sampler::comes_before(const Candidate& left, const Candidate& right) {
  return left.value != right.value ? left.value > right.value : left.id < right.id;
}

// All tokens with a logit of at least `lowest`.
void Sampler::take_from(float lowest) {
  candidates_.clear();
  for (std::size_t index = 0; index < block_max_.size(); ++index) {
    if (block_max_[index] < lowest) continue;
    const std::span<const float> values = block(index);
    for (std::size_t i = 0; i < values.size(); ++i) {
      if (values[i] < lowest) continue;
      candidates_.push_back({static_cast<TokenId>(index * kBlock + i), values[i]});
    }
  }
}

void Sampler::take_top_k(std::size_t count) {
  float lowest = -std::numeric_limits<float>::infinity();
  if (count <= block_max_.size()) {
    // So many blocks have a value at least this high: the k best are among those.
    std::vector<float> highest = block_max_;
    const auto last = highest.begin() + static_cast<std::ptrdiff_t>(count - 1);
    std::nth_element(highest.begin(), last, highest.end(), std::greater<>());
    lowest = *last;
  }
  take_from(lowest);
  order_ = candidates_;
  const auto last = order_.begin() + static_cast<std::ptrdiff_t>(count - 1);
  std::nth_element(order_.begin(), last, order_.end(), comes_before);
  keep_up_to(*last);
}

void Sampler::take_top_p_from_all(double share) {
  double total = 0.0;
  for (std::size_t index = 0; index < block_max_.size(); ++index) {
    total += mass_of(block(index), max_, 1.0f);
  }
  // Few tokens hold most of the mass: look as far down as needed, not further.
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  for (const float depth : {5.0f, 10.0f, 20.0f, kInfinity}) {
    take_from(max_ - depth);
    double mass = 0.0;
    for (const Candidate& it : candidates_) mass += static_cast<double>(exp_of(it.value - max_));
    if (mass >= share * total) break;
  }
  keep_top_p(share * total);
}

// Keeps the fewest candidates that together have the mass `wanted`; all if they have less.
void Sampler::keep_top_p(double wanted) { keep_up_to(find_mass_cut(wanted)); }

void Sampler::keep_up_to(const Candidate& last) {
  std::erase_if(candidates_, [&](const Candidate& it) { return comes_before(last, it); });
}

// The candidate with which the sum of masses, best first, reaches `wanted`. Halves the range in
// which it must be, so that only the end is sorted.
Sampler::Candidate Sampler::find_mass_cut(double wanted) {
  constexpr std::ptrdiff_t kSortAtOnce = 128;
  order_ = candidates_;
  auto begin = order_.begin();
  auto end = order_.end();
  double above = 0.0;
  while (end - begin > kSortAtOnce) {
    const auto middle = begin + (end - begin) / 2;
    std::nth_element(begin, middle, end, comes_before);
    double mass = above;
    for (auto it = begin; it != middle; ++it) mass += static_cast<double>(exp_of(it->value - max_));
    if (mass >= wanted) {
      end = middle;
    } else {
      above = mass;
      begin = middle;
    }
  }
  std::sort(begin, end, comes_before);
  for (auto it = begin; it != end; ++it) {
    above += static_cast<double>(exp_of(it->value - max_));
    if (above >= wanted) return *it;
  }
  return *(end - 1);
}

// ---- The draw. `uniform` of the whole mass falls to the first token whose sum goes beyond it.

TokenId Sampler::draw_from_all(float temperature, double uniform) {
  const float scale = inverse(temperature);
  double total = 0.0;
  for (std::size_t index = 0; index < block_max_.size(); ++index) {
    block_mass_[index] = mass_of(block(index), max_, scale);
    total += block_mass_[index];
  }
  const double wanted = uniform * total;
  double sum = 0.0;
  std::size_t chosen = 0;
  while (chosen + 1 < block_mass_.size() && sum + block_mass_[chosen] <= wanted) {
    sum += block_mass_[chosen++];
  }
  // Rounding may leave `wanted` just beyond the end of a block: then it is the last that counts.
  while (block_mass_[chosen] == 0.0) --chosen;  // The best token's block has mass.
  const std::span<const float> values = block(chosen);
  std::size_t last = 0;
  for (std::size_t i = 0; i < values.size(); ++i) {
    const float weight = exp_of((values[i] - max_) * scale);
    if (weight == 0.0f) continue;
    last = i;
    sum += static_cast<double>(weight);
    if (sum > wanted) break;
  }
  return static_cast<TokenId>(chosen * kBlock + last);
}

TokenId Sampler::draw_from_candidates(float temperature, double uniform) {
  const float scale = inverse(temperature);
  const auto weight = [&](const Candidate& it) { return exp_of((it.value - max_) * scale); };
  double total = 0.0;
  for (const Candidate& it : candidates_) total += static_cast<double>(weight(it));
  const double wanted = uniform * total;
  double sum = 0.0;
  TokenId last = 0;
  for (const Candidate& it : candidates_) {
    const float mass = weight(it);
    if (mass == 0.0f) continue;
    last = it.id;
    sum += static_cast<double>(mass);
    if (sum > wanted) break;
  }
  return last;
}

}  // namespace axle::llm
