#include "llm/logprobs.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>

namespace axle::llm {
namespace {

std::vector<Bf16> random_logits(std::size_t count, unsigned seed) {
  std::mt19937 random(seed);
  std::normal_distribution<float> normal(0.0f, 4.0f);
  std::vector<Bf16> logits;
  for (std::size_t i = 0; i < count; ++i) logits.push_back(to_bf16(normal(random)));
  return logits;
}

// By the book: everything in double precision, everything sorted.
std::vector<std::pair<TokenId, double>> plain_logprobs(const std::vector<Bf16>& logits) {
  std::vector<std::pair<TokenId, double>> all;
  double sum = 0.0;
  for (const Bf16 logit : logits) {
    sum += std::exp(static_cast<double>(to_float(logit)));
    all.emplace_back(static_cast<TokenId>(all.size()), static_cast<double>(to_float(logit)));
  }
  for (auto& it : all) it.second -= std::log(sum);
  return all;
}

TEST(LogprobsTest, NobodyAskedGivesNothing) {
  EXPECT_TRUE(logprobs_of(random_logits(10, 1), 3, -1).empty());
}

TEST(LogprobsTest, TheTokenComesFirstThenTheBestInOrderAsInDoublePrecision) {
  for (const std::size_t vocab : {1u, 7u, 64u, 1500u, 49152u}) {
    const std::vector<Bf16> logits = random_logits(vocab, 5);
    auto plain = plain_logprobs(logits);
    const auto token = static_cast<TokenId>(vocab / 2);
    const auto wanted = plain[vocab / 2].second;
    std::stable_sort(plain.begin(), plain.end(), [](const auto& left, const auto& right) {
      return left.second > right.second;
    });
    for (const std::int32_t top : {0, 1, 5, 20}) {
      const std::vector<TokenLogprob> found = logprobs_of(logits, token, top);
      ASSERT_EQ(found.size(), 1 + std::min(vocab, static_cast<std::size_t>(top)));
      EXPECT_EQ(found[0].first, token);
      EXPECT_NEAR(static_cast<double>(found[0].second), wanted, 1e-5);
      for (std::size_t i = 1; i < found.size(); ++i) {
        EXPECT_EQ(found[i].first, plain[i - 1].first);
        EXPECT_NEAR(static_cast<double>(found[i].second), plain[i - 1].second, 1e-5);
      }
    }
  }
}

TEST(LogprobsTest, OfEqualTokensTheLowerIdComesFirst) {
  const std::vector<Bf16> logits(30, to_bf16(2.0f));
  const std::vector<TokenLogprob> found = logprobs_of(logits, 29, 3);
  ASSERT_EQ(found.size(), 4u);
  for (std::size_t i = 1; i < found.size(); ++i) {
    EXPECT_EQ(found[i].first, static_cast<TokenId>(i - 1));
    EXPECT_NEAR(found[i].second, -std::log(30.0f), 1e-5f);
  }
}

TEST(LogprobsTest, ExtremeLogitsGiveFiniteNumbersUpToZero) {
  std::vector<Bf16> logits(100, to_bf16(-3e38f));
  logits[7] = to_bf16(3e38f);
  const std::vector<TokenLogprob> found = logprobs_of(logits, 8, 2);
  EXPECT_EQ(found[0], TokenLogprob(8, jobs::kLowestLogprob));
  EXPECT_EQ(found[1], TokenLogprob(7, 0.0f));
  EXPECT_EQ(found[2], TokenLogprob(0, jobs::kLowestLogprob));
}

}  // namespace
}  // namespace axle::llm
