#include "llm/dry.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace axle::llm {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Pair;

// Penalties of a text, a half of it as prompt.
std::vector<std::pair<TokenId, float>> penalties(const DryOptions& options,
                                                 const std::vector<TokenId>& text) {
  Dry dry;
  const std::span<const TokenId> all = text;
  const auto found =
      dry.penalties(options, all.first(text.size() / 2), all.subspan(text.size() / 2));
  return {found.begin(), found.end()};
}

constexpr float kOnce = 0.5f;

TEST(DryTest, OffItFindsNothing) {
  EXPECT_THAT(penalties({}, {1, 2, 1, 2, 1, 2}), IsEmpty());
  EXPECT_THAT(penalties({.multiplier = kOnce, .window = 0}, {1, 2, 1, 2, 1, 2}), IsEmpty());
}

TEST(DryTest, TextWithoutRepetitionOrShorterThanAllowedLosesNothing) {
  EXPECT_THAT(penalties({.multiplier = kOnce}, {}), IsEmpty());
  EXPECT_THAT(penalties({.multiplier = kOnce}, {1}), IsEmpty());
  EXPECT_THAT(penalties({.multiplier = kOnce}, {1, 2, 3, 4, 5}), IsEmpty());
  EXPECT_THAT(penalties({.multiplier = kOnce}, {1, 2, 3, 4, 2}), IsEmpty());
}

TEST(DryTest, EachTokenMoreCostsOneTimesTheBaseMore) {
  const DryOptions options{.multiplier = kOnce, .base = 2.0f};
  EXPECT_THAT(penalties(options, {1, 2, 7, 1, 2}), ElementsAre(Pair(7, kOnce)));
  EXPECT_THAT(penalties(options, {5, 1, 2, 7, 5, 1, 2}), ElementsAre(Pair(7, 2 * kOnce)));
  EXPECT_THAT(penalties(options, {4, 5, 1, 2, 7, 4, 5, 1, 2}), ElementsAre(Pair(7, 4 * kOnce)));
}

TEST(DryTest, OfSeveralRepetitionsTheLongestCountsForAToken) {
  const DryOptions options{.multiplier = kOnce, .base = 2.0f};
  EXPECT_THAT(penalties(options, {1, 2, 7, 3, 1, 2, 7, 1, 2, 8, 3, 1, 2}),
              ElementsAre(Pair(7, 2 * kOnce), Pair(8, kOnce)));
}

TEST(DryTest, RepetitionsMayOverlap) {
  const DryOptions options{.multiplier = kOnce, .base = 2.0f};
  EXPECT_THAT(penalties(options, {1, 1, 1, 1, 1}), ElementsAre(Pair(1, 4 * kOnce)));
  EXPECT_THAT(penalties(options, {1, 2, 1, 2, 1, 2}), ElementsAre(Pair(1, 4 * kOnce)));
}

TEST(DryTest, AllowedLengthOfZeroPenalisesEveryTokenThatFollowedAnother) {
  const DryOptions options{.multiplier = kOnce, .base = 2.0f, .allowed_length = 0};
  EXPECT_THAT(penalties(options, {3, 1, 2}), ElementsAre(Pair(1, kOnce), Pair(2, kOnce)));
}

TEST(DryTest, ARepetitionReachesBackToTheLastBreakerAtMost) {
  DryOptions options{.multiplier = kOnce, .base = 2.0f, .breakers = {9}};
  EXPECT_THAT(penalties(options, {1, 9, 3, 4, 7, 1, 9, 3, 4}), ElementsAre(Pair(7, kOnce)));
  EXPECT_THAT(penalties(options, {1, 9, 4, 7, 1, 9, 4}), IsEmpty()) << "one token is allowed";
  EXPECT_THAT(penalties(options, {3, 4, 9, 7, 3, 4}), IsEmpty()) << "a breaker loses nothing";
}

TEST(DryTest, WhatLiesBeforeTheWindowIsForgotten) {
  const std::vector<TokenId> text = {1, 2, 7, 3, 1, 2};
  EXPECT_THAT(penalties({.multiplier = kOnce, .window = 6}, text), ElementsAre(Pair(7, kOnce)));
  EXPECT_THAT(penalties({.multiplier = kOnce, .window = 5}, text), IsEmpty());
  EXPECT_THAT(penalties({.multiplier = kOnce, .window = 100}, text), ElementsAre(Pair(7, kOnce)));
}

TEST(DryTest, PenaltiesOfEndlessRepetitionsStayFinite) {
  const auto found =
      penalties({.multiplier = 1000.0f, .base = 1000.0f}, std::vector<TokenId>(5000, 1));
  ASSERT_EQ(found.size(), 1u);
  EXPECT_EQ(found[0].second, std::numeric_limits<float>::max());
}

}  // namespace
}  // namespace axle::llm
