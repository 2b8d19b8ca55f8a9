#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "text/tokenizer.h"

namespace axle::text {

// A small byte-level vocabulary for tests: all 256 bytes (id = byte), then what is added.
class TestVocab {
 public:
  TestVocab();

  // Adds `word` and the merges that build it from the left. Returns its id.
  std::int32_t add_word(std::string_view word);
  // Adds a token of a GGUF type (3 control, 4 user defined). Returns its id.
  std::int32_t add_token(std::string_view name, std::int32_t type);

  // Borrows from this object.
  GgufVocab gguf(std::string_view pre) const;
  // Fails the test when the vocabulary is refused.
  Tokenizer build(std::string_view pre = "gpt-2") const;

  const std::vector<std::string>& tokens() const { return tokens_; }
  const std::vector<std::string>& merges() const { return merges_; }

 private:
  std::int32_t id_of(std::string_view name) const;

  std::vector<std::string> tokens_;
  std::vector<std::int32_t> types_;
  std::vector<std::string> merges_;
};

// "hello", " world", "ing", two special tokens "<|start|>" and "<|end|>", and "<think>" as added
// text.
TestVocab small_vocab();

}  // namespace axle::text
