#include "text/tokenizer.h"

#include <gtest/gtest.h>

#include <thread>

#include "text/test_vocab.h"

namespace axle::text {
namespace {

using Ids = std::vector<std::int32_t>;

Ids encode(const Tokenizer& tokenizer, std::string_view text,
           SpecialTokens special = SpecialTokens::kParse) {
  Result<Ids> ids = tokenizer.encode(text, special);
  EXPECT_TRUE(ids.ok()) << ids.status();
  return ids.ok() ? *ids : Ids{};
}

TEST(TokenizerTest, MergesBytesToTheLongestWordsThatItsMergesBuild) {
  TestVocab vocab = small_vocab();
  const std::int32_t hello = vocab.add_word("hello");
  const std::int32_t world = vocab.add_word(" world");
  const Tokenizer tokenizer = vocab.build();
  EXPECT_EQ(encode(tokenizer, "hello world!"), (Ids{hello, world, '!'}));
}

TEST(TokenizerTest, GivesEveryTextBack) {
  const Tokenizer tokenizer = small_vocab().build("qwen2");
  for (const std::string_view text : {"", " ", "hello", "  two\n\nlines\t", "naïve café",
                                      "漢字かな", "👩‍👩‍👧‍👦 and 🏳️‍🌈",
                                      "a\x01\x7F z", "e\u0301 stays decomposed", "1234567"}) {
    const Result<std::string> back = tokenizer.decode(encode(tokenizer, text));
    ASSERT_TRUE(back.ok()) << back.status();
    EXPECT_EQ(*back, text);
  }
}

TEST(TokenizerTest, ParsesSpecialTokensOnlyWhereAsked) {
  const Tokenizer tokenizer = small_vocab().build();
  const std::optional<std::int32_t> end = tokenizer.token_id("<|end|>");
  ASSERT_TRUE(end.has_value());
  EXPECT_EQ(encode(tokenizer, "a<|end|>b", SpecialTokens::kParse), (Ids{'a', *end, 'b'}));
  const Ids plain = encode(tokenizer, "a<|end|>b", SpecialTokens::kPlain);
  EXPECT_EQ(plain.size(), 9u);
  for (const std::int32_t id : plain) EXPECT_FALSE(tokenizer.is_special(id));
}

TEST(TokenizerTest, AddedTextIsFoundInBothModesAndIsNotSpecial) {
  const Tokenizer tokenizer = small_vocab().build();
  const std::optional<std::int32_t> think = tokenizer.token_id("<think>");
  ASSERT_TRUE(think.has_value());
  EXPECT_EQ(encode(tokenizer, "<think>", SpecialTokens::kParse), Ids{*think});
  EXPECT_EQ(encode(tokenizer, "<think>", SpecialTokens::kPlain), Ids{*think});
  EXPECT_FALSE(tokenizer.is_special(*think));
}

TEST(TokenizerTest, DecodesSpecialTokensOnlyWhenAsked) {
  const Tokenizer tokenizer = small_vocab().build();
  const Ids ids = encode(tokenizer, "<|start|>hello<|end|>");
  EXPECT_EQ(*tokenizer.decode(ids, SpecialText::kSkip), "hello");
  EXPECT_EQ(*tokenizer.decode(ids, SpecialText::kShow), "<|start|>hello<|end|>");
}

TEST(TokenizerTest, DecodesBrokenCharactersToReplacementCharacters) {
  const Tokenizer tokenizer = small_vocab().build();
  const Ids ids = {'a', 0xE6, 0xBC, 'b', 0xFF};
  EXPECT_EQ(*tokenizer.decode(ids), "a\uFFFDb\uFFFD");
}

TEST(TokenizerTest, ReadsItsOwnJsonBack) {
  const Tokenizer first = small_vocab().build("qwen2");
  const Result<Tokenizer> second = Tokenizer::from_json(first.to_json());
  ASSERT_TRUE(second.ok()) << second.status();
  const std::string text = "<|start|>hello world, I'M going to 漢字 123<think><|end|>";
  EXPECT_EQ(encode(first, text), encode(*second, text));
  EXPECT_EQ(encode(first, text, SpecialTokens::kPlain),
            encode(*second, text, SpecialTokens::kPlain));
  ASSERT_EQ(first.vocab_size(), second->vocab_size());
  for (std::uint32_t id = 0; id < first.vocab_size(); ++id) {
    const auto token = static_cast<std::int32_t>(id);
    EXPECT_EQ(first.token_bytes(token), second->token_bytes(token));
    EXPECT_EQ(first.is_special(token), second->is_special(token));
  }
  EXPECT_EQ(second->to_json(), first.to_json());
}

TEST(TokenizerTest, KnowsTheBytesOfItsTokens) {
  const Tokenizer tokenizer = small_vocab().build();
  EXPECT_EQ(tokenizer.token_bytes(0x00), std::string_view("\0", 1));
  EXPECT_EQ(tokenizer.token_bytes(0x20), " ");
  EXPECT_EQ(tokenizer.token_bytes(0xAD), "\xAD");
  EXPECT_EQ(tokenizer.token_bytes(0xFF), "\xFF");
  EXPECT_EQ(tokenizer.token_bytes(*tokenizer.token_id("<|end|>")), "<|end|>");
  EXPECT_EQ(tokenizer.token_bytes(-1), "");
  EXPECT_EQ(tokenizer.token_bytes(1 << 30), "");
  EXPECT_FALSE(tokenizer.is_special(-1));
  EXPECT_FALSE(tokenizer.is_special(1 << 30));
}

TEST(TokenizerTest, KnowsItsSizeAndNames) {
  const TestVocab vocab = small_vocab();
  const Tokenizer tokenizer = vocab.build();
  EXPECT_EQ(tokenizer.vocab_size(), vocab.tokens().size());
  EXPECT_EQ(tokenizer.token_id("no such token"), std::nullopt);
  EXPECT_EQ(tokenizer.token_id("\xFF"), std::nullopt);
  EXPECT_GT(tokenizer.memory_bytes(), vocab.tokens().size());
  EXPECT_TRUE(tokenizer.stop_ids().empty());
}

TEST(TokenizerTest, RefusesTextThatIsNotUtf8AndNamesTheByte) {
  const Tokenizer tokenizer = small_vocab().build();
  const auto ids = tokenizer.encode("ab\xC3(", SpecialTokens::kParse);
  EXPECT_EQ(ids.status().code(), Code::kInvalidArgument);
  EXPECT_EQ(ids.status().message(), "the text is not UTF-8 at byte 2");
}

TEST(TokenizerTest, RefusesTextThatIsTooLong) {
  const Tokenizer tokenizer = small_vocab().build();
  const std::string text(Tokenizer::kMaxTextBytes + 1, 'a');
  EXPECT_EQ(tokenizer.encode(text, SpecialTokens::kParse).status().code(), Code::kExhausted);
}

TEST(TokenizerTest, RefusesToDecodeIdsOutsideItsVocabulary) {
  const Tokenizer tokenizer = small_vocab().build();
  EXPECT_EQ(tokenizer.decode(Ids{-1}).status().code(), Code::kInvalidArgument);
  const auto past = static_cast<std::int32_t>(tokenizer.vocab_size());
  EXPECT_EQ(tokenizer.decode(Ids{past}).status().code(), Code::kInvalidArgument);
}

TEST(TokenizerTest, RefusesWhatIsNoTokenizerJson) {
  for (const std::string_view text : {"", "{", "[]", "{\"version\":\"1.0\"}", "\xFF"}) {
    EXPECT_EQ(Tokenizer::from_json(text).status().code(), Code::kCorrupt) << text;
  }
}

// A tokenizer.json of two letters with `decoder` and one added token of id `added_id`.
std::string tiny_json(std::string_view decoder, std::string_view model_extra = "") {
  return R"({"version":"1.0","truncation":{"direction":"Right","max_length":1,"strategy":)"
         R"("LongestFirst","stride":0},"padding":null,"added_tokens":[],"normalizer":null,)"
         R"("pre_tokenizer":null,"post_processor":null,"decoder":)" +
         std::string(decoder) + R"(,"model":{"type":"BPE",)" + std::string(model_extra) +
         R"("vocab":{"a":0,"b":1,"▁a":7},"merges":[]}})";
}

TEST(TokenizerTest, IgnoresTruncationInTheFile) {
  const Result<Tokenizer> tokenizer = Tokenizer::from_json(tiny_json(R"({"type":"Fuse"})"));
  ASSERT_TRUE(tokenizer.ok()) << tokenizer.status();
  EXPECT_EQ(encode(*tokenizer, "abab"), (Ids{0, 1, 0, 1}));
}

TEST(TokenizerTest, TakesIdsWithHoles) {
  const Result<Tokenizer> tokenizer = Tokenizer::from_json(tiny_json(R"({"type":"Fuse"})"));
  ASSERT_TRUE(tokenizer.ok()) << tokenizer.status();
  EXPECT_EQ(tokenizer->vocab_size(), 8u);
  EXPECT_EQ(tokenizer->token_bytes(3), "");
  EXPECT_EQ(*tokenizer->decode(Ids{0, 3, 1}), "ab");
}

TEST(TokenizerTest, StripsTheFirstBlankWhereTheVocabularyMarksBlanks) {
  const Result<Tokenizer> tokenizer = Tokenizer::from_json(tiny_json(
      R"({"type":"Metaspace","replacement":"▁","prepend_scheme":"always","split":false})"));
  ASSERT_TRUE(tokenizer.ok()) << tokenizer.status();
  EXPECT_TRUE(tokenizer->strips_first_blank());
  EXPECT_EQ(*tokenizer->decode(Ids{7, 7, 1}), "a ab");
}

TEST(TokenizerTest, RefusesDecodersWhoseTokensDependOnTheirNeighbours) {
  const std::string_view word_piece = R"({"type":"WordPiece","prefix":"##","cleanup":true})";
  const Result<Tokenizer> tokenizer = Tokenizer::from_json(tiny_json(word_piece));
  EXPECT_EQ(tokenizer.status().code(), Code::kUnsupported);
  EXPECT_NE(tokenizer.status().message().find("WordPiece"), std::string::npos);
  EXPECT_EQ(Tokenizer::from_json(tiny_json("null")).status().code(), Code::kUnsupported);
}

TEST(TokenizerTest, RefusesTwoTokensWithOneId) {
  const auto tokenizer = Tokenizer::from_json(
      R"({"version":"1.0","model":{"type":"BPE","vocab":{"a":0,"b":1,"c":1},"merges":[]}})");
  EXPECT_EQ(tokenizer.status().code(), Code::kCorrupt);
  EXPECT_NE(tokenizer.status().message().find("have the same id, 1"), std::string::npos)
      << tokenizer.status();
}

TEST(TokenizerTest, RefusesDropout) {
  const std::string json = tiny_json(R"({"type":"Fuse"})", R"("dropout":0.5,)");
  EXPECT_EQ(Tokenizer::from_json(json).status().code(), Code::kUnsupported);
}

TEST(TokenizerTest, RefusesIdsThatWouldTakeAllMemory) {
  std::string json = tiny_json(R"({"type":"Fuse"})");
  json.replace(json.find("\"b\":1"), 5, "\"b\":4294967295");
  const Result<Tokenizer> tokenizer = Tokenizer::from_json(json);
  EXPECT_EQ(tokenizer.status().code(), Code::kUnsupported);
  EXPECT_NE(tokenizer.status().message().find("4294967295"), std::string::npos);
}

TEST(TokenizerTest, DropsBytesThatTheVocabularyLacksAndMergesNothingOverThem) {
  constexpr std::string_view kJson =
      R"({"version":"1.0","added_tokens":[],"normalizer":null,"pre_tokenizer":{"type":"ByteLevel",)"
      R"("add_prefix_space":false,"trim_offsets":true,"use_regex":false},"post_processor":null,)"
      R"("decoder":{"type":"ByteLevel","add_prefix_space":false,"trim_offsets":true},)"
      R"("model":{"type":"BPE","vocab":{"a":0,"b":1,"ab":2},"merges":["a b"]}})";
  const Result<Tokenizer> tokenizer = Tokenizer::from_json(kJson);
  ASSERT_TRUE(tokenizer.ok()) << tokenizer.status();
  EXPECT_EQ(encode(*tokenizer, "ab"), Ids{2});
  EXPECT_EQ(encode(*tokenizer,
                   "a\x06"
                   "b"),
            (Ids{0, 1}));
}

TEST(TokenizerTest, ManyThreadsGetTheSameIds) {
  const Tokenizer tokenizer = small_vocab().build("smollm");
  const std::string text = "hello world, singing <|end|> 漢字 42";
  const Ids wanted = encode(tokenizer, text);
  std::vector<Ids> found(4);
  {
    std::vector<std::jthread> threads;
    for (Ids& ids : found) {
      threads.emplace_back([&tokenizer, &text, &ids] {
        for (int i = 0; i < 50; ++i) ids = encode(tokenizer, text);
      });
    }
  }
  for (const Ids& ids : found) EXPECT_EQ(ids, wanted);
}

}  // namespace
}  // namespace axle::text
