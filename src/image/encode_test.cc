#include "image/encode.h"

#include <gtest/gtest.h>

#include <cstdlib>

#include "image/convert.h"
#include "image/decode.h"
#include "image/testing/allocation_limit.h"
#include "image/testing/files.h"

namespace axle::image {
namespace {

using namespace std::string_literals;
using testing::bytes_of;
using testing::noise_picture;

// A picture without noise: slopes and an edge.
Picture smooth_picture(int channels) {
  Picture picture = *make_picture({48, 40}, channels);
  for (int y = 0; y < picture.height; ++y) {
    for (int x = 0; x < picture.width; ++x) {
      std::uint8_t* pixel = picture.row(y).data() + x * channels;
      const int values[] = {x * 5, y * 6, x < 20 ? 40 : 200, 255 - x * 5};
      for (int c = 0; c < channels; ++c) pixel[c] = static_cast<std::uint8_t>(values[c]);
    }
  }
  return picture;
}

TEST(EncodePngTest, EveryPixelSurvivesInEveryForm) {
  for (const int channels : {1, 3, 4}) {
    const Picture picture = noise_picture({37, 23}, channels);
    for (const PngEffort effort : {PngEffort::kFast, PngEffort::kSmall}) {
      const Result<std::string> file = encode_png(picture, {.effort = effort});
      ASSERT_TRUE(file.ok()) << file.status();
      EXPECT_EQ(*decode(bytes_of(*file)), picture);
    }
  }
}

TEST(EncodePngTest, SameInputGivesTheSameBytes) {
  const Picture picture = noise_picture({37, 23}, 3);
  EXPECT_EQ(*encode_png(picture, {.parameters = "a cat"}),
            *encode_png(picture, {.parameters = "a cat"}));
}

TEST(EncodePngTest, SmallIsSmallerWhereColoursAreFewAndNeverLarger) {
  Picture stripes = *make_picture({64, 64}, 3);
  for (std::size_t i = 0; i < stripes.pixels.size(); ++i) {
    stripes.pixels[i] = static_cast<std::uint8_t>(i % 7 * 30);
  }
  EXPECT_LT(encode_png(stripes, {.effort = PngEffort::kSmall})->size(),
            encode_png(stripes, {.effort = PngEffort::kFast})->size());
  const Picture slopes = smooth_picture(3);
  EXPECT_LE(encode_png(slopes, {.effort = PngEffort::kSmall})->size(),
            encode_png(slopes, {.effort = PngEffort::kFast})->size());
}

TEST(EncodePngTest, ParametersAreLatin1WhereThatHasAllCharacters) {
  const std::string file = *encode_png(noise_picture({2, 2}, 1), {.parameters = "Käse\nSteps: 4"});
  const std::string chunk = testing::png_chunk("tEXt", "parameters\0K\xe4se\nSteps: 4"s);
  const std::size_t at = file.find(chunk);
  ASSERT_NE(at, std::string::npos);
  EXPECT_LT(at, file.find("IDAT"));
}

TEST(EncodePngTest, ParametersAreUtf8WhereLatin1LacksACharacter) {
  const std::string file = *encode_png(noise_picture({2, 2}, 1), {.parameters = "a 猫"});
  const std::string chunk = testing::png_chunk("iTXt", "parameters\0\0\0\0\0a 猫"s);
  EXPECT_NE(file.find(chunk), std::string::npos);
}

TEST(EncodePngTest, ParametersThatNoTextCanHoldAreMended) {
  const std::string_view text("a\0b\xff", 4);
  const std::string file = *encode_png(noise_picture({2, 2}, 1), {.parameters = text});
  const std::string chunk = testing::png_chunk("iTXt", "parameters\0\0\0\0\0a\ufffdb\ufffd"s);
  EXPECT_NE(file.find(chunk), std::string::npos);
}

TEST(EncodePngTest, WithoutParametersThereIsNoText) {
  const std::string file = *encode_png(noise_picture({2, 2}, 1));
  EXPECT_EQ(file.find("tEXt"), std::string::npos);
  EXPECT_EQ(file.find("iTXt"), std::string::npos);
}

TEST(EncodePngTest, WhatIsNoPictureIsRefused) {
  EXPECT_EQ(encode_png({2, 2, 3, {1}}).status().code(), Code::kInvalidArgument);
}

TEST(EncodePngTest, MissingMemoryIsTold) {
  const Picture picture = noise_picture({300, 300}, 3);
  const testing::AllocationLimit limit(50'000);
  EXPECT_EQ(encode_png(picture).status().code(), Code::kExhausted);
}

// The mean difference of the values of two pictures of one form; huge where the forms differ.
double mean_difference(const Picture& a, const Picture& b) {
  if (a.size() != b.size() || a.channels != b.channels) return 1e9;
  double sum = 0;
  for (std::size_t i = 0; i < a.pixels.size(); ++i) sum += std::abs(a.pixels[i] - b.pixels[i]);
  return sum / static_cast<double>(a.pixels.size());
}

TEST(EncodeJpegTest, PictureComesBackNearlyAsItWas) {
  for (const int channels : {1, 3}) {
    const Result<std::string> file = encode_jpeg(smooth_picture(channels), {.quality = 95});
    ASSERT_TRUE(file.ok()) << file.status();
    EXPECT_LT(mean_difference(*decode(bytes_of(*file)), smooth_picture(channels)), 1.5);
  }
}

TEST(EncodeJpegTest, QualityBuysBytes) {
  const Picture picture = noise_picture({64, 64}, 3);
  std::size_t last = 0;
  for (const int quality : {1, 50, 89, 90, 100}) {
    const std::size_t size = encode_jpeg(picture, {.quality = quality})->size();
    EXPECT_GT(size, last) << quality;
    last = size;
  }
}

TEST(EncodeJpegTest, SameInputGivesTheSameBytes) {
  const Picture picture = noise_picture({200, 200}, 3);  // More than one block of output.
  EXPECT_EQ(*encode_jpeg(picture, {.parameters = "a cat"}),
            *encode_jpeg(picture, {.parameters = "a cat"}));
}

TEST(EncodeJpegTest, ParametersAreAnExifSegmentBehindTheHeader) {
  const std::string file = *encode_jpeg(smooth_picture(3), {.parameters = "a"});
  // SOI, the JFIF segment of 18 bytes, APP1: 2 bytes of length, 6 of EXIF's header, 40 up to the
  // comment, "UNICODE", one character.
  EXPECT_EQ(file.substr(20, 10),
            "\xff\xe1\0\x3a"
            "Exif\0\0"s);
  EXPECT_EQ(file.substr(70, 10), "UNICODE\0\0a"s);
}

TEST(EncodeJpegTest, WhatCannotBeAJpegIsRefused) {
  const Picture picture = smooth_picture(3);
  EXPECT_EQ(encode_jpeg({2, 2, 3, {1}}).status().code(), Code::kInvalidArgument);
  EXPECT_EQ(encode_jpeg(smooth_picture(4)).status().code(), Code::kInvalidArgument);
  EXPECT_EQ(encode_jpeg(picture, {.quality = 0}).status().code(), Code::kInvalidArgument);
  EXPECT_EQ(encode_jpeg(picture, {.quality = 101}).status().code(), Code::kInvalidArgument);
  EXPECT_EQ(encode_jpeg(noise_picture({kMaxJpegSide + 1, 1}, 1)).status().code(),
            Code::kInvalidArgument);
  EXPECT_TRUE(encode_jpeg(noise_picture({kMaxJpegSide, 1}, 1)).ok());
  EXPECT_TRUE(encode_jpeg(picture, {.parameters = std::string(32739, 'x')}).ok());
  EXPECT_EQ(encode_jpeg(picture, {.parameters = std::string(32740, 'x')}).status().code(),
            Code::kInvalidArgument);
}

TEST(EncodeJpegTest, MissingMemoryIsTold) {
  const Picture picture = noise_picture({300, 300}, 3);
  const testing::AllocationLimit limit(20'000);
  EXPECT_EQ(encode_jpeg(picture).status().code(), Code::kExhausted);
}

TEST(EncodeWebpTest, LossyPictureComesBackNearlyAsItWas) {
  for (const int channels : {3, 4}) {
    const Result<std::string> file = encode_webp(smooth_picture(channels), {.quality = 95});
    ASSERT_TRUE(file.ok()) << file.status();
    EXPECT_LT(mean_difference(*decode(bytes_of(*file)), smooth_picture(channels)), 3.0);
  }
}

TEST(EncodeWebpTest, LosslessKeepsEveryPixel) {
  for (const int channels : {3, 4}) {
    const Picture picture = noise_picture({37, 23}, channels);
    const Result<std::string> file = encode_webp(picture, {.form = WebpForm::kLossless});
    ASSERT_TRUE(file.ok()) << file.status();
    EXPECT_EQ(*decode(bytes_of(*file)), picture);
  }
  const std::string grey = *encode_webp(noise_picture({5, 4}, 1), {.form = WebpForm::kLossless});
  EXPECT_EQ(*decode(bytes_of(grey)), *to_rgb(noise_picture({5, 4}, 1)));
}

TEST(EncodeWebpTest, SameInputGivesTheSameBytesAndQualityBuysMore) {
  const Picture picture = noise_picture({64, 64}, 3);
  EXPECT_EQ(*encode_webp(picture, {.parameters = "a cat"}),
            *encode_webp(picture, {.parameters = "a cat"}));
  EXPECT_LT(encode_webp(picture, {.quality = 10})->size(), encode_webp(picture)->size());
}

TEST(EncodeWebpTest, ParametersChangeNoPixel) {
  const Picture picture = smooth_picture(4);
  for (const WebpForm form : {WebpForm::kLossy, WebpForm::kLossless}) {
    const std::string plain = *encode_webp(picture, {.form = form});
    const std::string with = *encode_webp(picture, {.form = form, .parameters = "a 猫"});
    EXPECT_EQ(*decode(bytes_of(plain)), *decode(bytes_of(with)));
    EXPECT_NE(with.find("EXIF\x36\0\0\0MM\0*"s), std::string::npos);
  }
}

TEST(EncodeWebpTest, WhatCannotBeAWebpIsRefused) {
  const Picture picture = smooth_picture(3);
  EXPECT_EQ(encode_webp({2, 2, 3, {1}}).status().code(), Code::kInvalidArgument);
  EXPECT_EQ(encode_webp(picture, {.quality = 0}).status().code(), Code::kInvalidArgument);
  EXPECT_EQ(encode_webp(picture, {.quality = 101}).status().code(), Code::kInvalidArgument);
  EXPECT_EQ(encode_webp(noise_picture({kMaxWebpSide + 1, 1}, 1)).status().code(),
            Code::kInvalidArgument);
  EXPECT_TRUE(encode_webp(noise_picture({kMaxWebpSide, 1}, 1)).ok());
}

TEST(EncodeWebpTest, MissingMemoryIsTold) {
  const Picture picture = noise_picture({300, 300}, 3);
  const testing::AllocationLimit limit(20'000);
  EXPECT_EQ(encode_webp(picture).status().code(), Code::kExhausted);
}

}  // namespace
}  // namespace axle::image
