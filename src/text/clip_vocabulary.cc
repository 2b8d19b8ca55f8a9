#include "text/clip_vocabulary.h"

#include <fmt/format.h>

#include <cstddef>

#include "text/byte_level.h"

namespace axle::text {
namespace {

constexpr std::size_t kBytes = 256;

// All characters for bytes, in the order of the vocabulary: first those that stand for themselves.
std::vector<std::string> byte_characters() {
  std::vector<std::string> own;
  std::vector<std::string> others;
  for (std::size_t byte = 0; byte < kBytes; ++byte) {
    const char c = static_cast<char>(byte);
    (is_own_character(static_cast<unsigned char>(c)) ? own : others).push_back(byte_level({&c, 1}));
  }
  own.insert(own.end(), others.begin(), others.end());
  return own;
}

std::string json_key(const std::string& token) {
  std::string key = "\"";
  for (const char c : token) {
    if (c == '"' || c == '\\') key.push_back('\\');
    key.push_back(c);
  }
  return key + "\"";
}

}  // namespace

ClipFiles clip_files(const std::vector<std::string>& merges) {
  std::vector<std::string> tokens = byte_characters();
  for (std::size_t i = 0; i < kBytes; ++i) tokens.push_back(tokens[i] + "</w>");
  ClipFiles files;
  files.merges = "#version: 0.2\n";
  for (const std::string& merge : merges) {
    files.merges += merge + "\n";
    tokens.push_back(merge.substr(0, merge.find(' ')) + merge.substr(merge.find(' ') + 1));
  }
  tokens.insert(tokens.end(), {"<|startoftext|>", "<|endoftext|>"});
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    files.vocabulary += fmt::format("{}{}: {}", i == 0 ? "{" : ", ", json_key(tokens[i]), i);
  }
  files.vocabulary += "}\n";
  return files;
}

}  // namespace axle::text
