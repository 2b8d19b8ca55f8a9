#include "api/openai/logprobs.h"

#include <gtest/gtest.h>

#include <boost/json.hpp>
#include <vector>

#include "package/package.h"
#include "package/testing/tiny_gguf.h"
#include "package/tokenizer.h"

namespace axle::api {
namespace {

namespace json = boost::json;
using jobs::TokenLogprob;

// The words of a tiny real model.
class LogprobsTest : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    const package::testing::TemporaryFolder folder;
    const auto path = package::testing::make_tiny_package(folder.path(), "tiny");
    ASSERT_TRUE(path.ok()) << path.status();
    const auto package = package::Package::open(*path);
    ASSERT_TRUE(package.ok()) << package.status();
    auto loaded = package::load_tokenizer(*package);
    ASSERT_TRUE(loaded.ok()) << loaded.status();
    tokenizer_ = new text::Tokenizer(*std::move(loaded));
  }
  static void TearDownTestSuite() { delete tokenizer_; }

  static std::vector<jobs::TokenId> ids(std::string_view text,
                                        text::SpecialTokens special = text::SpecialTokens::kPlain) {
    return *tokenizer_->encode(text, special);
  }
  // Puts a token in the queue that is told apart by its log probability.
  void push(int number, std::size_t text_bytes) {
    const std::vector<TokenLogprob> entries = {{ids("a")[0], static_cast<float>(-number)}};
    queue_.push(entries, text_bytes);
  }
  // The numbers of joined entries.
  static std::vector<int> numbers(const std::string& entries) {
    std::vector<int> found;
    const json::value parsed = json::parse(logprobs_json(entries));
    for (const json::value& entry : parsed.at("content").as_array()) {
      found.push_back(-entry.at("logprob").to_number<int>());
    }
    return found;
  }
  using Numbers = std::vector<int>;

  static text::Tokenizer* tokenizer_;
  LogprobQueue queue_{*tokenizer_};
};
text::Tokenizer* LogprobsTest::tokenizer_ = nullptr;

TEST_F(LogprobsTest, AnEntryHasTheTextTheBytesAndTheMostLikelyTokens) {
  const jobs::TokenId token = ids("a")[0];
  const std::vector<TokenLogprob> entries = {{token, -1.5f}, {ids("b")[0], -0.25f}, {token, -1.5f}};
  const json::value entry = json::parse(logprob_json(*tokenizer_, entries));
  EXPECT_EQ(entry.at("token"), "a");
  EXPECT_EQ(entry.at("logprob"), -1.5);
  EXPECT_EQ(json::serialize(entry.at("bytes")), "[97]");
  EXPECT_EQ(entry.at("top_logprobs").at(0).at("token"), "b");
  EXPECT_EQ(json::serialize(entry.at("top_logprobs").at(0).at("bytes")), "[98]");
  EXPECT_EQ(entry.at("top_logprobs").at(1).at("logprob"), -1.5);
}

TEST_F(LogprobsTest, AByteOfACharacterHasItsByteAndAReplacementAsText) {
  const std::vector<jobs::TokenId> parts = ids("é");
  ASSERT_EQ(parts.size(), 2u);
  const std::vector<TokenLogprob> entries = {{parts[0], 0.0f}};
  const json::value entry = json::parse(logprob_json(*tokenizer_, entries));
  EXPECT_EQ(entry.at("token"), "\uFFFD");
  EXPECT_EQ(json::serialize(entry.at("bytes")), "[195]");
}

TEST_F(LogprobsTest, ASpecialTokenHasItsNameAndNoBytesAndAHoleNothing) {
  const jobs::TokenId end = ids("<|im_end|>", text::SpecialTokens::kParse)[0];
  const std::vector<TokenLogprob> entries = {{end, -1.0f}, {100'000'000, -9999.0f}};
  const json::value entry = json::parse(logprob_json(*tokenizer_, entries));
  EXPECT_EQ(entry.at("token"), "<|im_end|>");
  EXPECT_TRUE(entry.at("bytes").is_null());
  EXPECT_EQ(entry.at("top_logprobs").at(0).at("token"), "");
  EXPECT_EQ(entry.at("top_logprobs").at(0).at("logprob"), -9999);
}

TEST_F(LogprobsTest, EntriesWaitForTheirTextAndComeOnce) {
  push(1, 3);
  push(2, 2);
  EXPECT_EQ(numbers(queue_.take_shown(2)), Numbers{});
  EXPECT_EQ(numbers(queue_.take_shown(4)), (Numbers{1}));
  push(3, 1);
  EXPECT_EQ(numbers(queue_.take_shown(6)), (Numbers{2, 3}));
  EXPECT_EQ(numbers(queue_.take_rest()), Numbers{});
}

TEST_F(LogprobsTest, PartsOfACharacterComeWithIt) {
  push(1, 1);
  push(2, 0);
  push(3, 0);
  EXPECT_EQ(numbers(queue_.take_shown(1)), (Numbers{1}));
  push(4, 4);
  EXPECT_EQ(numbers(queue_.take_shown(4)), Numbers{});
  EXPECT_EQ(numbers(queue_.take_shown(5)), (Numbers{2, 3, 4}));
}

TEST_F(LogprobsTest, AStopStringDropsWhatIsNotShownButNotATokenThatItCuts) {
  push(1, 3);
  push(2, 4);
  push(3, 0);
  push(4, 2);
  EXPECT_EQ(numbers(queue_.take_until_stop(5)), (Numbers{1, 2}));
  EXPECT_EQ(numbers(queue_.take_rest()), Numbers{});
}

TEST_F(LogprobsTest, ACharacterThatAStopStringTakesOutIsNotListedByItsParts) {
  push(1, 3);
  push(2, 0);
  push(3, 2);
  EXPECT_EQ(numbers(queue_.take_until_stop(3)), (Numbers{1}));
}

TEST_F(LogprobsTest, AtTheEndComeAllThatAreLeft) {
  push(1, 1);
  push(2, 0);
  EXPECT_EQ(numbers(queue_.take_rest()), (Numbers{1, 2}));
}

}  // namespace
}  // namespace axle::api
