#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "jobs/job.h"
#include "text/tokenizer.h"

namespace axle::api {

// An entry of choices[].logprobs.content: a token with its log probability and those of the most
// likely tokens. `entries`: the token's own, then the others', as in jobs::Tokens. A special token
// has its name as text and no bytes; bytes that are not UTF-8 are U+FFFD in the text.
// Source: OpenAI API reference, "The chat completion object", logprobs.
std::string logprob_json(const text::Tokenizer& tokenizer,
                         std::span<const jobs::TokenLogprob> entries);

// choices[].logprobs of entries that are joined by commas.
std::string logprobs_json(std::string_view entries);

// The log probabilities of one choice's tokens on their way: each waits until the text of its token
// is shown, and those of text that a stop string takes out are dropped.
//
// Threading: not synchronised. Lifetime: the tokenizer must outlive it.
class LogprobQueue {
 public:
  explicit LogprobQueue(const text::Tokenizer& tokenizer) : tokenizer_(&tokenizer) {}

  // The next token, which completed `text_bytes` bytes of text. A token that completes none (a part
  // of a character, a special token) belongs to the text after it.
  void push(std::span<const jobs::TokenLogprob> entries, std::size_t text_bytes);
  // Entries whose text lies within the first `shown_bytes` bytes, joined by commas; each once.
  std::string take_shown(std::size_t shown_bytes);
  // The text ended after `shown_bytes` bytes by a stop string: entries of what comes before, also
  // where the end cuts through a token.
  std::string take_until_stop(std::size_t shown_bytes);
  // The text is complete: all entries.
  std::string take_rest();

 private:
  struct Waiting {
    std::string json;
    std::size_t begin = 0;           // Where its text begins, in bytes.
    std::optional<std::size_t> end;  // Where it ends; absent: not known yet.
  };
  std::string take_first(std::size_t count);

  const text::Tokenizer* tokenizer_;  // Not owned, never null.
  std::vector<Waiting> waiting_;
  std::size_t text_bytes_ = 0;
};

}  // namespace axle::api
