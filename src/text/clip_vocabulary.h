#pragma once

#include <string>
#include <vector>

// Tokenizers in CLIP's format from a list of merges, for packages that have none.
// Source of the format: OpenAI CLIP, simple_tokenizer.py.
namespace axle::text {

struct ClipFiles {
  std::string vocabulary;  // vocab.json
  std::string merges;      // merges.txt
};

// The 256 bytes, the same at the end of a word, what `merges` ("a b", in order) makes of them, then
// the begin and the end token.
ClipFiles clip_files(const std::vector<std::string>& merges);

}  // namespace axle::text
