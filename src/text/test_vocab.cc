#include "text/test_vocab.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "text/byte_level.h"

namespace axle::text {
namespace {

constexpr std::int32_t kNormal = 1;
constexpr std::int32_t kControl = 3;
constexpr std::int32_t kUserDefined = 4;

}  // namespace

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
