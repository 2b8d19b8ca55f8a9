#pragma once

#include <cstdint>
#include <utility>
#include <vector>

namespace axle::jobs {

// A token's number in its model's vocabulary.
using TokenId = std::int32_t;

// How the next token is chosen. Applied in this order: logit bias, penalties, top-k, top-p, min-p,
// temperature. A value that equals its default here changes nothing.
struct SamplingOptions {
  float temperature = 1.0f;         // [0, 2]; 0: always the most likely token.
  float top_p = 1.0f;               // (0, 1]: smallest set of tokens with this much probability.
  std::int32_t top_k = 0;           // 0: all tokens.
  float min_p = 0.0f;               // [0, 1]: at least this share of the best token's probability.
  float repetition_penalty = 1.0f;  // > 0: divides (multiplies negative) logits of tokens seen.
  float frequency_penalty = 0.0f;   // [-2, 2]: taken off once per occurrence in the answer so far.
  float presence_penalty = 0.0f;    // [-2, 2]: taken off once if it occurs in the answer so far.
  std::int32_t penalty_window =
      64;  // Tokens that repetition_penalty looks back on, prompt included; -1: all.
  std::vector<std::pair<TokenId, float>> logit_bias =
      {};                  // Added to the logits; -100 in effect forbids.
  std::uint64_t seed = 0;  // With the token's index the whole state of the random generator.

  friend bool operator==(const SamplingOptions&, const SamplingOptions&) = default;
};

}  // namespace axle::jobs
