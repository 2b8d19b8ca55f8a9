#include <gtest/gtest.h>

#include "text/test_vocab.h"
#include "text/tokenizer.h"

namespace axle::text {
namespace {

// The words that `pre` cuts `text` into: with a vocabulary of bytes and of all `words`, each word
// is one token exactly where the cut leaves it whole.
std::size_t tokens_of(std::string_view pre, std::string_view text, std::string_view word) {
  TestVocab vocab;
  vocab.add_word(word);
  const Tokenizer tokenizer = vocab.build(pre);
  return tokenizer.encode(text, SpecialTokens::kParse)->size();
}

TEST(GgufVocabTest, CutsDigitsAsEachFamilyDoes) {
  EXPECT_EQ(tokens_of("gpt-2", "1234", "1234"), 1u);
  EXPECT_EQ(tokens_of("smollm", "1234", "1234"), 4u);
  EXPECT_EQ(tokens_of("qwen2", "1234", "1234"), 4u);
  EXPECT_EQ(tokens_of("qwen35", "1234", "1234"), 4u);
  EXPECT_EQ(tokens_of("llama-bpe", "123", "123"), 1u);
  EXPECT_EQ(tokens_of("llama-bpe", "1234", "1234"), 2u);  // "123" and "4".
  EXPECT_EQ(tokens_of("default", "123", "123"), 1u);
  EXPECT_EQ(tokens_of("", "1234", "1234"), 2u);
}

TEST(GgufVocabTest, CutsContractionsAndLinesAsEachFamilyDoes) {
  EXPECT_EQ(tokens_of("gpt-2", "'LL", "'LL"), 3u);  // Only lower case is one word.
  EXPECT_EQ(tokens_of("qwen2", "'LL", "'LL"), 1u);
  EXPECT_EQ(tokens_of("gpt-2", "!\n", "!\n"), 2u);
  EXPECT_EQ(tokens_of("qwen2", "!\n", "!\n"), 1u);
}

TEST(GgufVocabTest, LlamaTakesAWholeWordThatNoMergesBuild) {
  TestVocab vocab;
  const std::int32_t whole = vocab.add_token("xyz", 1);
  EXPECT_EQ(*vocab.build("llama-bpe").encode("xyz", SpecialTokens::kParse),
            std::vector<std::int32_t>{whole});
  EXPECT_EQ(vocab.build("gpt-2").encode("xyz", SpecialTokens::kParse)->size(), 3u);
}

TEST(GgufVocabTest, RefusesUnknownPreTokenizersByName) {
  const TestVocab vocab = small_vocab();
  const Result<Tokenizer> tokenizer = Tokenizer::from_gguf_vocab(vocab.gguf("kimi-k2"));
  EXPECT_EQ(tokenizer.status().code(), Code::kUnsupported);
  EXPECT_NE(tokenizer.status().message().find("\"kimi-k2\""), std::string::npos);
}

TEST(GgufVocabTest, RefusesUnknownModelsByName) {
  const TestVocab words = small_vocab();
  GgufVocab vocab = words.gguf("default");
  vocab.model = "bert";
  const Result<Tokenizer> tokenizer = Tokenizer::from_gguf_vocab(vocab);
  EXPECT_EQ(tokenizer.status().code(), Code::kUnsupported);
  EXPECT_NE(tokenizer.status().message().find("\"bert\""), std::string::npos);
}

TEST(GgufVocabTest, RefusesBrokenLists) {
  const TestVocab words = small_vocab();
  const auto code_after = [&words](auto&& change) {
    GgufVocab vocab = words.gguf("gpt-2");
    change(vocab);
    return Tokenizer::from_gguf_vocab(vocab).status().code();
  };
  EXPECT_EQ(code_after([](GgufVocab& vocab) { vocab.tokens.clear(); }), Code::kCorrupt);
  EXPECT_EQ(code_after([](GgufVocab& vocab) { vocab.types.pop_back(); }), Code::kCorrupt);
  EXPECT_EQ(code_after([](GgufVocab& vocab) { vocab.tokens[3] = ""; }), Code::kCorrupt);
  EXPECT_EQ(code_after([](GgufVocab& vocab) { vocab.tokens[3] = vocab.tokens[4]; }),
            Code::kCorrupt);
  EXPECT_EQ(code_after([](GgufVocab& vocab) { vocab.tokens[3] = "\xFF"; }), Code::kCorrupt);
  EXPECT_EQ(code_after([](GgufVocab& vocab) { vocab.merges[0] = "oneword"; }), Code::kCorrupt);
  EXPECT_EQ(code_after([](GgufVocab& vocab) { vocab.merges[0] = "q zz"; }), Code::kCorrupt);
  EXPECT_EQ(code_after([](GgufVocab& vocab) { vocab.merges[0] = ""; }), Code::kCorrupt);
}

// A sentencepiece vocabulary: pieces with scores, bytes for the rest.
class ScoredVocabTest : public testing::Test {
 protected:
  ScoredVocabTest() {
    add("<unk>", 0, 2);
    add("<s>", 0, 3);
    for (int byte = 0; byte < 256; ++byte) add(byte_name(byte), 0, 6);
    for (const char* letter : {"▁", "a", "b", "c"}) add(letter, -100, 1);
    add("ab", -2, 1);
    add("bc", -1, 1);
    add("▁a", -3, 1);
  }

