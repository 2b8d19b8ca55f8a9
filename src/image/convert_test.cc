#include "image/convert.h"

#include <gtest/gtest.h>

#include "image/testing/allocation_limit.h"

namespace axle::image {
namespace {

const Picture kGrey{2, 1, 1, {7, 200}};
const Picture kAlpha{3, 1, 4, {10, 20, 30, 255, 10, 20, 30, 0, 200, 100, 0, 51}};

TEST(ConvertTest, FlattenLetsTheBackgroundShineThroughByAlpha) {
  const Result<Picture> flat = flatten(kAlpha, {.red = 255, .green = 0, .blue = 100});
  ASSERT_TRUE(flat.ok()) << flat.status();
  // 51 of 255 is a fifth.
  EXPECT_EQ(flat->pixels, (std::vector<std::uint8_t>{10, 20, 30, 255, 0, 100, 244, 20, 80}));
  EXPECT_EQ(flat->channels, 3);
}

TEST(ConvertTest, WithoutAlphaFlatteningGivesRgb) {
  EXPECT_EQ(flatten(kGrey, {})->pixels, (std::vector<std::uint8_t>{7, 7, 7, 200, 200, 200}));
}

TEST(ConvertTest, RgbDropsAlphaAndKeepsColours) {
  EXPECT_EQ(to_rgb(kAlpha)->pixels,
            (std::vector<std::uint8_t>{10, 20, 30, 10, 20, 30, 200, 100, 0}));
  EXPECT_EQ(*to_rgb(*to_rgb(kAlpha)), *to_rgb(kAlpha));
}

TEST(ConvertTest, GreyIsThatOfPillow) {
  const Picture colours{5, 1, 3, {255, 0, 0, 0, 255, 0, 0, 0, 255, 255, 255, 255, 200, 100, 50}};
  // Image.frombytes("RGB", (5, 1), ...).convert("L"), Pillow 13.0.0.
  EXPECT_EQ(to_grey(colours)->pixels, (std::vector<std::uint8_t>{76, 150, 29, 255, 124}));
  EXPECT_EQ(*to_grey(kGrey), kGrey);
}

TEST(ConvertTest, APictureLiesOverAnotherAsItsAlphaSays) {
  Picture below{3, 1, 3, {0, 0, 0, 100, 100, 100, 50, 50, 50}};
  const Picture above{3, 1, 4, {9, 8, 7, 255, 200, 0, 100, 128, 1, 1, 1, 0}};
  EXPECT_TRUE(lay_over(above, below).ok());
  EXPECT_EQ(below.pixels, (std::vector<std::uint8_t>{9, 8, 7, 150, 50, 100, 50, 50, 50}));
  Picture narrow{1, 1, 3, {1, 2, 3}};
  EXPECT_EQ(lay_over(above, narrow).code(), Code::kInvalidArgument);
  EXPECT_EQ(lay_over(below, below).code(), Code::kInvalidArgument);
}

TEST(ConvertTest, WhatIsNoPictureIsRefused) {
  const Picture broken{2, 2, 3, {1}};
  EXPECT_EQ(flatten(broken, {}).status().code(), Code::kInvalidArgument);
  EXPECT_EQ(to_rgb(broken).status().code(), Code::kInvalidArgument);
  EXPECT_EQ(to_grey(broken).status().code(), Code::kInvalidArgument);
}

TEST(ConvertTest, MissingMemoryIsTold) {
  const Picture grey = *make_picture({1000, 1000}, 1);
  const Picture alpha = *make_picture({1000, 1000}, 4);
  const testing::AllocationLimit limit(100'000);
  EXPECT_EQ(flatten(alpha, {}).status().code(), Code::kExhausted);
  EXPECT_EQ(to_rgb(grey).status().code(), Code::kExhausted);
  EXPECT_EQ(to_grey(alpha).status().code(), Code::kExhausted);
}

}  // namespace
}  // namespace axle::image
