#include "package/clip_vocabulary.h"

#include <fmt/format.h>

#include <cstddef>

namespace axle::package {
namespace {

constexpr std::size_t kBytes = 256;

std::string utf8(unsigned point) {
  if (point < 0x80) return {static_cast<char>(point)};
  return {static_cast<char>(0xc0 | point >> 6), static_cast<char>(0x80 | (point & 0x3f))};
}

// The character that stands for a byte. Source: OpenAI CLIP, simple_tokenizer.py, bytes_to_unicode.
bool stands_for_itself(unsigned byte) {
  return (byte >= 33 && byte <= 126) || (byte >= 161 && byte <= 172) || byte >= 174;
}

// All characters for bytes, in the order of the vocabulary: first those that stand for themselves.
std::vector<std::string> byte_characters() {
  std::vector<std::string> characters;
  for (unsigned byte = 0; byte < kBytes; ++byte) {
    if (stands_for_itself(byte)) characters.push_back(utf8(byte));
  }
  for (unsigned next = kBytes; characters.size() < kBytes; ++next) {
    characters.push_back(utf8(next));
  }
  return characters;
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

}  // namespace axle::package
