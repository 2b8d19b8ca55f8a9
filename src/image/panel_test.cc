#include "image/panel.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdlib>
#include <limits>

#include "image/testing/allocation_limit.h"
#include "image/testing/files.h"

namespace axle::image {
namespace {

using namespace std::string_literals;
using testing::noise_picture;

const Picture kGreys{10, 2, 1, {0,   255, 100, 200, 127, 128, 42, 43,  212, 213,  //
                                255, 0,   255, 0,   255, 0,   85, 170, 255, 0}};
const Picture kColours{2, 1, 3, {255, 0, 0, 16, 130, 255}};

Picture even_picture(Size size, int channels, std::uint8_t value) {
  Picture picture = *make_picture(size, channels);
  std::fill(picture.pixels.begin(), picture.pixels.end(), value);
  return picture;
}

// Of kMono: the share of pixels that are white.
double share_of_white(const std::string& bytes, Size size) {
  int white = 0;
  for (const char byte : bytes) white += std::popcount(static_cast<unsigned char>(byte));
  return static_cast<double>(white) / (size.width * size.height);
}

TEST(PanelTest, RgbIsThePixelsThemselves) {
  EXPECT_EQ(*to_panel(kColours, {.format = PanelFormat::kRgb888}), "\xff\0\0\x10\x82\xff"s);
  EXPECT_EQ(to_panel(kGreys, {.format = PanelFormat::kRgb888})->substr(3, 3), "\xff\xff\xff");
}

TEST(PanelTest, Rgb565HasItsHighByteFirst) {
  // 16 is level 2 of 31, 130 level 32 of 63.
  EXPECT_EQ(*to_panel(kColours, {.format = PanelFormat::kRgb565BigEndian}), "\xf8\0\x14\x1f"s);
}

TEST(PanelTest, MonoHasItsLeftmostPixelInTheHighestBitAndWholeBytesForEachRow) {
  EXPECT_EQ(*to_panel(kGreys, {.format = PanelFormat::kMono}), "\x54\xc0\xa9\x80"s);
}

TEST(PanelTest, GreysAreTheNearestLevels) {
  EXPECT_EQ(*to_panel(kGreys, {.format = PanelFormat::kGrey4}), "\x36\x61\xb0\xcc\xc6\xc0"s);
  EXPECT_EQ(*to_panel(kGreys, {.format = PanelFormat::kGrey16}),
            "\x0f\x6c\x78\x23\xcd\xf0\xf0\xf0\x5a\xf0"s);
}

TEST(PanelTest, BytesAreAsManyAsAreTold) {
  for (const PanelFormat format : {PanelFormat::kRgb888, PanelFormat::kRgb565BigEndian,
                                   PanelFormat::kMono, PanelFormat::kGrey4, PanelFormat::kGrey16}) {
    for (const int width : {1, 7, 8, 9}) {
      const Picture picture = noise_picture({width, 3}, 3);
      EXPECT_EQ(to_panel(picture, {.format = format})->size(), panel_bytes(picture.size(), format));
    }
  }
  EXPECT_EQ(panel_bytes({240, 240}, PanelFormat::kRgb565BigEndian), 115200u);
}

TEST(PanelTest, GammaAboveOneBrightensAndKeepsBlackAndWhite) {
  const Picture picture{3, 1, 1, {0, 64, 255}};
  const std::string bytes = *to_panel(picture, {.format = PanelFormat::kRgb888, .gamma = 1.8});
  const auto middle = static_cast<unsigned char>(std::lround(255 * std::pow(64 / 255.0, 1 / 1.8)));
  EXPECT_EQ(bytes[0], 0);
  EXPECT_EQ(static_cast<unsigned char>(bytes[3]), middle);
  EXPECT_GT(middle, 64);
  EXPECT_EQ(bytes[6], '\xff');
}

TEST(PanelTest, InversionTurnsLightIntoDarkAndLeavesThePaddingAlone) {
  EXPECT_EQ(*to_panel(kGreys, {.format = PanelFormat::kMono, .inverted = true}), "\xab\0\x56\x40"s);
}

TEST(PanelTest, DitheringKeepsTheBrightnessOfAnEvenPicture) {
  constexpr Size kSize{64, 64};
  for (const Dither dither : {Dither::kFloydSteinberg, Dither::kBayer8}) {
    for (const int value : {0, 20, 64, 127, 200, 255}) {
      const Picture picture = even_picture(kSize, 1, static_cast<std::uint8_t>(value));
      const std::string bytes =
          *to_panel(picture, {.format = PanelFormat::kMono, .dither = dither});
      EXPECT_NEAR(share_of_white(bytes, kSize), value / 255.0, 0.012) << value;
    }
  }
}

TEST(PanelTest, DitheringLeavesExactLevelsAlone) {
  for (const Dither dither : {Dither::kFloydSteinberg, Dither::kBayer8}) {
    const Picture picture = even_picture({9, 9}, 1, 170);  // Level 2 of 3.
    EXPECT_EQ(*to_panel(picture, {.format = PanelFormat::kGrey4, .dither = dither}),
              *to_panel(picture, {.format = PanelFormat::kGrey4}));
  }
}

TEST(PanelTest, BayerPatternIsThatOfItsAuthor) {
  // A row of the 8 x 8 pattern is 0 32 8 40 2 34 10 42: at 16 of 64 the first, third, fifth and
  // seventh are white; the next row is 48 16 56 24 50 18 58 26.
  const Picture picture = even_picture({8, 2}, 1, 64);
  EXPECT_EQ(*to_panel(picture, {.format = PanelFormat::kMono, .dither = Dither::kBayer8}),
            "\xaa\0"s);
}

TEST(PanelTest, ErrorsAreGivenToTheNeighbours) {
  // 128 becomes white and leaves -127; 7/16 of that go to the right, 5/16 down.
  const Picture picture{2, 2, 1, {128, 128, 128, 128}};
  EXPECT_EQ(*to_panel(picture, {.format = PanelFormat::kMono, .dither = Dither::kFloydSteinberg}),
            "\x80\x40"s);
}

TEST(PanelTest, DitheredColourIsNearerOnAverage) {
  const Picture picture = even_picture({64, 64}, 3, 100);
  const auto mean_red = [&](Dither dither) {
    const std::string bytes =
        *to_panel(picture, {.format = PanelFormat::kRgb565BigEndian, .dither = dither});
    double sum = 0;
    for (std::size_t i = 0; i < bytes.size(); i += 2) {
      sum += static_cast<unsigned char>(bytes[i]) >> 3;
    }
    return sum / 4096 * 255 / 31;
  };
  EXPECT_GT(std::abs(mean_red(Dither::kNone) - 100), 1.2);
  EXPECT_LT(std::abs(mean_red(Dither::kFloydSteinberg) - 100), 0.1);
  EXPECT_LT(std::abs(mean_red(Dither::kBayer8) - 100), 0.2);
}

TEST(PanelTest, WhatNoDisplayShowsIsRefused) {
  EXPECT_EQ(to_panel({2, 2, 3, {1}}, {}).status().code(), Code::kInvalidArgument);
  EXPECT_EQ(to_panel(noise_picture({2, 2}, 4), {}).status().code(), Code::kInvalidArgument);
  for (const double gamma : {0.0, -1.0, 10.1, std::numeric_limits<double>::quiet_NaN()}) {
    EXPECT_EQ(to_panel(kGreys, {.gamma = gamma}).status().code(), Code::kInvalidArgument);
  }
}

TEST(PanelTest, MissingMemoryIsTold) {
  const Picture picture = noise_picture({500, 500}, 1);
  const testing::AllocationLimit limit(300'000);  // Grey fits, three bytes a pixel do not.
  EXPECT_TRUE(to_panel(picture, {.format = PanelFormat::kMono}).ok());
  EXPECT_EQ(to_panel(picture, {}).status().code(), Code::kExhausted);
}

}  // namespace
}  // namespace axle::image
