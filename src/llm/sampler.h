#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "base/bf16.h"
#include "base/result.h"
#include "jobs/sampling.h"
#include "llm/dry.h"

namespace axle::llm {

using jobs::SamplingOptions;
using jobs::TokenId;

// Says whether a sampler for `vocab_size` tokens can follow `options`.
//
// Errors: kInvalidArgument  a number is not finite or outside the range that jobs/sampling.h gives
//                           (top_p of 0 is taken as "only the best"), or logit_bias or the
//                           breakers of DRY name a token that does not exist.
Status check_sampling(const SamplingOptions& options, std::size_t vocab_size);

// Chooses the next token from a row of logits, in the order of jobs/sampling.h. The choice is a
// function of its arguments alone: the random number comes from (options.seed, answer.size()), see
// llm/random.h. Where logits are equal the lower token id goes first, in every filter and for the
// greedy choice.
//
// Penalties: repetition_penalty looks at the last penalty_window tokens of prompt and answer,
// frequency_penalty and presence_penalty at the whole answer, DRY at the last tokens of both.
//
// Threading: not synchronised; holds scratch memory of about 24 bytes per token of the vocabulary.
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
  // Of a set of tokens, with x = value - max_.
  struct Surprise {
    double mass = 0.0;  // Sum of e^x.
    double mean = 0.0;  // Of x, each token by its probability.
  };

  Status load(std::span<const Bf16> logits);
  void add_bias(const SamplingOptions& options);
  void penalise_repetition(const SamplingOptions& options, const Context& context);
  void penalise_answer(const SamplingOptions& options, std::span<const TokenId> answer);
  void penalise_repeating(const DryOptions& options, const Context& context);
  TokenId find_best();

  static bool comes_before(const Candidate& left, const Candidate& right);
  void filter(const SamplingOptions& options);
  void take_from(float lowest);
  void take_top_k(std::size_t count);
  void take_top_p_from_all(double share);
  void keep_top_p(double wanted);
  void keep_up_to(const Candidate& last);
  double candidates_mass() const;
  template <typename Before>
  Candidate find_mass_cut(double wanted, const Before& before);
  Surprise surprise_of_candidates() const;
  double distance(const Candidate& it, const Surprise& surprise) const;
  void keep_typical(double share, const Surprise& surprise);
  void take_typical_from_all(double share);
  float best_value() const;
  TokenId best_candidate() const;

  TokenId draw_from_all(float temperature, double uniform);
  TokenId draw_from_candidates(float temperature, double uniform);
  std::span<const float> block(std::size_t index) const;

  std::vector<float> values_;          // [V] logits after bias and penalties.
  std::vector<float> block_max_;       // Highest of each block of values_.
  std::vector<double> block_mass_;     // Scratch: probability mass of each block.
  std::vector<std::int32_t> seen_;     // [V] occurrences; all zero between calls.
  std::vector<Candidate> candidates_;  // What the filters left, by rising id.
  std::vector<Candidate> order_;       // Scratch: the same in the order of a filter.
  float max_ = 0.0f;                   // Highest of values_, after "typical" of those left.
  Dry dry_;
};

}  // namespace axle::llm
