#include "app/bench_figures.h"

#include <gtest/gtest.h>

namespace axle::app {
namespace {

using Seconds = std::chrono::duration<double>;

AnswerTimes answer(double first, double whole, int prompt, int completion, int cached = 0) {
  return {Seconds(first), Seconds(whole), prompt, completion, cached};
}

TEST(BenchFiguresTest, MedianOfOddAndEvenCounts) {
  EXPECT_DOUBLE_EQ(median({3, 1, 2}), 2);
  EXPECT_DOUBLE_EQ(median({4, 1, 2, 3}), 2.5);
  EXPECT_DOUBLE_EQ(median({}), 0);
}

TEST(BenchFiguresTest, QuantileIsAValueThatWasSeen) {
  std::vector<double> twenty;
  for (int i = 20; i > 0; --i) twenty.push_back(i);
  EXPECT_DOUBLE_EQ(quantile(twenty, 0.95), 19);
  EXPECT_DOUBLE_EQ(quantile({5, 7}, 0.95), 7);
  EXPECT_DOUBLE_EQ(quantile({5, 7}, 0.0), 5);
  EXPECT_DOUBLE_EQ(quantile({}, 0.95), 0);
}

TEST(BenchFiguresTest, DecodeRateLeavesOutTheFirstToken) {
  const BenchRow row = summarise({answer(0.5, 1.5, 100, 11)}, Seconds(2));
  EXPECT_DOUBLE_EQ(row.first_token_ms, 500);
  EXPECT_DOUBLE_EQ(row.prefill_per_s, 200);
  EXPECT_DOUBLE_EQ(row.decode_per_s, 10);
  EXPECT_DOUBLE_EQ(row.aggregate_per_s, 5.5);
  EXPECT_DOUBLE_EQ(row.seconds, 2);
}

TEST(BenchFiguresTest, AnswersOfOneTokenHaveNoDecodeRate) {
  const BenchRow row = summarise({answer(0.5, 0.5, 100, 1), answer(0.5, 1.5, 100, 11)}, Seconds(2));
  EXPECT_DOUBLE_EQ(row.decode_per_s, 10);
  EXPECT_DOUBLE_EQ(summarise({answer(0.5, 0.5, 100, 1)}, Seconds(1)).decode_per_s, 0);
}

TEST(BenchFiguresTest, AggregateCountsEveryClient) {
  const AnswerTimes one = answer(0.1, 1, 10, 20);
  EXPECT_DOUBLE_EQ(summarise({one, one, one}, Seconds(2)).aggregate_per_s, 30);
}

TEST(BenchFiguresTest, CachedShareIsThatOfAllPromptsTogether) {
  EXPECT_DOUBLE_EQ(
      summarise({answer(1, 1, 100, 1, 0), answer(1, 1, 300, 1, 300)}, Seconds(1)).cached_share,
      0.75);
}

TEST(BenchFiguresTest, WithoutAnAnswerAllFiguresAreNought) {
  const BenchRow row = summarise({}, Seconds(3));
  EXPECT_DOUBLE_EQ(row.answers, 0);
  EXPECT_DOUBLE_EQ(row.aggregate_per_s, 0);
  EXPECT_DOUBLE_EQ(row.first_token_p95, 0);
}

TEST(BenchFiguresTest, RoundsAreJoinedFigureByFigure) {
  BenchRow slow = summarise({answer(3, 9, 10, 3)}, Seconds(9));
  BenchRow fast = summarise({answer(1, 2, 10, 3)}, Seconds(2));
  BenchRow odd = summarise({answer(2, 99, 10, 3)}, Seconds(99));
  slow.name = "one";
  const BenchRow row = median_row({slow, fast, odd});
  EXPECT_EQ(row.name, "one");
  EXPECT_DOUBLE_EQ(row.first_token_ms, 2000);
  EXPECT_DOUBLE_EQ(row.seconds, 9);
}

}  // namespace
}  // namespace axle::app
