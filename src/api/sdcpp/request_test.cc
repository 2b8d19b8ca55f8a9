#include "api/sdcpp/request.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "base/base64.h"
#include "image/encode.h"
#include "pictures/testing/tiny_model.h"

namespace axle::api::sdcpp {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

std::string picture_base64(int width, int height, int channels = 3) {
  return encode_base64(*image::encode_png(*image::make_picture({width, height}, channels)));
}

std::string refusal(const std::string& body) {
  const Status status = parse_request(body, {}).status();
  EXPECT_EQ(status.code(), Code::kInvalidArgument) << body;
  return status.message();
}

TEST(SdcppRequestTest, EveryFieldIsRead) {
  const auto request = parse_request(
      R"({"prompt":"a cat","negative_prompt":"dogs","width":512,"height":768,"strength":0.5,"seed":42,
          "batch_count":3,"embed_image_metadata":false,"clip_skip":-1,"lora":[],"hires":{"enabled":false},
          "init_image":null,"ref_images":[],"output_format":"webp","output_compression":70,
          "sample_params":{"scheduler":"discrete","sample_method":"euler_a","sample_steps":28,
                           "guidance":{"txt_cfg":7.0,"slg":{"layers":[7]}}},"priority":2,"replace_key":"k"})",
      {});
  ASSERT_TRUE(request.ok()) << request.status();
  EXPECT_EQ(request->prompt, "a cat");
  EXPECT_EQ(request->negative_prompt, "dogs");
  EXPECT_EQ(request->width, 512);
  EXPECT_EQ(request->height, 768);
  EXPECT_EQ(request->strength, 0.5);
  EXPECT_EQ(request->seed, 42);
  EXPECT_EQ(request->count, 3);
  EXPECT_FALSE(request->text);
  EXPECT_EQ(request->output.form, pictures::Form::kWebp);
  EXPECT_EQ(request->output.quality, 70);
  EXPECT_EQ(request->steps, 28);
  EXPECT_EQ(request->guidance, 7.0);
  EXPECT_EQ(request->priority, 2);
  EXPECT_EQ(request->replace_key, "k");
}

TEST(SdcppRequestTest, WhatCannotBeIsNamed) {
  EXPECT_THAT(refusal("[]"), HasSubstr("a JSON object"));
  EXPECT_THAT(refusal("{"), HasSubstr("a JSON object"));
  EXPECT_THAT(refusal(R"({"prompt":1})"), HasSubstr("'prompt': wanted a text, found 1"));
  EXPECT_THAT(refusal(R"({"width":0})"), HasSubstr("'width'"));
  EXPECT_THAT(refusal(R"({"width":512.5})"), HasSubstr("found 5.125E2"));
  EXPECT_THAT(refusal(R"({"strength":2})"), HasSubstr("'strength': wanted a number from 0 to 1"));
  EXPECT_THAT(refusal(R"({"batch_count":17})"), HasSubstr("from 1 to 16"));
  EXPECT_THAT(refusal(R"({"sample_params":[]})"), HasSubstr("'sample_params': wanted an object"));
  EXPECT_THAT(refusal(R"({"sample_params":{"guidance":{"txt_cfg":"much"}}})"),
              HasSubstr("'txt_cfg'"));
  EXPECT_THAT(refusal(R"({"output_format":"bmp"})"), HasSubstr("one of png, jpeg"));
  EXPECT_THAT(refusal(R"({"embed_image_metadata":1})"), HasSubstr("true or false"));
  EXPECT_THAT(refusal(R"({"init_image":"?"})"), HasSubstr("'init_image'"));
  EXPECT_THAT(refusal(R"({"mask_image":")" + picture_base64(1, 1) + R"("})"),
              HasSubstr("only together"));
}

class SdcppPlanTest : public ::testing::Test {
 protected:
  Plan plan(const std::string& body) {
    const auto request = parse_request(body, {});
    EXPECT_TRUE(request.ok()) << request.status();
    const auto made = make_plan(*request, *tiny_.served(), {}, 99);
    EXPECT_TRUE(made.ok()) << made.status();
    return made.ok() ? *made : Plan{};
  }
  pictures::testing::TinyModel tiny_;
};

TEST_F(SdcppPlanTest, TheNearestOfWhatTheModelHasIsDoneAndTold) {
  const Plan made = plan(
      R"({"prompt":"cat","width":512,"height":512,"negative_prompt":"dog",
          "sample_params":{"sample_steps":28,"guidance":{"txt_cfg":7.0}}})");
  EXPECT_EQ(made.order.width, 64);
  EXPECT_EQ(made.order.steps, 4);
  EXPECT_EQ(made.order.guidance, 2.0);
  EXPECT_EQ(made.order.seed, 99u);
  EXPECT_THAT(made.notes, ElementsAre(HasSubstr("size: 512x512 asked, 64x64 done"),
                                      HasSubstr("sample_steps: 28 asked, 4 done"),
                                      HasSubstr("txt_cfg: 7 asked, 2 done")));
}

TEST_F(SdcppPlanTest, WhatIsNotAskedForIsNotNoted) {
  const Plan made = plan(R"({"prompt":"cat","seed":7})");
  EXPECT_THAT(made.notes, IsEmpty());
  EXPECT_EQ(made.order.width, 64);
  EXPECT_EQ(made.order.steps, 4);
  EXPECT_EQ(made.order.seed, 7u);
}

TEST_F(SdcppPlanTest, PictureAndMaskAreMadeToFit) {
  const Plan made =
      plan(R"({"prompt":"cat","strength":0.6,"init_image":")" + picture_base64(100, 50) +
           R"(","mask_image":")" + picture_base64(10, 10, 1) + R"("})");
  EXPECT_EQ(made.order.image->size(), (image::Size{64, 64}));
  EXPECT_EQ(made.order.mask->channels, 1);
  EXPECT_EQ(made.order.keep->channels, 4);
  EXPECT_EQ(made.order.strength, 0.5);
  EXPECT_THAT(made.notes, ElementsAre(HasSubstr("strength: 0.6 asked, 0.5 done")));
}

TEST_F(SdcppPlanTest, PicturesThatCannotBeReadAreRefused) {
  Request request;
  request.image = "no picture";
  EXPECT_EQ(make_plan(request, *tiny_.served(), {}, 0).status().code(), Code::kInvalidArgument);
}

TEST_F(SdcppPlanTest, AModelThatBeginsWithNoPictureSaysSo) {
  const pictures::testing::TinyModel blind({.square = false, .wide = false});
  Request request;
  request.image = "x";
  EXPECT_EQ(make_plan(request, *blind.served(), {}, 0).status().code(), Code::kUnsupported);
}

}  // namespace
}  // namespace axle::api::sdcpp
