#include "llm/sampler.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <limits>

#include "base/check.h"
#include "llm/random.h"

namespace axle::llm {
namespace {

// The filters find their cut by a histogram of the logits below the best one instead of a sort:
// 2048 buckets of 1/64; the last one takes everything further down, whose share is below e^-32.
constexpr std::size_t kBuckets = 2048;
constexpr float kBucketsPerLogit = 64.0f;
// Sums go block by block, so that the drawn token is found without a pass over all.
constexpr std::size_t kBlock = 64;
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
    : values_(vocab_size), seen_(vocab_size, 0), counts_(kBuckets) {
  AXLE_CHECK(vocab_size > 0);
}

Result<TokenId> Sampler::sample(std::span<const Bf16> logits, const SamplingOptions& options,
                                const Context& context) {
  AXLE_TRY(load(logits));
  add_bias(options);
  penalise_repetition(options, context);
  penalise_answer(options, context.answer);
  const TokenId top = best();
  max_ = values_[static_cast<std::size_t>(top)];
  if (options.temperature == 0.0f) return top;  // The filters never drop the best.

  const auto top_k = static_cast<std::size_t>(options.top_k);
  if (top_k == 0 || top_k >= values_.size()) {
    take_all();
  } else {
    take_top_k(top_k);
  }
  if (options.top_p < 1.0f) keep_top_p(static_cast<double>(options.top_p));
  if (options.min_p > 0.0f) keep_min_p(options.min_p);
  return draw(options.temperature, uniform_for_token(options.seed, context.answer.size()));
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

TokenId Sampler::best() const {
  // Eight running maxima: one would wait for itself at every element.
  std::array<float, 8> highest;
  highest.fill(-std::numeric_limits<float>::infinity());
  std::size_t id = 0;
  for (; id + highest.size() <= values_.size(); id += highest.size()) {
    for (std::size_t lane = 0; lane < highest.size(); ++lane) {
      highest[lane] = std::max(highest[lane], values_[id + lane]);
    }
  }
  float top = *std::max_element(highest.begin(), highest.end());
  for (; id < values_.size(); ++id) top = std::max(top, values_[id]);
  const auto first = std::find(values_.begin(), values_.end(), top);
  return static_cast<TokenId>(first - values_.begin());
}

bool Sampler::comes_before(const Candidate& left, const Candidate& right) {
  return left.value != right.value ? left.value > right.value : left.id < right.id;
}

std::size_t Sampler::bucket_of(float value) const {
  constexpr float kLast = static_cast<float>(kBuckets - 1);
  return static_cast<std::size_t>(std::min((max_ - value) * kBucketsPerLogit, kLast));
}

void Sampler::take_all() {
  candidates_.resize(values_.size());
  for (std::size_t id = 0; id < values_.size(); ++id) {
    candidates_[id] = {static_cast<TokenId>(id), values_[id]};
  }
}

void Sampler::take_top_k(std::size_t count) {
  const Cut cut = find_top_k_cut(count);
  candidates_.clear();
  for (std::size_t id = 0; id < values_.size(); ++id) {
    if (values_[id] < cut.value) continue;
    const Candidate candidate{static_cast<TokenId>(id), values_[id]};
    if (!comes_before(cut, candidate)) candidates_.push_back(candidate);
  }
}

Sampler::Cut Sampler::find_top_k_cut(std::size_t count) {
  std::fill(counts_.begin(), counts_.end(), 0u);
  for (const float value : values_) ++counts_[bucket_of(value)];
  std::size_t above = 0;
  std::size_t bucket = 0;
  while (above + counts_[bucket] < count) above += counts_[bucket++];

  boundary_.clear();
  for (std::size_t id = 0; id < values_.size(); ++id) {
    if (bucket_of(values_[id]) == bucket) {
      boundary_.push_back({static_cast<TokenId>(id), values_[id]});
    }
  }
  const auto last = boundary_.begin() + static_cast<std::ptrdiff_t>(count - above - 1);
  std::nth_element(boundary_.begin(), last, boundary_.end(), comes_before);
  return *last;
}

void Sampler::keep_top_p(double share) {
  const Cut cut = find_top_p_cut(share);
  std::erase_if(candidates_, [&](const Candidate& it) { return comes_before(cut, it); });
}

Sampler::Cut Sampler::find_top_p_cut(double share) {
  weigh(1.0f);
  masses_.assign(kBuckets, 0.0);
  double total = 0.0;
  for (std::size_t i = 0; i < candidates_.size(); ++i) {
    masses_[bucket_of(candidates_[i].value)] += static_cast<double>(weights_[i]);
  }
  for (const double mass : masses_) total += mass;
  const double wanted = share * total;

  // The bucket in which the sum reaches what is wanted; the last one with anything if it never
  // does.
  double above = 0.0;
  std::size_t bucket = 0;
  while (bucket + 1 < kBuckets && above + masses_[bucket] < wanted) above += masses_[bucket++];

  boundary_.clear();
  for (const Candidate& candidate : candidates_) {
    if (bucket_of(candidate.value) == bucket) boundary_.push_back(candidate);
  }
  if (boundary_.empty()) return {std::numeric_limits<TokenId>::max(), -kLogitLimit};
  std::sort(boundary_.begin(), boundary_.end(), comes_before);
  for (const Candidate& candidate : boundary_) {
    above += static_cast<double>(exp_of(candidate.value - max_));
    if (above >= wanted) return candidate;
  }
  return boundary_.back();
}

void Sampler::keep_min_p(float share) {
  const float lowest = max_ + std::log(share);
  std::erase_if(candidates_, [&](const Candidate& it) { return it.value < lowest; });
}

void Sampler::weigh(float temperature) {
  weights_.resize(candidates_.size());
  for (std::size_t i = 0; i < candidates_.size(); ++i) {
    weights_[i] = exp_of((candidates_[i].value - max_) / temperature);
  }
}

TokenId Sampler::draw(float temperature, double uniform) {
  weigh(temperature);
  const std::size_t blocks = (weights_.size() + kBlock - 1) / kBlock;
  masses_.assign(blocks, 0.0);
  double total = 0.0;
  for (std::size_t block = 0; block < blocks; ++block) {
    const std::size_t end = std::min(weights_.size(), (block + 1) * kBlock);
    double mass = 0.0;
    for (std::size_t i = block * kBlock; i < end; ++i) mass += static_cast<double>(weights_[i]);
    masses_[block] = mass;
    total += mass;
  }

  const double wanted = uniform * total;
  double sum = 0.0;
  std::size_t block = 0;
  while (block + 1 < blocks && sum + masses_[block] <= wanted) sum += masses_[block++];
  for (std::size_t i = block * kBlock; i < weights_.size(); ++i) {
    sum += static_cast<double>(weights_[i]);
    if (sum > wanted && weights_[i] > 0.0f) return candidates_[i].id;
  }
  // Rounding left `wanted` at the very end: the last that can be drawn at all. The best has
  // weight 1.
  std::size_t last = weights_.size() - 1;
  while (weights_[last] == 0.0f) --last;
  return candidates_[last].id;
}

}  // namespace axle::llm
