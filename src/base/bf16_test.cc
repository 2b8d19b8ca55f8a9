#include "base/bf16.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace axle {
namespace {

TEST(Bf16Test, EveryValueSurvivesTheRoundTrip) {
  for (std::uint32_t bits = 0; bits <= 0xffff; ++bits) {
    const Bf16 value{static_cast<std::uint16_t>(bits)};
    if (std::isnan(to_float(value))) {
      EXPECT_TRUE(std::isnan(to_float(to_bf16(to_float(value)))));
    } else {
      EXPECT_EQ(to_bf16(to_float(value)), value);
    }
  }
}

TEST(Bf16Test, RoundsToNearestWithTiesToEven) {
  EXPECT_EQ(to_bf16(1.00390625f).bits, 0x3f80);  // Halfway between 0x3f80 and 0x3f81.
  EXPECT_EQ(to_bf16(1.01171875f).bits, 0x3f82);  // Halfway between 0x3f81 and 0x3f82.
  EXPECT_EQ(to_bf16(1.004f).bits, 0x3f81);
}

TEST(Bf16Test, HiddenMaskValueIsMinus65536) { EXPECT_EQ(to_float(kBf16Hidden), -65536.0f); }

TEST(Bf16Test, NanNeverBecomesInfinity) {
  EXPECT_TRUE(std::isnan(to_float(to_bf16(std::numeric_limits<float>::signaling_NaN()))));
}

}  // namespace
}  // namespace axle
