#include "api/automatic1111/extras.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/json.hpp>
#include <span>

#include "base/base64.h"
#include "image/decode.h"
#include "image/encode.h"
#include "image/metadata.h"
#include "image/resize.h"

namespace axle::api::automatic1111 {
namespace {

namespace json = boost::json;
using ::testing::HasSubstr;
using ::testing::SizeIs;
using ::testing::StartsWith;

image::Picture ramp(image::Size size) {
  image::Picture picture = *image::make_picture(size, 3);
  for (std::size_t i = 0; i < picture.pixels.size(); ++i)
    picture.pixels[i] = static_cast<std::uint8_t>(i * 7);
  return picture;
}

std::string text_of(const image::Picture& picture, std::string_view parameters = {}) {
  return encode_base64(*image::encode_png(picture, {image::PngEffort::kFast, parameters}));
}

std::string file_of(const json::value& text) {
  return *decode_base64({text.get_string().data(), text.get_string().size()});
}

json::value single(const std::string& fields) {
  const Result<std::string> answer = extra_single_json(
      R"({"image":")" + text_of(ramp({16, 24}), "cat\nSteps: 4, Sampler: LCM, Seed: 1") + "\"," +
          fields + "}",
      {}, pictures::Form::kPng);
  EXPECT_TRUE(answer.ok()) << answer.status();
  return answer.ok() ? json::parse(*answer) : json::value();
}

TEST(UpscaleTest, ByAFactorItIsWhatTheFilterGivesInMultiplesOfEight) {
  const image::Picture picture = ramp({16, 24});
  EXPECT_EQ(*upscale(picture, {.upscaler = Upscaler::kLanczos, .factor = 2}),
            *image::resize(picture, {32, 48}, image::Filter::kLanczos));
  EXPECT_EQ(*upscale(picture, {.upscaler = Upscaler::kNearest, .factor = 1.3}),
            *image::resize(picture, {16, 24}, image::Filter::kNearest));
  EXPECT_EQ(*upscale(picture, {}), picture) << "None leaves it as it is.";
}

TEST(UpscaleTest, ToASizeItCoversItAndTheRestIsCutOff) {
  const image::Picture picture = ramp({16, 24});
  const Upscaling whole{
      .upscaler = Upscaler::kNearest, .to_size = true, .size = {32, 32}, .crop = false};
  EXPECT_EQ(upscale(picture, whole)->size(), (image::Size{32, 48}));
  Upscaling cut = whole;
  cut.crop = true;
  const image::Picture middle = *upscale(picture, cut);
  EXPECT_EQ(middle.size(), (image::Size{32, 32}));
  EXPECT_EQ(middle.pixels[0], upscale(picture, whole)->row(8)[0]);
}

TEST(UpscaleTest, TheLongestSideIsBounded) {
  const image::Picture wide = ramp({1024, 8});
  EXPECT_EQ(upscale(wide, {.upscaler = Upscaler::kNearest, .factor = 8})->size(),
            (image::Size{4096, 32}));
}

TEST(UpscaleTest, WhatIsNoPictureIsRefused) {
  EXPECT_EQ(upscale({}, {.upscaler = Upscaler::kLanczos}).status().code(), Code::kInvalidArgument);
}

TEST(ExtrasTest, APictureComesBackLargerWithItsText) {
  const json::value answer = single(R"("upscaler_1":"Lanczos","upscaling_resize":2)");
  const std::string file = file_of(answer.at("image"));
  EXPECT_EQ(image::decode(std::as_bytes(std::span(file)))->size(), (image::Size{32, 48}));
  EXPECT_EQ(image::read_metadata(std::as_bytes(std::span(file)))->parameters,
            "cat\nSteps: 4, Sampler: LCM, Seed: 1, Postprocess upscale by: 2, Postprocess "
            "upscaler: Lanczos");
  EXPECT_THAT(answer.at("html_info").get_string().c_str(), HasSubstr("upscaler: Lanczos"));
  EXPECT_EQ(answer.at("notes"), json::array());
}

TEST(ExtrasTest, WhatIsNotThereIsReplacedAndNoted) {
  const json::value answer = single(
      R"("upscaler_1":"R-ESRGAN 4x+","upscaler_2":"ScuNET","extras_upscaler_2_visibility":0.5,
         "gfpgan_visibility":1,"upscaling_resize":99,"resize_mode":0)");
  EXPECT_EQ(answer.at("notes").get_array().size(), 4u) << answer.at("notes");
  EXPECT_THAT(answer.at("html_info").get_string().c_str(), HasSubstr("by: 8"));
}

TEST(ExtrasTest, ABatchGivesAsManyPictures) {
  const std::string one = text_of(ramp({8, 8}));
  const auto batch = [](const std::string& list) {
    return json::parse(
        *extra_batch_json(R"({"imageList":[)" + list + "]}", {}, pictures::Form::kJpeg));
  };
  const json::value answer =
      batch(R"({"data":")" + one + R"(","name":"a.png"},{"data":")" + one + R"("})");
  EXPECT_THAT(answer.at("images").get_array(), SizeIs(2));
  EXPECT_THAT(file_of(answer.at("images").at(0)), StartsWith("\xff\xd8"));
  std::string many = "\"" + one + "\"";
  for (int i = 1; i < 65; ++i) many += ",\"" + one + "\"";
  EXPECT_THAT(batch(many).at("images").get_array(), SizeIs(64));
  EXPECT_THAT(batch(many).at("notes").get_array(), SizeIs(1));
}

TEST(ExtrasTest, BrokenRequestsAreRefused) {
  const auto refused = [](const char* body) {
    return extra_single_json(body, {}, pictures::Form::kPng).status();
  };
  EXPECT_EQ(refused("[").code(), Code::kInvalidArgument);
  EXPECT_EQ(refused("{}"), corrupt("Invalid encoded image"));
  EXPECT_EQ(refused(R"({"image":"*"})"), corrupt("Invalid encoded image"));
  EXPECT_EQ(refused(R"({"image":"QUJD"})").code(), Code::kCorrupt);
  EXPECT_EQ(refused(R"({"image":"http://a"})").code(), Code::kUnsupported);
  EXPECT_EQ(extra_batch_json(R"({"imageList":[1]})", {}, pictures::Form::kPng).status().code(),
            Code::kCorrupt);
}

TEST(PngInfoAnswerTest, TellsWhatAFileSaysAndNothingOfNothing) {
  const std::string text = text_of(ramp({8, 8}), "cat\nSteps: 4, Sampler: LCM, Seed: 1");
  const json::value answer = json::parse(*png_info_answer(R"({"image":")" + text + "\"}", {}));
  EXPECT_THAT(answer.at("info").get_string().c_str(), StartsWith("cat\n"));
  EXPECT_EQ(answer.at("parameters").at("Seed"), "1");
  EXPECT_EQ(json::parse(*png_info_answer(R"({"image":" "})", {})).at("info"), "");
  EXPECT_EQ(png_info_answer("[", {}).status().code(), Code::kInvalidArgument);
  EXPECT_EQ(png_info_answer(R"({"image":"QUJD"})", {}).status().code(), Code::kCorrupt);
}

}  // namespace
}  // namespace axle::api::automatic1111
