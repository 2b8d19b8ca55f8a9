#include "image/encode.h"

#include <gtest/gtest.h>

#include "image/decode.h"
#include "image/testing/allocation_limit.h"
#include "image/testing/files.h"

namespace axle::image {
namespace {

using namespace std::string_literals;
using testing::bytes_of;
using testing::noise_picture;

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

TEST(EncodePngTest, SmallIsSmallerThanFast) {
  Picture stripes = *make_picture({64, 64}, 3);
  for (std::size_t i = 0; i < stripes.pixels.size(); ++i) {
    stripes.pixels[i] = static_cast<std::uint8_t>(i % 7 * 30);
  }
  EXPECT_LT(encode_png(stripes, {.effort = PngEffort::kSmall})->size(),
            encode_png(stripes, {.effort = PngEffort::kFast})->size());
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

}  // namespace
}  // namespace axle::image
