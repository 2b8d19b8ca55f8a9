#include "base/status.h"

#include <gtest/gtest.h>

#include <memory>

#include "base/result.h"

namespace axle {
namespace {

Result<int> half(int value) {
  if (value % 2 != 0) return invalid_argument("odd");
  return value / 2;
}

Result<int> quarter(int value) {
  AXLE_TRY_ASSIGN(const int once, half(value));
  AXLE_TRY_ASSIGN(const int twice, half(once));
  return twice;
}

TEST(StatusTest, DefaultIsSuccessWithoutText) {
  const Status status;
  EXPECT_TRUE(status.ok());
  EXPECT_EQ(status.to_string(), "ok");
  EXPECT_EQ(status.with_context("loading"), Status());
}

TEST(StatusTest, VendorCodeSurvivesContextAndIsPrintedInHex) {
  const Status status =
      card_lost("no answer", static_cast<std::int32_t>(0x8030040c)).with_context("execute");
  EXPECT_EQ(status.to_string(), "card_lost: execute: no answer (0x8030040c)");
}

TEST(ResultTest, TryPassesTheFirstFailureOn) {
  EXPECT_EQ(*quarter(8), 2);
  EXPECT_EQ(quarter(6).status(), invalid_argument("odd"));
}

TEST(ResultTest, CarriesMoveOnlyValues) {
  Result<std::unique_ptr<int>> result = std::make_unique<int>(7);
  const std::unique_ptr<int> value = *std::move(result);
  EXPECT_EQ(*value, 7);
}

}  // namespace
}  // namespace axle
