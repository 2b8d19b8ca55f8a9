#include "app/bench_figures.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace axle::app {
namespace {

using Seconds = std::chrono::duration<double>;

TEST(BenchFiguresTest, MedianOfOddAndEvenCounts) {
  EXPECT_DOUBLE_EQ(median({3, 1, 2}), 2);
  EXPECT_DOUBLE_EQ(median({4, 1, 2, 3}), 2.5);
  EXPECT_DOUBLE_EQ(median({}), 0);
}

TEST(BenchFiguresTest, DecodeRateLeavesOutTheFirstToken) {
  const BenchRow row = summarise({{Seconds(0.5), Seconds(1.5), 100, 11}}, Seconds(2));
  EXPECT_DOUBLE_EQ(row.first_token_ms, 500);
  EXPECT_DOUBLE_EQ(row.prefill_per_s, 200);
  EXPECT_DOUBLE_EQ(row.decode_per_s, 10);
  EXPECT_DOUBLE_EQ(row.aggregate_per_s, 5.5);
}

TEST(BenchFiguresTest, AggregateCountsEveryClient) {
  const AnswerTimes answer{Seconds(0.1), Seconds(1), 10, 20};
  EXPECT_DOUBLE_EQ(summarise({answer, answer, answer}, Seconds(2)).aggregate_per_s, 30);
}

TEST(BenchFiguresTest, PromptsAreRepeatableAndDifferByVariant) {
  EXPECT_EQ(prompt_of(8, 1), prompt_of(8, 1));
  EXPECT_NE(prompt_of(8, 1), prompt_of(8, 2));
  const std::string prompt = prompt_of(8, 1);
  EXPECT_EQ(std::count(prompt.begin(), prompt.end(), ' '), 7);
}

}  // namespace
}  // namespace axle::app
