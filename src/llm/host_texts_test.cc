#include "llm/host_texts.h"

#include <gtest/gtest.h>

#include <vector>

namespace axle::llm {
namespace {

using Tokens = std::vector<TokenId>;

class HostTextsTest : public ::testing::Test {
 protected:
  static constexpr std::size_t kRow = 4;

  void keep(const Tokens& tokens, unsigned char mark) {
    ASSERT_TRUE(texts.wants(tokens));
    texts.keep(tokens, std::vector<std::byte>(tokens.size() * kRow, std::byte{mark}));
  }

  HostTexts texts{kRow, 8 * kRow};
};

TEST_F(HostTextsTest, FindsTheTextThatBeginsAlikeForLongest) {
  keep({1, 2, 3}, 1);
  keep({1, 2, 4, 5}, 2);
  const HostTexts::Match match = texts.find(Tokens{1, 2, 4, 9});
  ASSERT_NE(match.text, nullptr);
  EXPECT_EQ(match.length, 3u);
  EXPECT_EQ(match.text->rows.front(), std::byte{2});
  EXPECT_EQ(texts.find(Tokens{7}).text, nullptr);
}

TEST_F(HostTextsTest, WantsNothingThatItHasOrThatCannotFit) {
  keep({1, 2, 3}, 1);
  EXPECT_FALSE(texts.wants(Tokens{1, 2}));
  EXPECT_FALSE(texts.wants(Tokens(9, 5)));
  EXPECT_FALSE(texts.wants(Tokens{}));
  EXPECT_TRUE(texts.wants(Tokens{1, 2, 3, 4}));
  EXPECT_FALSE(HostTexts(kRow, 0).wants(Tokens{1}));
}

TEST_F(HostTextsTest, ALongerTextReplacesTheOneItExtends) {
  keep({1, 2, 3}, 1);
  keep({1, 2, 3, 4}, 2);
  EXPECT_EQ(texts.bytes(), 4 * kRow);
  EXPECT_EQ(texts.find(Tokens{1, 2}).text->rows.front(), std::byte{2});
}

TEST_F(HostTextsTest, TheLeastRecentlyUsedTextGoesWhenThereIsNoRoom) {
  keep({1, 1, 1, 1}, 1);
  keep({2, 2, 2, 2}, 2);
  EXPECT_EQ(texts.use(Tokens{1}).length, 1u);
  keep({3, 3}, 3);
  EXPECT_EQ(texts.find(Tokens{2}).text, nullptr);
  EXPECT_NE(texts.find(Tokens{1}).text, nullptr);
  EXPECT_EQ(texts.bytes(), 6 * kRow);
}

}  // namespace
}  // namespace axle::llm