  static std::string byte_name(int byte) {
    constexpr std::string_view kDigits = "0123456789ABCDEF";
    const auto value = static_cast<std::size_t>(byte);
    return std::string("<0x") + kDigits[value / 16] + kDigits[value % 16] + ">";
  }

  void add(std::string name, float score, std::int32_t type) {
    names_.push_back(std::move(name));
    vocab_.scores.push_back(score);
    vocab_.types.push_back(type);
  }

  Result<Tokenizer> build() {
    vocab_.tokens.assign(names_.begin(), names_.end());
    vocab_.model = "llama";
    return Tokenizer::from_gguf_vocab(vocab_);
  }

  std::vector<std::string> pieces(const Tokenizer& tokenizer, std::string_view text) {
    std::vector<std::string> found;
    const auto ids = tokenizer.encode(text, SpecialTokens::kParse);
    for (const std::int32_t id : *ids) found.push_back(names_[static_cast<std::size_t>(id)]);
    return found;
  }

  std::vector<std::string> names_;
  GgufVocab vocab_;
};

TEST_F(ScoredVocabTest, MergesTheBestScoreFirst) {
  const Result<Tokenizer> tokenizer = build();
  ASSERT_TRUE(tokenizer.ok()) << tokenizer.status();
  EXPECT_EQ(pieces(*tokenizer, "abc"), (std::vector<std::string>{"▁a", "bc"}));
}

TEST_F(ScoredVocabTest, WritesUnknownCharactersAsBytesAndReadsThemBack) {
  const Result<Tokenizer> tokenizer = build();
  ASSERT_TRUE(tokenizer.ok()) << tokenizer.status();
  EXPECT_EQ(pieces(*tokenizer, "é"), (std::vector<std::string>{"▁", "<0xC3>", "<0xA9>"}));
  const auto ids = tokenizer->encode("é a", SpecialTokens::kParse);
  EXPECT_EQ(*tokenizer->decode(*ids), "é a");
}

TEST_F(ScoredVocabTest, AddsNoBlankWhereTheFileSaysSo) {
  vocab_.add_space_prefix = false;
  const Result<Tokenizer> tokenizer = build();
  ASSERT_TRUE(tokenizer.ok()) << tokenizer.status();
  EXPECT_EQ(pieces(*tokenizer, "abc"), (std::vector<std::string>{"a", "bc"}));
  EXPECT_FALSE(tokenizer->strips_first_blank());
}

TEST_F(ScoredVocabTest, NeedsScores) {
  vocab_.scores.pop_back();
  EXPECT_EQ(build().status().code(), Code::kCorrupt);
}

}  // namespace
}  // namespace axle::text
