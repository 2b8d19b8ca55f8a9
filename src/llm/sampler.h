#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "base/bf16.h"
#include "base/result.h"
#include "jobs/sampling.h"

namespace axle::llm {

using jobs::SamplingOptions;
using jobs::TokenId;

// Says whether a sampler for `vocab_size` tokens can follow `options`.
//
// Errors: kInvalidArgument  a number is not finite or outside the range that jobs/sampling.h gives
//                           (top_p of 0 is taken as "only the best"), or logit_bias names a token
//                           that does not exist.
Status check_sampling(const SamplingOptions& options, std::size_t vocab_size);

// Chooses the next token from a row of logits, in the order of jobs/sampling.h: logit bias,
// penalties, top-k, top-p, min-p, temperature. The choice is a function of its arguments alone:
// the random number comes from (options.seed, answer.size()), see llm/random.h. Where logits are
// equal the lower token id goes first, in every filter and for the greedy choice.
//
// Penalties: repetition_penalty looks at the last penalty_window tokens of prompt and answer,
// frequency_penalty and presence_penalty at the whole answer.
//
// Threading: not synchronised; holds scratch memory of about 16 bytes per token of the vocabulary.
class Sampler {
 public:
  explicit Sampler(std::size_t vocab_size);

  struct Context {
    std::span<const TokenId> prompt = {};
    std::span<const TokenId> answer =
        {};  // New tokens so far; the next one has index answer.size().
  };

  // `logits`: [V] bf16. REQUIRES: check_sampling(options, V) was ok.
  //
  // Errors: kInternal  the row has not V logits, or holds NaN or infinity: the engine is broken.
  Result<TokenId> sample(std::span<const Bf16> logits, const SamplingOptions& options,
                         const Context& context);

  std::size_t vocab_size() const { return values_.size(); }

 private:
  struct Candidate {
    TokenId id;
    float value;
  };
  // The last candidate that a filter keeps, in the order of comes_before().
  using Cut = Candidate;

  Status load(std::span<const Bf16> logits);
  void add_bias(const SamplingOptions& options);
  void penalise_repetition(const SamplingOptions& options, const Context& context);
  void penalise_answer(const SamplingOptions& options, std::span<const TokenId> answer);
  TokenId best() const;
  void take_all();
  void take_top_k(std::size_t count);
  void keep_top_p(double share);
  void keep_min_p(float share);
  TokenId draw(float temperature, double uniform);

  static bool comes_before(const Candidate& left, const Candidate& right);
  std::size_t bucket_of(float value) const;
  Cut find_top_k_cut(std::size_t count);
  Cut find_top_p_cut(double share);
  void weigh(float temperature);

  std::vector<float> values_;          // [V] logits after bias and penalties.
  std::vector<std::int32_t> seen_;     // [V] occurrences; all zero between calls.
  std::vector<Candidate> candidates_;  // What the filters left, by rising id.
  std::vector<Candidate> boundary_;    // Scratch: the bucket in which a filter cuts.
  std::vector<float> weights_;         // Scratch: one per candidate.
  std::vector<double> masses_;         // Scratch: probability mass per bucket or block.
  std::vector<std::uint32_t> counts_;  // Scratch: tokens per bucket.
  float max_ = 0.0f;                   // Highest of values_.
};

}  // namespace axle::llm
