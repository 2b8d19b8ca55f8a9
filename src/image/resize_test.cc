#include "image/resize.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "base/file.h"
#include "image/testing/allocation_limit.h"
#include "image/testing/files.h"
#include "image/testing/resize_vectors.h"

namespace axle::image {
namespace {

using testing::noise_picture;

// The SHA-256 of what `change` makes of noise with 1, 3 and 4 channels.
template <typename Change>
std::string hash_of(Size size, Change change) {
  std::vector<std::uint8_t> pixels;
  for (const int channels : {1, 3, 4}) {
    const Result<Picture> picture = change(noise_picture(size, channels));
    if (!picture.ok()) return picture.status().to_string();
    pixels.insert(pixels.end(), picture->pixels.begin(), picture->pixels.end());
  }
  return sha256_hex(std::as_bytes(std::span(pixels)));
}

TEST(ResizeTest, EveryFilterGivesThePixelsOfPillow) {
  for (const testing::ResizeVector& vector : testing::kResizeVectors) {
    const std::string hash = hash_of(vector.from, [&](const Picture& picture) {
      return resize_box(picture, vector.box, vector.to, vector.filter);
    });
    EXPECT_EQ(hash, vector.sha256)
        << "filter " << static_cast<int>(vector.filter) << ", " << vector.from.width << " x "
        << vector.from.height << " to " << vector.to.width << " x " << vector.to.height;
  }
}

TEST(ResizeTest, CoverAndContainGiveThePixelsOfPillow) {
  for (const testing::FitVector& vector : testing::kFitVectors) {
    EXPECT_EQ(hash_of(vector.from,
                      [&](const Picture& picture) {
                        return fit_cover(picture, vector.to, Filter::kLanczos);
                      }),
              vector.cover);
    EXPECT_EQ(hash_of(vector.from,
                      [&](const Picture& picture) {
                        return fit_contain(picture, vector.to, Filter::kBicubic,
                                           testing::kFitBackground);
                      }),
              vector.contain);
  }
}

TEST(ResizeTest, WholePictureIsABoxToo) {
  const Picture picture = noise_picture({9, 7}, 3);
  EXPECT_EQ(*resize(picture, {4, 4}, Filter::kLanczos),
            *resize_box(picture, {0, 0, 9, 7}, {4, 4}, Filter::kLanczos));
}

TEST(ResizeTest, ContainedPictureKeepsAtLeastOnePixel) {
  const Result<Picture> picture =
      fit_contain(noise_picture({1000, 1}, 1), {4, 4}, Filter::kBox, {.red = 9});
  ASSERT_TRUE(picture.ok()) << picture.status();
  EXPECT_EQ(picture->size(), (Size{4, 4}));
}

TEST(ResizeTest, BoxThatIsNoPartOfThePictureIsRefused) {
  const Picture picture = noise_picture({8, 8}, 1);
  const float nan = std::numeric_limits<float>::quiet_NaN();
  for (const Box& box : {Box{0, 0, 9, 8}, Box{-1, 0, 8, 8}, Box{4, 0, 4, 8}, Box{0, 5, 8, 4},
                         Box{0, 0, 8, 8.5f}, Box{nan, 0, 8, 8}, Box{0, 0, 8, nan}}) {
    EXPECT_EQ(resize_box(picture, box, {4, 4}, Filter::kBicubic).status().code(),
              Code::kInvalidArgument);
  }
}

TEST(ResizeTest, ImpossibleSizesAndPicturesAreRefused) {
  const Picture picture = noise_picture({8, 8}, 1);
  const Picture broken{2, 2, 3, {1}};
  for (const Size size : {Size{0, 4}, Size{4, -1}, Size{1 << 20, 1 << 20}}) {
    EXPECT_EQ(resize(picture, size, Filter::kBox).status().code(), Code::kInvalidArgument);
    EXPECT_EQ(fit_cover(picture, size, Filter::kBox).status().code(), Code::kInvalidArgument);
    EXPECT_EQ(fit_contain(picture, size, Filter::kBox, {}).status().code(), Code::kInvalidArgument);
  }
  EXPECT_EQ(resize(broken, {4, 4}, Filter::kBox).status().code(), Code::kInvalidArgument);
  EXPECT_EQ(fit_cover(broken, {4, 4}, Filter::kBox).status().code(), Code::kInvalidArgument);
  EXPECT_EQ(fit_contain(broken, {4, 4}, Filter::kBox, {}).status().code(), Code::kInvalidArgument);
}

TEST(ResizeTest, MissingMemoryIsTold) {
  const Picture picture = noise_picture({8, 8}, 1);
  const testing::AllocationLimit limit(1'000'000);
  for (const Filter filter : {Filter::kNearest, Filter::kBilinear}) {
    EXPECT_EQ(resize(picture, {2000, 2000}, filter).status().code(), Code::kExhausted);
    EXPECT_EQ(fit_cover(picture, {2000, 2000}, filter).status().code(), Code::kExhausted);
    EXPECT_EQ(fit_contain(picture, {2000, 2000}, filter, {}).status().code(), Code::kExhausted);
    // Here the coefficients are what is too large.
    EXPECT_EQ(resize(picture, {300'000, 1}, filter).status().code(), Code::kExhausted);
  }
}

}  // namespace
}  // namespace axle::image
