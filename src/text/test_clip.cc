#include "text/test_clip.h"

#include <fmt/format.h>

#include <algorithm>

#include "text/test_vocab.h"

namespace axle::text {
namespace {

// Printable bytes first, then the others. Source: github.com/openai/CLIP, clip/simple_tokenizer.py,
// bytes_to_unicode.
std::vector<std::string> byte_names() {
  std::vector<std::string> printable;
  std::vector<std::string> others;
  for (int byte = 0; byte < 256; ++byte) {
    const char c = static_cast<char>(byte);
    const bool shown = (byte >= 33 && byte <= 126) || (byte >= 161 && byte <= 172) || byte >= 174;
    (shown ? printable : others).push_back(byte_level({&c, 1}));
  }
  printable.insert(printable.end(), others.begin(), others.end());
  return printable;
}

std::string quoted(std::string_view text) {
  std::string json = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') json += '\\';
    json += c;
  }
  return json + "\"";
}

}  // namespace

ClipFiles clip_files(const std::vector<std::string>& merges) {
  std::vector<std::string> tokens = byte_names();
  for (const std::string& byte : byte_names()) tokens.push_back(byte + "</w>");
  ClipFiles files{.vocab_json = "{", .merges_txt = "#version: 0.2\n"};
  for (const std::string& merge : merges) {
    std::string merged = merge;
    std::erase(merged, ' ');
    tokens.push_back(merged);
    files.merges_txt += merge + "\n";
  }
  tokens.insert(tokens.end(), {"<|startoftext|>", "<|endoftext|>"});
  for (std::size_t id = 0; id < tokens.size(); ++id) {
    files.vocab_json += fmt::format("{}{}: {}", id == 0 ? "" : ", ", quoted(tokens[id]), id);
  }
  files.vocab_json += "}";
  return files;
}

}  // namespace axle::text
