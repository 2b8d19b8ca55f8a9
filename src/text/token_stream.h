#pragma once

#include <cstdint>
#include <string>

#include "base/result.h"
#include "text/tokenizer.h"
#include "text/utf8.h"

namespace axle::text {

// Text of a growing list of tokens, given out in whole characters: a token that ends in the middle
// of one is held back until its rest arrives. What all calls return, joined, equals
// Tokenizer::decode() of all ids.
//
// Threading: not synchronised; one object for each generation.
// Lifetime:  the tokenizer must outlive it.
class TokenStream {
 public:
  explicit TokenStream(const Tokenizer& tokenizer, SpecialText special = SpecialText::kSkip);

  // The text that `id` completes; may be empty. Bytes that can no longer become a character are
  // given as U+FFFD.
  //
  // Errors: kInvalidArgument  `id` outside [0, vocab_size()); the stream is unchanged.
  Result<std::string> push(std::int32_t id);

  // The end: an unfinished character, as one U+FFFD, or nothing. The stream is then as new.
  std::string finish();

 private:
  const Tokenizer* tokenizer_;  // Not owned, never null.
  SpecialText special_;
  bool at_start_ = true;  // No byte has come yet.
  Utf8Stream utf8_;
};

}  // namespace axle::text
