#include "diffusion/pixels.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

namespace axle::diffusion {
namespace {

using ::testing::ElementsAre;

constexpr PictureShape kShape{.width = 16, .height = 8};

TEST(PixelsTest, BytesBecomePlanesAndComeBack) {
  std::vector<std::uint8_t> rgb(3 * kShape.pixels());
  for (std::size_t i = 0; i < rgb.size(); ++i) rgb[i] = static_cast<std::uint8_t>(i * 7);
  const std::vector<float> planes = to_planes(kShape, rgb);
  EXPECT_FLOAT_EQ(planes[1], 2.0f * 21 / 255 - 1) << "Red of the second pixel.";
  EXPECT_FLOAT_EQ(planes[kShape.pixels()], 2.0f * 7 / 255 - 1) << "Green of the first.";
  EXPECT_EQ(to_pixels(kShape, planes), rgb);
}

TEST(PixelsTest, ValuesAreRoundedHalfToEvenAndCutOff) {
  std::vector<float> planes(3 * kShape.pixels(), 0.0f);
  planes[0] = -7.0f;
  planes[1] = 7.0f;
  planes[2] = 2.0f * 0.25f / 255.0f - 1.0f;
  const std::vector<std::uint8_t> rgb = to_pixels(kShape, planes);
  EXPECT_EQ(rgb[0], 0);
  EXPECT_EQ(rgb[3], 255);
  EXPECT_EQ(rgb[6], 0);
  EXPECT_EQ(rgb[9], 128) << "127.5: the even one.";
}

TEST(PixelsTest, APreviewMixesTheFourChannels) {
  std::vector<float> latents(kShape.latents(), 0.0f);
  latents[0] = 1.0f;                        // Channel 0 of the first point,
  latents[3 * kShape.points() + 1] = 1.0f;  // channel 3 of the second.
  const PreviewFactors factors = sd1_preview_factors();
  // 127.5 * (1 + factor), the factors those of the table.
  EXPECT_THAT(preview(kShape, factors, latents), ElementsAre(165, 154, 154, 104, 93, 67));
  PreviewFactors brighter = factors;
  brighter.offset = {2.0f, 0.0f, -2.0f};
  EXPECT_THAT(preview(kShape, brighter, std::vector<float>(kShape.latents(), 0.0f)),
              ElementsAre(255, 128, 0, 255, 128, 0));
}

TEST(PixelsTest, APointIsPaintedAnewWhereMostOfItsPixelsAre) {
  std::vector<std::uint8_t> mask(kShape.pixels(), 0);
  for (std::size_t row = 0; row < 8; ++row) {
    for (std::size_t column = 0; column < 16; ++column) {
      // Five of eight columns in the first point, three in the second.
      const bool anew = column < 5 || (column >= 8 && column < 11);
      if (anew) mask[row * 16 + column] = 255;
    }
  }
  EXPECT_THAT(latent_mask(kShape, mask), ElementsAre(1.0f, 0.0f));
}

}  // namespace
}  // namespace axle::diffusion
