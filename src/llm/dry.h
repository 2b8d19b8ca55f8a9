#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include "jobs/sampling.h"

namespace axle::llm {

using jobs::DryOptions;
using jobs::TokenId;

// Finds the tokens that would go on with a repetition, and what they lose for it
// (jobs/sampling.h, DryOptions).
//
// Threading: not synchronised; holds scratch memory of 4 bytes per token of the window.
class Dry {
 public:
  // Tokens and what is to be taken off their logits (> 0), each token once, by rising id. `prompt`
  // and `answer` are one text. REQUIRES: options.breakers rising. Valid until the next call.
  std::span<const std::pair<TokenId, float>> penalties(const DryOptions& options,
                                                       std::span<const TokenId> prompt,
                                                       std::span<const TokenId> answer);

 private:
  void take_window(const DryOptions& options, std::span<const TokenId> prompt,
                   std::span<const TokenId> answer);
  void measure_repetitions();

  std::vector<TokenId> tokens_;         // The window, the newest first.
  std::vector<std::int32_t> repeated_;  // [k]: how far the text k tokens ago equals its end.
  std::vector<std::pair<TokenId, std::int32_t>> longest_;  // By token: the length it goes on with.
  std::vector<std::pair<TokenId, float>> penalties_;
};

}  // namespace axle::llm
