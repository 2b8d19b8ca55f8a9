#include "llm/dry.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace axle::llm {
namespace {

bool breaks(const DryOptions& options, TokenId token) {
  return std::binary_search(options.breakers.begin(), options.breakers.end(), token);
}

// multiplier * base^(length - allowed_length), the power kept finite.
float penalty_of(const DryOptions& options, std::int32_t length) {
  const double power = std::pow(static_cast<double>(options.base),
                                static_cast<double>(length - options.allowed_length));
  constexpr double kHighest = std::numeric_limits<float>::max();
  return static_cast<float>(std::min(static_cast<double>(options.multiplier) * power, kHighest));
}

}  // namespace

std::span<const std::pair<TokenId, float>> Dry::penalties(const DryOptions& options,
                                                          std::span<const TokenId> prompt,
                                                          std::span<const TokenId> answer) {
  penalties_.clear();
  if (options.multiplier == 0.0f || options.window == 0) return {};
  take_window(options, prompt, answer);
  const auto last_breaker = std::find_if(tokens_.begin(), tokens_.end(),
                                         [&](TokenId token) { return breaks(options, token); });
  const auto limit = static_cast<std::int32_t>(last_breaker - tokens_.begin());
  if (limit < options.allowed_length) return {};
  measure_repetitions();

  longest_.clear();
  for (std::size_t k = 1; k < tokens_.size(); ++k) {
    const std::int32_t length = std::min(repeated_[k], limit);
    const TokenId next = tokens_[k - 1];
    if (length >= options.allowed_length && !breaks(options, next)) {
      longest_.emplace_back(next, length);
    }
  }
  std::sort(longest_.begin(), longest_.end());
  for (std::size_t i = 0; i < longest_.size(); ++i) {
    const bool last_of_token =
        i + 1 == longest_.size() || longest_[i + 1].first != longest_[i].first;
    if (last_of_token) {
      penalties_.emplace_back(longest_[i].first, penalty_of(options, longest_[i].second));
    }
  }
  return penalties_;
}

void Dry::take_window(const DryOptions& options, std::span<const TokenId> prompt,
                      std::span<const TokenId> answer) {
  const std::size_t total = prompt.size() + answer.size();
  const std::size_t size =
      options.window < 0 ? total : std::min(total, static_cast<std::size_t>(options.window));
  const std::size_t of_answer = std::min(size, answer.size());
  tokens_.assign(answer.rbegin(), answer.rbegin() + static_cast<std::ptrdiff_t>(of_answer));
  tokens_.insert(tokens_.end(), prompt.rbegin(),
                 prompt.rbegin() + static_cast<std::ptrdiff_t>(size - of_answer));
}

// The Z function of the window. Source: Gusfield, "Algorithms on Strings, Trees, and Sequences",
// section 1.4.
void Dry::measure_repetitions() {
  const std::size_t count = tokens_.size();
  repeated_.assign(count, 0);
  std::size_t begin = 0;  // The match that reaches furthest is [begin, end).
  std::size_t end = 0;
  for (std::size_t k = 1; k < count; ++k) {
    std::size_t length =
        k < end ? std::min(end - k, static_cast<std::size_t>(repeated_[k - begin])) : 0;
    while (k + length < count && tokens_[length] == tokens_[k + length]) ++length;
    repeated_[k] = static_cast<std::int32_t>(length);
    if (k + length > end) {
      begin = k;
      end = k + length;
    }
  }
}

}  // namespace axle::llm
