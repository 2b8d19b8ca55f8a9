#include "text/token_stream.h"

#include <gtest/gtest.h>

#include <random>

#include "text/test_vocab.h"

namespace axle::text {
namespace {

using Ids = std::vector<std::int32_t>;

// What each push gives, then what finish gives.
std::vector<std::string> steps(const Tokenizer& tokenizer, const Ids& ids,
                               SpecialText special = SpecialText::kSkip) {
  TokenStream stream(tokenizer, special);
  std::vector<std::string> all;
  for (const std::int32_t id : ids) {
    Result<std::string> text = stream.push(id);
    EXPECT_TRUE(text.ok()) << text.status();
    if (text.ok()) all.push_back(*std::move(text));
  }
  all.push_back(stream.finish());
  return all;
}

std::string joined(const std::vector<std::string>& parts) {
  std::string all;
  for (const std::string& part : parts) all += part;
  return all;
}

TEST(TokenStreamTest, NeverGivesAPartOfACharacter) {
  const Tokenizer tokenizer = TestVocab().build();
  const Ids bytes = {0xF0, 0x9F, 0x98, 0x80, 0xE6, 0xBC, 0xA2, 'a'};
  EXPECT_EQ(steps(tokenizer, bytes),
            (std::vector<std::string>{"", "", "", "😀", "", "", "漢", "a", ""}));
}

TEST(TokenStreamTest, GivesTheCharactersOfAJoinedEmojiOneByOne) {
  const Tokenizer tokenizer = TestVocab().build();
  const std::string family = "👩‍👩‍👧‍👦";
  const Result<Ids> ids = tokenizer.encode(family, SpecialTokens::kPlain);
  ASSERT_TRUE(ids.ok()) << ids.status();
  const std::vector<std::string> parts = steps(tokenizer, *ids);
  EXPECT_EQ(joined(parts), family);
  EXPECT_EQ(parts[3], "👩");
  EXPECT_EQ(parts[6], "\u200D");
}

TEST(TokenStreamTest, ReplacesBrokenBytesAsSoonAsTheyAreKnown) {
  const Tokenizer tokenizer = TestVocab().build();
  EXPECT_EQ(steps(tokenizer, {0xE6, 0xBC, 'x', 0xFF}),
            (std::vector<std::string>{"", "", "\uFFFDx", "\uFFFD", ""}));
}

TEST(TokenStreamTest, ReplacesAnUnfinishedCharacterAtTheEnd) {
  const Tokenizer tokenizer = TestVocab().build();
  EXPECT_EQ(steps(tokenizer, {'a', 0xF0, 0x9F}), (std::vector<std::string>{"a", "", "", "\uFFFD"}));
}

TEST(TokenStreamTest, SkipsSpecialTokensUnlessAsked) {
  const Tokenizer tokenizer = small_vocab().build();
  const std::int32_t end = *tokenizer.token_id("<|end|>");
  const std::int32_t think = *tokenizer.token_id("<think>");
  EXPECT_EQ(joined(steps(tokenizer, {think, 'a', end})), "<think>a");
  EXPECT_EQ(joined(steps(tokenizer, {think, 'a', end}, SpecialText::kShow)), "<think>a<|end|>");
}

TEST(TokenStreamTest, ASpecialTokenInsideACharacterDoesNotBreakIt) {
  const Tokenizer tokenizer = small_vocab().build();
  const std::int32_t end = *tokenizer.token_id("<|end|>");
  EXPECT_EQ(joined(steps(tokenizer, {0xC3, end, 0xA9})), "é");
}

TEST(TokenStreamTest, RefusesIdsOutsideTheVocabularyAndGoesOn) {
  const Tokenizer tokenizer = TestVocab().build();
  TokenStream stream(tokenizer);
  ASSERT_TRUE(stream.push(0xC3).ok());
  EXPECT_EQ(stream.push(-1).status().code(), Code::kInvalidArgument);
  EXPECT_EQ(stream.push(256).status().code(), Code::kInvalidArgument);
  EXPECT_EQ(*stream.push(0xA9), "é");
}

TEST(TokenStreamTest, IsAsNewAfterFinish) {
  const Tokenizer tokenizer = TestVocab().build();
  TokenStream stream(tokenizer);
  ASSERT_TRUE(stream.push(0xC3).ok());
  EXPECT_EQ(stream.finish(), "\uFFFD");
  EXPECT_EQ(*stream.push('a'), "a");
  EXPECT_EQ(stream.finish(), "");
}

TEST(TokenStreamTest, StripsTheFirstBlankOfTheTextOnly) {
  const Result<Tokenizer> tokenizer = Tokenizer::from_json(
      R"({"version":"1.0","added_tokens":[{"id":2,"content":"<s>","single_word":false,"lstrip":false,)"
      R"("rstrip":false,"normalized":false,"special":true}],"normalizer":null,"pre_tokenizer":null,)"
      R"("post_processor":null,"decoder":{"type":"Metaspace","replacement":"▁","prepend_scheme":)"
      R"("always","split":false},"model":{"type":"BPE","vocab":{"a":0,"▁a":1},"merges":[]}})");
  ASSERT_TRUE(tokenizer.ok()) << tokenizer.status();
  EXPECT_EQ(joined(steps(*tokenizer, {2, 1, 1, 0})), "a aa");
}

// Random tokens, most of them no valid text: the stream must give what decoding the whole gives.
TEST(TokenStreamTest, JoinedStepsEqualTheWholeDecodedAtOnce) {
  const TestVocab vocab = small_vocab();
  const Tokenizer tokenizer = vocab.build();
  std::mt19937 random(1);
  std::uniform_int_distribution<std::int32_t> any(
      0, static_cast<std::int32_t>(tokenizer.vocab_size()) - 1);
  std::uniform_int_distribution<std::int32_t> high(0x80, 0xFF);
  for (int round = 0; round < 500; ++round) {
    Ids ids;
    for (int i = 0; i < 40; ++i) ids.push_back(i % 3 == 0 ? any(random) : high(random));
    for (const SpecialText special : {SpecialText::kSkip, SpecialText::kShow}) {
      EXPECT_EQ(joined(steps(tokenizer, ids, special)), *tokenizer.decode(ids, special));
    }
  }
}

}  // namespace
}  // namespace axle::text
