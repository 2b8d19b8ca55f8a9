#include "pictures/source.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <string>
#include <vector>

#include "base/base64.h"
#include "image/encode.h"

namespace axle::pictures {
namespace {

using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

// Pixels of one channel, given row by row.
image::Picture grey(int width, const std::vector<std::uint8_t>& pixels) {
  return {width, static_cast<int>(pixels.size()) / width, 1, pixels};
}

// RGBA, white, with these alphas.
image::Picture with_alpha(int width, const std::vector<std::uint8_t>& alphas) {
  image::Picture made{width, static_cast<int>(alphas.size()) / width, 4, {}};
  for (const std::uint8_t alpha : alphas)
    made.pixels.insert(made.pixels.end(), {255, 255, 255, alpha});
  return made;
}

TEST(SourceTest, APictureComesAsBase64AsADataUriOrFromAnAddress) {
  const std::string file = *image::encode_png(grey(2, {0, 255}));
  SourceRules rules;
  rules.fetch = [&file](const std::string& url) -> Result<std::string> {
    if (url == "https://example.org/a.png") return file;
    return not_found("no " + url);
  };
  const std::string text = encode_base64(file);
  EXPECT_EQ(*source_file(text, rules), file);
  EXPECT_EQ(*source_file("data:image/png;base64," + text, rules), file);
  EXPECT_EQ(*source_file("https://example.org/a.png", rules), file);
  EXPECT_EQ(source_file("http://example.org/b.png", rules).status().code(), Code::kNotFound);
  EXPECT_EQ(source_file("???", rules).status().code(), Code::kInvalidArgument);
  const auto picture = source_picture(file, rules);
  ASSERT_TRUE(picture.ok());
  EXPECT_THAT(picture->pixels, ElementsAre(0, 0, 0, 255, 255, 255));
}

TEST(SourceTest, AddressesAreRefusedWhereNoneMayBeFetched) {
  const Status status = source_file("http://example.org/a.png", {}).status();
  EXPECT_EQ(status.code(), Code::kUnsupported);
  EXPECT_THAT(status.message(), HasSubstr("pictures.fetch"));
}

TEST(SourceTest, WhatIsNoPictureIsRefused) {
  EXPECT_EQ(source_picture("no picture", {}).status().code(), Code::kInvalidArgument);
}

TEST(FitSourceTest, ThePictureIsMadeToFitInFourWays) {
  const image::Picture wide = grey(4, {10, 20, 30, 40, 10, 20, 30, 40});
  const auto row = [&](SourceFit fit) {
    const image::Picture fitted = *fit_source(wide, {2, 2}, fit);
    EXPECT_EQ(fitted.channels, 3);
    return std::vector<int>{fitted.pixels[0], fitted.pixels[3], fitted.pixels[6], fitted.pixels[9]};
  };

  const auto stretched = row(SourceFit::kStretch);
  EXPECT_LT(stretched[0], stretched[1]);
  EXPECT_EQ(stretched[0], stretched[2]);
  EXPECT_THAT(row(SourceFit::kCrop), ElementsAre(20, 30, 20, 30));
  const auto filled = row(SourceFit::kFillEdges);
  EXPECT_EQ(filled[0], filled[2]);
  const image::Picture padded =
      *fit_source(grey(4, {90, 90, 90, 90}), {4, 3}, SourceFit::kPadBlack);
  EXPECT_EQ(padded.pixels[0], 0);
  EXPECT_EQ(padded.pixels[12], 90);
}

TEST(FitSourceTest, AlphaLiesOverWhite) {
  image::Picture clear = with_alpha(1, {0});
  clear.pixels[0] = 7;
  EXPECT_THAT(fit_source(clear, {1, 1}, SourceFit::kStretch)->pixels, Each(255));
}

TEST(FitSourceTest, ASizeThatIsNoneIsRefused) {
  EXPECT_EQ(fit_source(grey(1, {0}), {0, 4}, SourceFit::kStretch).status().code(),
            Code::kInvalidArgument);
}

TEST(MaskTest, WhiteIsPaintedAnewUnlessItIsInverted) {
  EXPECT_THAT(fit_mask(grey(2, {0, 255}), {2, 1}, {})->pixels, ElementsAre(0, 255));
  EXPECT_THAT(fit_mask(grey(2, {0, 255}), {2, 1}, {.inverted = true})->pixels, ElementsAre(255, 0));
}

TEST(MaskTest, WhereItHasAlphaWhatIsTransparentIsPaintedAnew) {
  EXPECT_THAT(fit_mask(with_alpha(2, {255, 0}), {2, 1}, {})->pixels, ElementsAre(0, 255));
  EXPECT_THAT(fit_mask(with_alpha(2, {255, 255}), {2, 1}, {})->pixels, Each(255));
}

TEST(MaskTest, ForA1111WhatIsOpaqueIsPaintedAnew) {
  const MaskRules rules{.alpha = MaskAlpha::kOpaqueIsPainted};
  EXPECT_THAT(fit_mask(with_alpha(2, {255, 0}), {2, 1}, rules)->pixels, ElementsAre(255, 0));
}

TEST(MaskTest, BlurSoftensItsEdgeAndKeepsItsSum) {
  std::vector<std::uint8_t> half(16, 0);
  std::fill(half.begin() + 8, half.end(), 255);
  const auto soft = fit_mask(grey(16, half), {16, 1}, {.blur_x = 2.0})->pixels;
  EXPECT_EQ(soft.front(), 0);
  EXPECT_EQ(soft.back(), 255);
  EXPECT_TRUE(std::ranges::is_sorted(soft));
  for (std::size_t i = 0; i < 8; ++i) EXPECT_LE(std::abs(soft[i] + soft[15 - i] - 255), 1);
  EXPECT_EQ(fit_mask(grey(16, half), {16, 1}, {.blur_y = 2.0})->pixels, half);
}

TEST(MaskTest, ABlurThatIsOutOfRangeIsRefused) {
  EXPECT_EQ(fit_mask(grey(1, {0}), {1, 1}, {.blur_x = -1.0}).status().code(),
            Code::kInvalidArgument);
}

TEST(KeptPartTest, IsThePictureWhereTheMaskIsDark) {
  const image::Picture picture{2, 1, 3, {1, 2, 3, 4, 5, 6}};
  EXPECT_THAT(kept_part(picture, grey(2, {0, 255}))->pixels, ElementsAre(1, 2, 3, 255, 4, 5, 6, 0));
  EXPECT_EQ(kept_part(picture, grey(1, {0})).status().code(), Code::kInvalidArgument);
}

}  // namespace
}  // namespace axle::pictures
