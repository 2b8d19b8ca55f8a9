#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "jobs/sampling.h"

namespace axle::llm {

using jobs::TokenId;

// Guesses how a text goes on from what it has said before: the last few tokens are looked for
// further up, the latest place first, and what followed there is the guess. Quotations, code, lists
// and repeated questions go this way. `tokens`: the whole text, prompt included. Gives `most`
// tokens, or none where nothing repeats. Source of the idea: A. Saxena, "Prompt Lookup Decoding",
// 2023.
std::vector<TokenId> guess_continuation(std::span<const TokenId> tokens, std::size_t most);

// How often the guesses of one text came true, to weigh the next ones.
//
// Threading: not synchronised.
class DraftRecord {
 public:
  // The share of guessed tokens that hold, as far as is known; in (0, 1).
  double chance() const { return chance_; }
  // `right` of `guessed` tokens held; those after the first wrong one were not looked at.
  void tested(std::size_t guessed, std::size_t right);
  // A token was chosen without a guess: what is known grows old, so that guesses are tried again.
  void forget();

 private:
  static constexpr double kAtFirst = 0.7;
  double chance_ = kAtFirst;
};

}  // namespace axle::llm
