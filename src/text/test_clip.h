#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace axle::text {

// The two files of a CLIP tokenizer.
struct ClipFiles {
  std::string vocab_json;
  std::string merges_txt;
};

// A vocabulary as CLIP builds it: each byte, each byte as the end of a word, the merges in order,
// begin and end. `merges`: "left right".
ClipFiles clip_files(const std::vector<std::string>& merges);

}  // namespace axle::text
