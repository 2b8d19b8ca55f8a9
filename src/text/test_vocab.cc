#include "text/test_vocab.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace axle::text {
namespace {

constexpr std::int32_t kNormal = 1;
constexpr std::int32_t kControl = 3;
constexpr std::int32_t kUserDefined = 4;

bool stands_for_itself(unsigned byte) {
  return (byte >= 0x21 && byte <= 0x7E) || (byte >= 0xA1 && byte <= 0xAC) || byte >= 0xAE;
}

void append_utf8(unsigned code, std::string& out) {
  if (code < 0x80) {
    out += static_cast<char>(code);
    return;
  }
  out += static_cast<char>(0xC0 | (code >> 6));
  out += static_cast<char>(0x80 | (code & 0x3F));
}

}  // namespace

std::string byte_level(std::string_view bytes) {
  std::string out;
  for (const char c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    unsigned code = byte;
    if (!stands_for_itself(byte)) {
      code = 0x100;
      for (unsigned other = 0; other < byte; ++other) code += stands_for_itself(other) ? 0u : 1u;
    }
    append_utf8(code, out);
  }
  return out;
}

TestVocab::TestVocab() {
  for (int byte = 0; byte < 256; ++byte) {
    add_token(byte_level(std::string(1, static_cast<char>(byte))), kNormal);
  }
}

std::int32_t TestVocab::add_word(std::string_view word) {
  std::string left = byte_level(word.substr(0, 1));
  for (std::size_t i = 1; i < word.size(); ++i) {
    const std::string right = byte_level(word.substr(i, 1));
    if (id_of(left + right) < 0) {
      merges_.push_back(left + " " + right);
      add_token(left + right, kNormal);
    }
    left += right;
  }
  return id_of(left);
}

std::int32_t TestVocab::add_token(std::string_view name, std::int32_t type) {
  tokens_.emplace_back(name);
  types_.push_back(type);
  return static_cast<std::int32_t>(tokens_.size()) - 1;
}

GgufVocab TestVocab::gguf(std::string_view pre) const {
  GgufVocab vocab;
  vocab.tokens.assign(tokens_.begin(), tokens_.end());
  vocab.types = types_;
  vocab.merges.assign(merges_.begin(), merges_.end());
  vocab.pre = pre;
  vocab.model = "gpt2";
  return vocab;
}

Tokenizer TestVocab::build(std::string_view pre) const {
  Result<Tokenizer> tokenizer = Tokenizer::from_gguf_vocab(gguf(pre));
  EXPECT_TRUE(tokenizer.ok()) << tokenizer.status();
  return *std::move(tokenizer);
}

std::int32_t TestVocab::id_of(std::string_view name) const {
  const auto found = std::find(tokens_.begin(), tokens_.end(), name);
  return found == tokens_.end() ? -1 : static_cast<std::int32_t>(found - tokens_.begin());
}

TestVocab small_vocab() {
  TestVocab vocab;
  vocab.add_word("hello");
  vocab.add_word(" world");
  vocab.add_word("ing");
  vocab.add_token("<|start|>", kControl);
  vocab.add_token("<|end|>", kControl);
  vocab.add_token("<think>", kUserDefined);
  return vocab;
}

}  // namespace axle::text
