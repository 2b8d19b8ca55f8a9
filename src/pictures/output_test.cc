#include "pictures/output.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <span>
#include <string>

#include "image/decode.h"
#include "image/metadata.h"

namespace axle::pictures {
namespace {

using ::testing::HasSubstr;

// 8 x 4, red on its left and blue on its right half.
image::Picture picture() {
  image::Picture made = *image::make_picture({8, 4}, 3);
  for (std::size_t i = 0; i < made.pixels.size(); i += 3)
    made.pixels[i + (i / 3 % 8 < 4 ? 0 : 2)] = 255;
  return made;
}

std::string written(const Output& output) {
  const auto file = write_picture(picture(), "a cat", output);
  EXPECT_TRUE(file.ok()) << file.status();
  return file.ok() ? *file : "";
}

TEST(OutputTest, FilesCarryThePictureAndItsText) {
  for (const Form form : {Form::kPng, Form::kJpeg, Form::kWebp}) {
    const std::string file = written({.form = form});
    const auto bytes = std::as_bytes(std::span(file));
    EXPECT_EQ(image::media_type(*image::sniff(bytes)), media_type(form));
    EXPECT_EQ(image::decode(bytes)->size(), (image::Size{8, 4}));
    EXPECT_EQ(image::read_metadata(bytes)->parameters, "a cat");
  }
}

TEST(OutputTest, DisplaysGetBytesOfTheirSize) {
  EXPECT_EQ(written({.form = Form::kRgb888}).size(), 96u);
  EXPECT_EQ(written({.form = Form::kRgb565BigEndian}).substr(0, 2), "\xF8" + std::string(1, '\0'));
  EXPECT_EQ(written({.form = Form::kMono}).size(), 4u);
  EXPECT_EQ(written({.form = Form::kGrey4}).size(), 8u);
  EXPECT_EQ(written({.form = Form::kGrey16}).size(), 16u);
}

TEST(OutputTest, PicturesOfOtherProportionsAreMadeToFit) {
  const auto corner = [](Fit fit) {
    const std::string pixels =
        written({.form = Form::kRgb888, .size = image::Size{4, 4}, .fit = fit});
    return std::pair(static_cast<int>(static_cast<unsigned char>(pixels[0])),
                     static_cast<int>(static_cast<unsigned char>(pixels[2])));
  };
  EXPECT_EQ(corner(Fit::kStretch), std::pair(255, 0));
  EXPECT_EQ(corner(Fit::kPad), std::pair(0, 0));
  EXPECT_EQ(written({.form = Form::kRgb888, .size = image::Size{4, 4}, .fit = Fit::kCrop}).size(),
            48u);
}

TEST(OutputTest, APreviewIsMadeAsLargeAsItsPicture) {
  EXPECT_EQ(enlarged_preview(picture())->size(), (image::Size{64, 32}));
}

TEST(OutputTest, NamesAreFoundInAnyCase) {
  for (const char* name : {"png", "jpeg", "webp", "rgb888", "rgb565", "mono", "grey4", "grey16"})
    EXPECT_EQ(form_name(form_named(name).value()), name);
  EXPECT_EQ(form_named("JPG"), Form::kJpeg);
  EXPECT_EQ(form_named("rgb565-be"), Form::kRgb565BigEndian);
  EXPECT_EQ(form_named("image/webp"), Form::kWebp);
  EXPECT_EQ(form_named("bmp"), std::nullopt);
  EXPECT_EQ(fit_named("Pad"), Fit::kPad);
  EXPECT_EQ(fit_named("fill"), std::nullopt);
  EXPECT_EQ(dither_named("Floyd-Steinberg"), image::Dither::kFloydSteinberg);
  EXPECT_EQ(dither_named("bayer"), image::Dither::kBayer8);
  EXPECT_EQ(dither_named("none"), image::Dither::kNone);
  EXPECT_EQ(dither_named("random"), std::nullopt);
  EXPECT_EQ(form_names(), "png, jpeg, webp, rgb888, rgb565, mono, grey4, grey16");
}

TEST(OutputTest, WhatIsOutOfRangeIsNamed) {
  const auto refusal = [](const Output& output) {
    const Status status = write_picture(picture(), "", output).status();
    EXPECT_EQ(status.code(), Code::kInvalidArgument);
    return status.message();
  };
  EXPECT_THAT(refusal({.size = image::Size{0, 4}}), HasSubstr("0x4"));
  EXPECT_THAT(refusal({.size = image::Size{9000, 4}}), HasSubstr("1 to 8192"));
  EXPECT_THAT(refusal({.form = Form::kJpeg, .quality = 0}), HasSubstr("quality"));
  EXPECT_THAT(refusal({.form = Form::kMono, .gamma = 0.0}), HasSubstr("gamma"));
}

}  // namespace
}  // namespace axle::pictures
