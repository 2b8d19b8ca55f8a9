#include "llm/draft.h"

#include <algorithm>

namespace axle::llm {
namespace {

// Tokens that must be the same before a guess. Longer ones are tried first; two alone say little.
constexpr std::size_t kLongestKey = 5;
constexpr std::size_t kShortestKey = 3;
// How far up is looked: more costs time and seldom helps.
constexpr std::size_t kWindow = 8192;
constexpr double kLearningRate = 0.3;
constexpr double kForgettingRate = 0.002;

// Where the last `key` tokens stand earlier: the place after the latest such; 0: nowhere.
std::size_t find_earlier(std::span<const TokenId> tokens, std::size_t key) {
  if (tokens.size() <= key) return 0;
  const auto wanted = tokens.last(key);
  const std::size_t lowest = tokens.size() > kWindow ? tokens.size() - kWindow : 0;
  for (std::size_t end = tokens.size() - 1; end >= lowest + key; --end) {
    if (std::ranges::equal(tokens.subspan(end - key, key), wanted)) return end;
  }
  return 0;
}

}  // namespace

std::vector<TokenId> guess_continuation(std::span<const TokenId> tokens, std::size_t most) {
  for (std::size_t key = kLongestKey; key >= kShortestKey; --key) {
    const std::size_t place = find_earlier(tokens, key);
    if (place == 0) continue;
    std::vector<TokenId> guess;
    for (std::size_t i = 0; i < most; ++i) {
      // Where the text ends, the guess itself goes on repeating.
      const std::size_t at = place + i;
      guess.push_back(at < tokens.size() ? tokens[at] : guess[at - tokens.size()]);
    }
    return guess;
  }
  return {};
}

void DraftRecord::tested(std::size_t guessed, std::size_t right) {
  const std::size_t looked_at = std::min(guessed, right + 1);
  for (std::size_t i = 0; i < looked_at; ++i) {
    const double outcome = i < right ? 1.0 : 0.0;
    chance_ += kLearningRate * (outcome - chance_);
  }
}

void DraftRecord::forget() { chance_ += kForgettingRate * (kAtFirst - chance_); }

}  // namespace axle::llm
