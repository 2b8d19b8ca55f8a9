#pragma once

#include <string>
#include <vector>

// A tokenizer in CLIP's format that knows bytes only, for packages that have no other. Not part of
// the room's interface. Source of the format: OpenAI CLIP, simple_tokenizer.py.
namespace axle::package {

struct ClipFiles {
  std::string vocabulary;  // vocab.json
  std::string merges;      // merges.txt
};

// The 256 bytes, the same at the end of a word, what `merges` ("a b", in order) makes of them, then
// the begin and the end token.
ClipFiles clip_files(const std::vector<std::string>& merges);

}  // namespace axle::package
