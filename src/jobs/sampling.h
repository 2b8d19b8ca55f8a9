#pragma once

#include <cstdint>
#include <utility>
#include <vector>

namespace axle::jobs {

// A token's number in its model's vocabulary.
using TokenId = std::int32_t;

// DRY ("don't repeat yourself"): a token that would go on with a repetition of `length` tokens
// loses multiplier * base^(length - allowed_length) of its logit. A repetition is the end of the
// text that occurred earlier in the window, reaching back to the last breaker at most. Breakers
// themselves lose nothing. Source: llama.cpp, src/llama-sampling.cpp, llama_sampler_dry_apply; the
// defaults are those of its common_params_sampling.
struct DryOptions {
  float multiplier = 0.0f;          // [0, 1000]; 0: off.
  float base = 1.75f;               // [1, 1000].
  std::int32_t allowed_length = 2;  // >= 0: shorter repetitions cost nothing.
  std::int32_t window = -1;         // Tokens looked back on, prompt included; -1: all.
  std::vector<TokenId> breakers{};  // Tokens whose text holds a breaker string; rising.

  friend bool operator==(const DryOptions&, const DryOptions&) = default;
};

// How the next token is chosen. Applied in this order: logit bias; repetition, frequency and
// presence penalty; DRY; top-k; typical; top-p; min-p; temperature. It is llama.cpp's order, and as
// there each filter sees what the one before it left, with those probabilities made to sum to 1.
// A value that equals its default here changes nothing and costs nothing.
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
  // (0, 1]: of the tokens whose surprise (-log p) is nearest to the expected one (the entropy), the
  // fewest with this much probability. The most likely token need not be among them.
  // Source: Meister et al., "Locally Typical Sampling", arXiv:2202.00666, section 4.
  float typical_p = 1.0f;
  DryOptions dry = {};

  friend bool operator==(const SamplingOptions&, const SamplingOptions&) = default;
};

}  // namespace axle::jobs
