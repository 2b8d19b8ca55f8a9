#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "text/tokenizer.h"

namespace axle::text {

// A prompt as a CLIP text encoder takes it.
struct ClipPrompt {
  std::vector<std::int32_t> ids;  // Always ClipTokenizer::kLength of them.
  std::size_t tokens = 0;         // Of the whole text, without begin, end and padding.
  // Tokens beyond the 75 that fit are left out.
  bool truncated() const;
};

// Prompts for the text encoder of Stable Diffusion 1.x: begin, at most 75 tokens of text, end, and
// the end token again up to 77.
//
// Names of the begin and end token in a text are taken out: they would end the prompt early.
// Brackets and weights such as "(word:1.2)" are plain text.
//
// Threading: immutable; one object may be used by many threads at once.
// Source: `transformers`, tokenization_clip.py; AXERA-TECH/sd1.5-lcm.axera, python/launcher.py.
class ClipTokenizer {
 public:
  static constexpr std::size_t kLength = 77;

  // Errors: as Tokenizer::from_clip.
  static Result<ClipTokenizer> from_files(std::string_view vocab_json, std::string_view merges_txt);

  // Errors: as Tokenizer::encode.
  Result<ClipPrompt> encode(std::string_view text) const;

  std::int32_t begin_id() const { return begin_; }
  std::int32_t end_id() const { return end_; }

 private:
  ClipTokenizer(Tokenizer tokenizer, std::int32_t begin, std::int32_t end);

  Tokenizer tokenizer_;
  std::int32_t begin_;
  std::int32_t end_;
};

}  // namespace axle::text
