#include "llm/compare.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <vector>

namespace axle::llm {
namespace {

std::vector<Bf16> row(const std::vector<float>& numbers) {
  std::vector<Bf16> row;
  for (const float number : numbers) row.push_back(to_bf16(number));
  return row;
}

TEST(CompareTest, EqualRowsDifferByNothing) {
  EXPECT_EQ(difference_in_ulps(row({1.0f, -2.0f, 0.0f}), row({1.0f, -2.0f, -0.0f})), 0.0);
  EXPECT_EQ(difference_in_ulps({}, {}), 0.0);
}

TEST(CompareTest, UnitsAreThoseOfTheLargestNumber) {
  // Between 4 and 8 neighbours are 1/32 apart.
  EXPECT_DOUBLE_EQ(difference_in_ulps(row({5.0f, 0.0f}), row({5.03125f, 0.0f})), 1.0);
  EXPECT_DOUBLE_EQ(difference_in_ulps(row({5.0f, 0.0f}), row({5.0f, 0.0625f})), 2.0);
  EXPECT_LT(difference_in_ulps(row({5.0f, 0.001f}), row({5.0f, 0.002f})), 0.1);
}

TEST(CompareTest, WhatIsNoNumberOrShouldBeNothingIsInfinitelyFar) {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  EXPECT_TRUE(std::isinf(difference_in_ulps(row({1.0f}), row({nan}))));
  EXPECT_TRUE(std::isinf(difference_in_ulps(row({0.0f, 0.0f}), row({0.0f, 1e-9f}))));
  EXPECT_FALSE(all_finite(row({1.0f, nan})));
  EXPECT_TRUE(all_finite(row({1.0f, 0.0f})));
}

}  // namespace
}  // namespace axle::llm
