#include "package/byte_vocabulary.h"

#include <fmt/format.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace axle::package {
namespace {

constexpr std::size_t kMaxSize = 450000;  // All words of up to four letters are a few more.
constexpr std::int32_t kNormal = 1;       // Kinds of token in GGUF files.
constexpr std::int32_t kControl = 3;
constexpr std::string_view kBlank = "\u0120";  // How byte-level BPE writes a blank.

std::string utf8(std::uint32_t code_point) {
  if (code_point < 0x80) return {static_cast<char>(code_point)};
  return {static_cast<char>(0xc0 | code_point >> 6), static_cast<char>(0x80 | (code_point & 0x3f))};
}

// The characters that stand for the bytes 0 to 255. Source: openai/gpt-2, src/encoder.py,
// bytes_to_unicode().
std::vector<std::string> byte_tokens() {
  std::vector<std::string> tokens;
  std::uint32_t next = 256;
  for (std::uint32_t byte = 0; byte < 256; ++byte) {
    const bool shown = (byte >= 33 && byte <= 126) || (byte >= 161 && byte != 173);
    tokens.push_back(utf8(shown ? byte : next++));
  }
  return tokens;
}

}  // namespace

Result<text::Tokenizer> make_byte_vocabulary(std::size_t size) {
  if (size < kMinByteVocabulary || size > kMaxSize) {
    return invalid_argument(fmt::format("the vocabulary has {} tokens, wanted {} to {}", size,
                                        kMinByteVocabulary, kMaxSize));
  }
  std::vector<std::string> tokens = byte_tokens();
  std::vector<std::int32_t> types(tokens.size(), kNormal);
  for (const std::string_view name : {"<|endoftext|>", "<|im_start|>", "<|im_end|>"}) {
    tokens.emplace_back(name);
    types.push_back(kControl);
  }
  std::vector<std::string> merges;
  const std::size_t words = tokens.size();
  // Word i is its parent and one letter more; the parents are the blank and the words in order.
  for (std::size_t i = 0; tokens.size() < size; ++i) {
    const std::string parent(i < 26 ? std::string(kBlank) : tokens[words + i / 26 - 1]);
    const char letter = static_cast<char>('a' + i % 26);
    merges.push_back(fmt::format("{} {}", parent, letter));
    tokens.push_back(parent + letter);
    types.push_back(kNormal);
  }
  text::GgufVocab vocab;
  vocab.model = "gpt2";
  vocab.pre = "qwen2";
  vocab.tokens.assign(tokens.begin(), tokens.end());
  vocab.types = types;
  vocab.merges.assign(merges.begin(), merges.end());
  return text::Tokenizer::from_gguf_vocab(vocab);
}

}  // namespace axle::package
