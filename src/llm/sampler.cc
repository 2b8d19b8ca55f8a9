#include "llm/sampler.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <functional>
#include <limits>

#include "base/check.h"
#include "llm/exp.h"
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
constexpr float kHighestDry = 1000.0f;  // Ours: far beyond any use.

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

// Sum of (value - max) * e^(value - max) over one block.
double weighted_of(std::span<const float> values, float max) {
  std::array<float, kLanes> sums{};
  // Never infinite: 0 times it is 0.
  const auto above = [max](float value) { return std::max(value - max, kLowestExponent); };
  std::size_t i = 0;
  for (; i + kLanes <= values.size(); i += kLanes) {
    for (std::size_t lane = 0; lane < kLanes; ++lane) {
      const float x = above(values[i + lane]);
      sums[lane] += x * exp_of(x);
    }
  }
  for (; i < values.size(); ++i) sums[0] += above(values[i]) * exp_of(above(values[i]));
  double sum = 0.0;
  for (const float lane : sums) sum += static_cast<double>(lane);
  return sum;
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

Status check_dry(const DryOptions& dry, std::size_t vocab_size) {
  if (!in_range(dry.multiplier, 0.0f, kHighestDry)) {
    return range_error("dry_multiplier", dry.multiplier, "from 0 to 1000");
  }
  if (!in_range(dry.base, 1.0f, kHighestDry)) {
    return range_error("dry_base", dry.base, "from 1 to 1000");
  }
  if (dry.allowed_length < 0) {
    return invalid_argument(
        fmt::format("dry_allowed_length is {}, but must be 0 or more", dry.allowed_length));
  }
  if (dry.window < -1) {
    return invalid_argument(fmt::format("dry_window is {}, but must be -1 or more", dry.window));
  }
  if (dry.breakers.empty()) return {};
  if (!std::is_sorted(dry.breakers.begin(), dry.breakers.end())) {
    return invalid_argument("dry_breakers must be in rising order");
  }
  if (dry.breakers.front() < 0 || static_cast<std::size_t>(dry.breakers.back()) >= vocab_size) {
    return invalid_argument(
        fmt::format("dry_breakers has tokens {} to {}, but the model has tokens 0 to {}",
                    dry.breakers.front(), dry.breakers.back(), vocab_size - 1));
  }
  return {};
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
  if (!(options.typical_p > 0.0f) || !(options.typical_p <= 1.0f)) {
    return range_error("typical_p", options.typical_p, "above 0 and up to 1");
  }
  AXLE_TRY(check_dry(options.dry, vocab_size));
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
  penalise_repeating(options.dry, context);
  const TokenId best = find_best();
  const bool typical = options.typical_p < 1.0f;
  // Of the filters only "typical" may drop the best.
  if (options.temperature == 0.0f && !typical) return best;

  const double uniform = uniform_for_token(options.seed, context.answer.size());
  const bool filtered =
      options.top_k > 0 || typical || options.top_p < 1.0f || options.min_p > 0.0f;
  if (!filtered) return draw_from_all(options.temperature, uniform);
  filter(options);
  if (options.temperature == 0.0f) return best_candidate();
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

void Sampler::penalise_repeating(const DryOptions& options, const Context& context) {
  if (options.multiplier == 0.0f) return;
  for (const auto& [token, off] : dry_.penalties(options, context.prompt, context.answer)) {
    float& value = values_[static_cast<std::size_t>(token)];
    value = clamp_logit(value - off);
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
  bool picked = top_k > 0 && top_k < values_.size();
  if (picked) take_top_k(top_k);
  if (options.typical_p < 1.0f) {
    const auto typical_share = static_cast<double>(options.typical_p);
    if (picked) {
      keep_typical(typical_share, surprise_of_candidates());
    } else {
      take_typical_from_all(typical_share);
    }
    max_ = best_value();
    picked = true;
  }
  const float lowest = max_ + std::log(options.min_p);  // -infinity for 0.
  if (!picked && share == 1.0) return take_from(lowest);
  if (!picked) {
    take_top_p_from_all(share);
  } else if (share < 1.0) {
    keep_top_p(share * candidates_mass());
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
    if (candidates_mass() >= share * total) break;
  }
  keep_top_p(share * total);
}

double Sampler::candidates_mass() const {
  double mass = 0.0;
  for (const Candidate& it : candidates_) mass += static_cast<double>(exp_of(it.value - max_));
  return mass;
}

// Keeps the fewest candidates that together have the mass `wanted`; all if they have less.
void Sampler::keep_top_p(double wanted) { keep_up_to(find_mass_cut(wanted, comes_before)); }

void Sampler::keep_up_to(const Candidate& last) {
  std::erase_if(candidates_, [&](const Candidate& it) { return comes_before(last, it); });
}

// The candidate with which the sum of masses, in the order of `before`, reaches `wanted`. Halves
// the range in which it must be, so that only the end is sorted.
template <typename Before>
Sampler::Candidate Sampler::find_mass_cut(double wanted, const Before& before) {
  constexpr std::ptrdiff_t kSortAtOnce = 128;
  order_ = candidates_;
  auto begin = order_.begin();
  auto end = order_.end();
  double above = 0.0;
  while (end - begin > kSortAtOnce) {
    const auto middle = begin + (end - begin) / 2;
    std::nth_element(begin, middle, end, before);
    double mass = above;
    for (auto it = begin; it != middle; ++it) mass += static_cast<double>(exp_of(it->value - max_));
    if (mass >= wanted) {
      end = middle;
    } else {
      above = mass;
      begin = middle;
    }
  }
  std::sort(begin, end, before);
  for (auto it = begin; it != end; ++it) {
    above += static_cast<double>(exp_of(it->value - max_));
    if (above >= wanted) return *it;
  }
  return *(end - 1);
}

// ---- Typical. With x = value - max and S the mass, -log p is log S - x, and the entropy is its
// mean, log S - mean(x): how far a token is from typical is |x - mean(x)|.

Sampler::Surprise Sampler::surprise_of_candidates() const {
  Surprise surprise;
  for (const Candidate& it : candidates_) {
    const float x = std::max(it.value - max_, kLowestExponent);
    const float mass = exp_of(x);
    surprise.mass += static_cast<double>(mass);
    surprise.mean += static_cast<double>(x * mass);
  }
  surprise.mean /= surprise.mass;
  return surprise;
}

double Sampler::distance(const Candidate& it, const Surprise& surprise) const {
  return std::abs(static_cast<double>(it.value) - static_cast<double>(max_) - surprise.mean);
}

// Keeps the fewest candidates nearest to typical that together have `share` of the mass.
void Sampler::keep_typical(double share, const Surprise& surprise) {
  const auto before = [&](const Candidate& left, const Candidate& right) {
    const double left_distance = distance(left, surprise);
    const double right_distance = distance(right, surprise);
    return left_distance != right_distance ? left_distance < right_distance
                                           : comes_before(left, right);
  };
  const Candidate last = find_mass_cut(share * surprise.mass, before);
  std::erase_if(candidates_, [&](const Candidate& it) { return before(last, it); });
}

void Sampler::take_typical_from_all(double share) {
  Surprise surprise;
  for (std::size_t index = 0; index < block_max_.size(); ++index) {
    surprise.mass += mass_of(block(index), max_, 1.0f);
    surprise.mean += weighted_of(block(index), max_);
  }
  surprise.mean /= surprise.mass;
  // What is nearer to typical than any token further down holds enough, as a rule, to look no
  // further.
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  for (const float depth : {5.0f, 10.0f, 20.0f, kInfinity}) {
    take_from(max_ - depth);
    const double outside = static_cast<double>(depth) + surprise.mean;
    double mass = 0.0;
    for (const Candidate& it : candidates_) {
      if (distance(it, surprise) < outside) mass += static_cast<double>(exp_of(it.value - max_));
    }
    if (mass >= share * surprise.mass) break;
  }
  keep_typical(share, surprise);
}

float Sampler::best_value() const {
  float best = candidates_.front().value;
  for (const Candidate& it : candidates_) best = std::max(best, it.value);
  return best;
}

TokenId Sampler::best_candidate() const {
  const float best = best_value();
  return std::find_if(candidates_.begin(), candidates_.end(),
                      [&](const Candidate& it) { return it.value == best; })
      ->id;
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
