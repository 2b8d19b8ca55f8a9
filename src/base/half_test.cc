#include "base/half.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace axle {
namespace {

TEST(HalfTest, EveryHalfComesBackFromItsFloat) {
  for (std::uint32_t bits = 0; bits <= 0xffffu; ++bits) {
    const Half value{static_cast<std::uint16_t>(bits)};
    if (std::isnan(to_float(value))) {
      EXPECT_TRUE(std::isnan(to_float(to_half(to_float(value))))) << bits;
    } else {
      EXPECT_EQ(to_half(to_float(value)), value) << bits;
    }
  }
}

TEST(HalfTest, KnownNumbersHaveTheirBits) {
  EXPECT_EQ(to_half(1.0f).bits, 0x3c00);
  EXPECT_EQ(to_half(-2.0f).bits, 0xc000);
  EXPECT_EQ(to_half(65504.0f).bits, 0x7bff);
  EXPECT_EQ(to_half(0x1p-14f).bits, 0x0400);
  EXPECT_EQ(to_half(0x1p-24f).bits, 0x0001);
  EXPECT_EQ(to_half(-0.0f).bits, 0x8000);
}

TEST(HalfTest, HalfwayGoesToTheEvenNeighbour) {
  EXPECT_EQ(to_half(1.0f + 0x1p-11f).bits, 0x3c00);
  EXPECT_EQ(to_half(1.0f + 3 * 0x1p-11f).bits, 0x3c02);
  EXPECT_EQ(to_half(1.0f + 0x1.02p-11f).bits, 0x3c01);
  EXPECT_EQ(to_half(0x1p-25f).bits, 0x0000);
  EXPECT_EQ(to_half(3 * 0x1p-25f).bits, 0x0002);
}

TEST(HalfTest, WhatIsTooLargeIsInfinite) {
  EXPECT_EQ(to_half(65519.0f).bits, 0x7bff);
  EXPECT_EQ(to_half(65520.0f).bits, 0x7c00);
  EXPECT_EQ(to_half(-std::numeric_limits<float>::infinity()).bits, 0xfc00);
  EXPECT_FALSE(is_finite(to_half(1e9f)));
  EXPECT_TRUE(is_finite(to_half(65504.0f)));
  EXPECT_EQ(to_float(Half{0x7c00}), std::numeric_limits<float>::infinity());
}

}  // namespace
}  // namespace axle
