#include "llm/draft.h"

#include <gtest/gtest.h>

#include <numeric>

namespace axle::llm {
namespace {

using Ids = std::vector<TokenId>;

TEST(DraftTest, WhatFollowedTheSameTokensBeforeIsTheGuess) {
  EXPECT_EQ(guess_continuation(Ids{1, 2, 3, 4, 5, 9, 1, 2, 3}, 2), (Ids{4, 5}));
  EXPECT_EQ(guess_continuation(Ids{1, 2, 3, 4, 5, 9, 1, 2, 3}, 8), (Ids{4, 5, 9, 1, 2, 3, 4, 5}));
}

TEST(DraftTest, TheLongestAgreementDecidesThenTheLatest) {
  EXPECT_EQ(guess_continuation(Ids{0, 1, 2, 3, 7, 5, 1, 2, 3, 8, 0, 1, 2, 3}, 1), Ids{7});
  EXPECT_EQ(guess_continuation(Ids{1, 2, 3, 7, 1, 2, 3, 8, 1, 2, 3}, 1), Ids{8});
}

TEST(DraftTest, RunsOfOneTokenGoOn) {
  EXPECT_EQ(guess_continuation(Ids{5, 5, 5, 5}, 4), Ids(4, 5));
  EXPECT_EQ(guess_continuation(Ids{1, 2, 1, 2, 1, 2}, 3), (Ids{1, 2, 1}));
}

TEST(DraftTest, NothingRepeatedGivesNoGuess) {
  Ids rising(100);
  std::iota(rising.begin(), rising.end(), 0);
  EXPECT_EQ(guess_continuation(rising, 8), Ids{});
  EXPECT_EQ(guess_continuation(Ids{}, 8), Ids{});
  EXPECT_EQ(guess_continuation(Ids{1, 2, 3}, 8), Ids{});
  EXPECT_EQ(guess_continuation(Ids{1, 2, 9, 1, 2}, 8), Ids{});  // Two tokens say too little.
}

TEST(DraftRecordTest, LearnsFromWhatWasLookedAt) {
  DraftRecord good, bad;
  const double at_first = good.chance();
  good.tested(4, 4);
  bad.tested(4, 0);
  EXPECT_GT(good.chance(), at_first);
  EXPECT_LT(bad.chance(), at_first);
  DraftRecord half;
  half.tested(8, 1);  // One right, one wrong, six not looked at.
  EXPECT_GT(half.chance(), bad.chance());
}

TEST(DraftRecordTest, TriesAgainAfterAWhile) {
  DraftRecord record;
  const double at_first = record.chance();
  for (int i = 0; i < 50; ++i) record.tested(4, 0);
  EXPECT_LT(record.chance(), 0.1);
  for (int i = 0; i < 5000; ++i) record.forget();
  EXPECT_NEAR(record.chance(), at_first, 0.01);
  EXPECT_LT(record.chance(), 1.0);
}

}  // namespace
}  // namespace axle::llm
