#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "api/openai/logprobs.h"
#include "api/openai/reasoning.h"
#include "base/result.h"
#include "jobs/job.h"
#include "text/stop_matcher.h"
#include "text/token_stream.h"

namespace axle::api {

// Adds entries of a list to others, with the comma between them.
void append_entries(std::string& entries, std::string_view more);

// One choice of an answer while it grows: tokens in, text out, with stop strings taken out and
// thoughts apart. Stop strings count in thoughts, too.
//
// Threading: not synchronised. Lifetime: the tokenizer must outlive it.
class Choice {
 public:
  Choice(const text::Tokenizer& tokenizer, const std::vector<std::string>& stop,
         ReasoningSplitter::Start start);

  // Takes new tokens; returns the text that may be shown now. After it, stopped() may hold.
  // Errors: kInvalidArgument  a token outside the vocabulary (a broken model).
  Result<AnswerText> take(const jobs::Tokens& tokens);
  // The job has ended; returns the rest of the text.
  AnswerText finish(const jobs::Done& done);

  // Log probabilities of the tokens whose text take() and finish() have returned since the last
  // call, as joined JSON entries: thoughts and their tags too. Of tokens without any: empty.
  std::string take_logprobs() { return std::exchange(shown_logprobs_, {}); }

  bool stopped() const { return stop_.stopped(); }  // By a stop string: the job is of no more use.
  bool finished() const { return finish_.has_value() || stopped(); }
  // REQUIRES: finished().
  jobs::Finish finish_reason() const { return finish_.value_or(jobs::Finish::kStop); }
  std::int32_t tokens() const { return tokens_; }
  std::int32_t cached_tokens() const { return cached_tokens_; }
  const jobs::Timings& timings() const { return timings_; }

 private:
  text::TokenStream stream_;
  text::StopMatcher stop_;
  ReasoningSplitter reasoning_;
  LogprobQueue logprobs_;
  std::string shown_logprobs_;
  std::size_t shown_bytes_ = 0;  // Of text, before thoughts are taken apart.
  std::optional<jobs::Finish> finish_;
  std::int32_t tokens_ = 0;
  std::int32_t cached_tokens_ = 0;
  jobs::Timings timings_;
};

}  // namespace axle::api
