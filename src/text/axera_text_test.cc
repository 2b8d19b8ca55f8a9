#include <gtest/gtest.h>

#include "text/byte_level.h"
#include "text/test_vocab.h"
#include "text/tokenizer.h"

namespace axle::text {
namespace {

using Ids = std::vector<std::int32_t>;

std::string to_base64(std::string_view bytes) {
  constexpr std::string_view kDigits =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string out;
  for (std::size_t at = 0; at < bytes.size(); at += 3) {
    const std::string_view part = bytes.substr(at, 3);
    unsigned held = 0;
    for (std::size_t i = 0; i < 3; ++i) {
      held = (held << 8) | (i < part.size() ? static_cast<unsigned char>(part[i]) : 0u);
    }
    for (std::size_t i = 0; i < 4; ++i) {
      out += i > part.size() ? '=' : kDigits[(held >> (18 - 6 * i)) & 63];
    }
  }
  return out;
}

// The file of kind 3 for `vocab`: its last three tokens (two special, one added) as special tokens,
// the last but one ("<|end|>") as stop.
std::string hugging_face(const TestVocab& vocab, std::string_view family) {
  const std::size_t count = vocab.tokens().size();
  std::string text = "430 3\n3 1 0\n";
  for (const std::size_t id : {count - 3, count - 2, count - 1, count - 2}) {
    text += std::to_string(id) + " ";
  }
  text += "\n" + std::to_string(count) + " " + std::to_string(vocab.merges().size()) +
          std::string(family) + "\n";
  for (const std::string& token : vocab.tokens()) text += token + "\n";
  for (const std::string& merge : vocab.merges()) text += merge + "\n";
  return text;
}

Tokenizer read(std::string_view text) {
  Result<Tokenizer> tokenizer = Tokenizer::from_axera_text(text);
  EXPECT_TRUE(tokenizer.ok()) << tokenizer.status();
  return *std::move(tokenizer);
}

TEST(AxeraTextTest, ReadsTheSameTokenizerAsFromAGguf) {
  const TestVocab vocab = small_vocab();
  const Tokenizer from_text = read(hugging_face(vocab, " 2"));
  const Tokenizer from_gguf = vocab.build("qwen2");
  EXPECT_EQ(from_text.to_json(), from_gguf.to_json());
}

TEST(AxeraTextTest, NamesTheStopTokens) {
  const Tokenizer tokenizer = read(hugging_face(small_vocab(), " 2"));
  ASSERT_EQ(tokenizer.stop_ids().size(), 1u);
  EXPECT_EQ(tokenizer.stop_ids()[0], *tokenizer.token_id("<|end|>"));
}

TEST(AxeraTextTest, TellsStructureFromAddedText) {
  const Tokenizer tokenizer = read(hugging_face(small_vocab(), " 2"));
  EXPECT_TRUE(tokenizer.is_special(*tokenizer.token_id("<|start|>")));
  EXPECT_TRUE(tokenizer.is_special(*tokenizer.token_id("<|end|>")));
  EXPECT_FALSE(tokenizer.is_special(*tokenizer.token_id("<think>")));
}

TEST(AxeraTextTest, CutsByTheFamilyOfTheFile) {
  TestVocab vocab;
  const std::int32_t digits = vocab.add_word("123");
  for (const char* name : {"<|start|>", "<|end|>", "<think>"}) vocab.add_token(name, 3);
  const auto size = [&vocab](std::string_view family) {
    const Tokenizer tokenizer = read(hugging_face(vocab, family));
    return tokenizer.encode("123", SpecialTokens::kParse)->size();
  };
  ASSERT_GT(digits, 0);
  EXPECT_EQ(size(" 1"), 3u);
  EXPECT_EQ(size(" 2"), 3u);
  EXPECT_EQ(size(" 3"), 1u);
  EXPECT_EQ(size(" 4"), 1u);
  EXPECT_EQ(size(""), 1u);  // Not recognised: as GPT-2.
}

TEST(AxeraTextTest, RecognisesSmolLmInFilesWithoutAFamily) {
  std::string text = "430 3\n2 1 0\n0 1 1\n258 0\n<|endoftext|>\n<|im_start|>\n";
  for (int byte = 0; byte < 256; ++byte) {
    text += byte_level(std::string(1, static_cast<char>(byte))) + "\n";
  }
  const Tokenizer tokenizer = read(text);
  EXPECT_NE(tokenizer.to_json().find("\"\\\\p{N}\""), std::string::npos);
}

TEST(AxeraTextTest, ReadsPackedTokensAndMergesAndAMergesHeader) {
  const std::string text = "430 3\n0 0 0\n\n4 3 2\na\nb64:" + to_base64("b") +
                           "\nab\n<unk>\n#version: 0.2\na b\nb64:" + to_base64("a") +
                           " b64:" + to_base64("b") + "\n";
  const Tokenizer tokenizer = read(text);
  EXPECT_EQ(*tokenizer.encode("ab", SpecialTokens::kParse), Ids{2});
}

TEST(AxeraTextTest, ReadsRanksOfKindOne) {
  std::string text = "430 1\n1 1 0\n259 259\n260\n";
  for (int byte = 0; byte < 256; ++byte) {
    text += to_base64(std::string(1, static_cast<char>(byte))) + "\n";
  }
  for (const char* token : {"bc", "ab", "abc", "<|end|>"}) text += to_base64(token) + "\n";
  const Tokenizer tokenizer = read(text);
  EXPECT_EQ(*tokenizer.encode("abc", SpecialTokens::kParse), Ids{258});
  EXPECT_EQ(*tokenizer.encode("bcab", SpecialTokens::kParse), (Ids{256, 257}));
  EXPECT_EQ(*tokenizer.encode("<|end|>", SpecialTokens::kParse), Ids{259});
  EXPECT_EQ(tokenizer.token_bytes(0xFF), "\xFF");
}

TEST(AxeraTextTest, ReadsPiecesOfKindZero) {
  std::string text = "430 0\n0 1 1\n1 0\n8\n";
  for (const char* piece : {"<unk> 0 2", "</s> 0 3", "  -9 1", "a -9 1", " a -1 1", "<0xC3> 0 6",
                            "<0xA9> 0 6", "b -9.5 1"}) {
    const std::string_view line = piece;
    const std::size_t kind = line.rfind(' ');
    const std::size_t score = line.rfind(' ', kind - 1);
    text += to_base64(line.substr(0, score)) + std::string(line.substr(score)) + "\n";
  }
  const Tokenizer tokenizer = read(text);
  const Result<Ids> ids = tokenizer.encode("b aé", SpecialTokens::kParse);
  ASSERT_TRUE(ids.ok()) << ids.status();
  EXPECT_EQ(*ids, (Ids{7, 4, 5, 6}));
  EXPECT_EQ(*tokenizer.decode(*ids), "b aé");
  EXPECT_TRUE(tokenizer.is_special(1));
}

TEST(AxeraTextTest, RefusesOtherKindsAndFamiliesByNumber) {
  for (const std::string_view text : {"430 2\n0 0 0\n\n0\n", "430 9\n", "430\n"}) {
    EXPECT_EQ(Tokenizer::from_axera_text(text).status().code(), Code::kUnsupported) << text;
  }
  const Result<Tokenizer> tokenizer = Tokenizer::from_axera_text(hugging_face(small_vocab(), " 7"));
  EXPECT_EQ(tokenizer.status().code(), Code::kUnsupported);
  EXPECT_NE(tokenizer.status().message().find('7'), std::string::npos);
}

TEST(AxeraTextTest, RefusesBrokenFilesWithTheLine) {
  const auto message = [](std::string_view text) {
    const Status status = Tokenizer::from_axera_text(text).status();
    EXPECT_EQ(status.code(), Code::kCorrupt) << text;
    return status.message().substr(0, 7);
  };
  EXPECT_EQ(message(""), "line 1:");
  EXPECT_EQ(message("431 3\n"), "line 1:");
  EXPECT_EQ(message("430 3\n1 x 0\n"), "line 2:");
  EXPECT_EQ(message("430 3\n1 0\n"), "line 2:");
  EXPECT_EQ(message("430 3\n2 0 0\n5\n"), "line 3:");
  EXPECT_EQ(message("430 3\n0 0 0\n\n1\n"), "line 4:");
  EXPECT_EQ(message("430 3\n0 0 0\n\n4294967295 0\n"), "line 4:");
  EXPECT_EQ(message("430 3\n0 0 0\n\n2 0\na\n"), "line 6:");
  EXPECT_EQ(message("430 3\n0 0 0\n\n1 1\na\nb\n"), "line 6:");
  EXPECT_EQ(message("430 1\n0 0 0\n\n1\n!\n"), "line 5:");
  EXPECT_EQ(message("430 0\n0 0 0\n\n1\nYQ== x 1\n"), "line 5:");
}

}  // namespace
}  // namespace axle::text
