#include "api/latest/look.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace axle::api {
namespace {

using ::testing::HasSubstr;

std::string refusal(const std::map<std::string, std::string>& query) {
  const Status status = parse_look(query, pictures::Form::kPng).status();
  EXPECT_EQ(status.code(), Code::kInvalidArgument);
  return status.message();
}

TEST(LookTest, AScreenSaysHowItWantsPictures) {
  const auto look = parse_look({{"width", "240"},
                                {"height", "135"},
                                {"fit", "pad"},
                                {"gamma", "1.8"},
                                {"dither", "bayer"},
                                {"inverted", "1"},
                                {"quality", "70"}},
                               pictures::Form::kMono);
  ASSERT_TRUE(look.ok()) << look.status();
  EXPECT_EQ(*look, (pictures::Output{pictures::Form::kMono, 70, image::Size{240, 135},
                                     pictures::Fit::kPad, image::Dither::kBayer8, 1.8, true}));
  EXPECT_EQ(*parse_look({}, pictures::Form::kPng), pictures::Output{});
}

TEST(LookTest, WhatCannotBeIsNamed) {
  EXPECT_THAT(refusal({{"width", "240"}}), HasSubstr("both or none"));
  EXPECT_THAT(refusal({{"width", "0"}, {"height", "1"}}), HasSubstr("1 to 8192, found \"0\""));
  EXPECT_THAT(refusal({{"fit", "fill"}}), HasSubstr("crop, pad or stretch"));
  EXPECT_THAT(refusal({{"quality", "high"}}), HasSubstr("found \"high\""));
  EXPECT_THAT(refusal({{"gamma", "nan"}}), HasSubstr("0.1 to 10"));
  EXPECT_THAT(refusal({{"dither", "yes"}}), HasSubstr("floyd-steinberg"));
  EXPECT_THAT(refusal({{"inverted", "2"}}), HasSubstr("inverted"));
}

}  // namespace
}  // namespace axle::api
