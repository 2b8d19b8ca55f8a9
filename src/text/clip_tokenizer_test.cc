#include "text/clip_tokenizer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "text/clip_vocabulary.h"

namespace axle::text {
namespace {

using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

// 512 bytes, then these, then begin and end.
const std::vector<std::string> kMerges = {"c a", "ca t</w>"};
constexpr std::int32_t kCat = 513;
constexpr std::int32_t kBegin = 514;
constexpr std::int32_t kEnd = 515;

ClipTokenizer tokenizer() {
  const ClipFiles files = clip_files(kMerges);
  Result<ClipTokenizer> made = ClipTokenizer::from_files(files.vocabulary, files.merges);
  EXPECT_TRUE(made.ok()) << made.status();
  return *std::move(made);
}

// The ids between begin and the first end.
std::vector<std::int32_t> body(std::string_view text) {
  const Result<ClipPrompt> prompt = tokenizer().encode(text);
  EXPECT_TRUE(prompt.ok()) << prompt.status();
  EXPECT_EQ(prompt->ids.size(), ClipTokenizer::kLength);
  EXPECT_EQ(prompt->ids.front(), kBegin);
  EXPECT_EQ(prompt->ids.back(), kEnd);
  std::vector<std::int32_t> ids;
  for (std::size_t i = 1; prompt->ids[i] != kEnd; ++i) ids.push_back(prompt->ids[i]);
  return ids;
}

TEST(ClipTokenizerTest, AWordEndsWithAMarkAndPaddingIsTheEndToken) {
  EXPECT_THAT(body("cat"), ElementsAre(kCat));
  const Result<ClipPrompt> prompt = tokenizer().encode("cat");
  EXPECT_THAT(std::vector(prompt->ids.begin() + 2, prompt->ids.end()), Each(kEnd));
  EXPECT_EQ(prompt->tokens, 1u);
  EXPECT_FALSE(prompt->truncated());
}

TEST(ClipTokenizerTest, LettersAreLoweredBlanksJoinedAndDigitsApart) {
  EXPECT_EQ(body("  CAT \n\t cat "), body("cat cat"));
  EXPECT_EQ(body("12").size(), 2u);
  EXPECT_EQ(body("caT12"), body("cat 1 2"));
  EXPECT_EQ(body("cafe\u0301"), body("caf\u00e9")) << "Composed.";
}

TEST(ClipTokenizerTest, AnEmptyTextIsBeginAndPadding) { EXPECT_THAT(body(""), ElementsAre()); }

TEST(ClipTokenizerTest, ALongTextKeepsItsBeginningAndItsEndToken) {
  std::string text;
  for (int i = 0; i < 80; ++i) text += "cat ";
  const Result<ClipPrompt> prompt = tokenizer().encode(text);
  ASSERT_TRUE(prompt.ok());
  EXPECT_EQ(prompt->ids.size(), ClipTokenizer::kLength);
  EXPECT_EQ(prompt->ids[75], kCat);
  EXPECT_EQ(prompt->ids[76], kEnd);
  EXPECT_EQ(prompt->tokens, 80u);
  EXPECT_TRUE(prompt->truncated());
}

TEST(ClipTokenizerTest, NamesOfTheEndTokenDoNotEndThePrompt) {
  EXPECT_EQ(body("cat <|endoftext|> cat"), body("cat cat"));
  EXPECT_EQ(body("<|startoftext|>cat<|ENDOFTEXT|>"), body("cat"));
  EXPECT_EQ(body("<|endof<|endoftext|>text|> cat"), body("cat")) << "Halves that join.";
}

TEST(ClipTokenizerTest, TextThatIsNotUtf8IsRefused) {
  EXPECT_EQ(tokenizer().encode("cat \xff").status().code(), Code::kInvalidArgument);
  const std::string long_text(Tokenizer::kMaxTextBytes + 1, 'a');
  EXPECT_EQ(tokenizer().encode(long_text).status().code(), Code::kExhausted);
}

TEST(ClipTokenizerTest, FilesThatAreNotSuchAreCorruptAndSayWhere) {
  const ClipFiles good = clip_files(kMerges);
  const auto why = [](const std::string& vocab, const std::string& merges) {
    const Status status = ClipTokenizer::from_files(vocab, merges).status();
    EXPECT_EQ(status.code(), Code::kCorrupt);
    return status.message();
  };
  EXPECT_THAT(why("[1, 2]", good.merges), HasSubstr("vocab.json"));
  EXPECT_THAT(why("{\"a\": 0}", good.merges), HasSubstr("<|startoftext|>"));
  EXPECT_THAT(why(good.vocabulary, "#version: 0.2\nc a\nca\n"), HasSubstr("merges.txt, line 3"));
  EXPECT_THAT(why(good.vocabulary, "\xff"), HasSubstr("merges.txt is not UTF-8"));
}

TEST(ClipTokenizerTest, MergesBeyondTheVocabularyAreLeftOut) {
  const ClipFiles files = clip_files(kMerges);
  const auto made = ClipTokenizer::from_files(files.vocabulary, files.merges + "d o\n");
  ASSERT_TRUE(made.ok()) << made.status();
  EXPECT_EQ(made->encode("cat")->ids[1], kCat);
}

}  // namespace
}  // namespace axle::text
