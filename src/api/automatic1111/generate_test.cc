#include "api/automatic1111/generate.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/json.hpp>

namespace axle::api::automatic1111 {
namespace {

namespace json = boost::json;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

Request parsed(std::string_view body) {
  Result<Request> request = parse_generate(body);
  EXPECT_TRUE(request.ok()) << body << ": " << request.status();
  return request.ok() ? *std::move(request) : Request{};
}

TEST(GenerateTest, PromptAloneIsEnough) {
  const Request request = parsed(R"({"mode":"txt2img","prompt":"a cat"})");
  EXPECT_EQ(request.task, Task::kTxt2img);
  EXPECT_EQ(request.prompt, "a cat");
  EXPECT_EQ(request.seed, -1);
  EXPECT_THAT(request.notes, IsEmpty());
}

TEST(GenerateTest, PictureAndStrengthHaveBothTheirNames) {
  for (const char* body :
       {R"({"mode":"img2img","prompt":"p","init_image":"QUJD","strength":0.25})",
        R"({"mode":"img2img","prompt":"p","init_images":["QUJD"],"denoising_strength":0.25})",
        R"({"mode":"img2img","prompt":"p","init_image":"data:image/png;base64,QUJD",
            "init_images":["REVG"],"strength":0.9,"denoising_strength":0.25})"}) {
    const Request request = parsed(body);
    EXPECT_EQ(request.task, Task::kImg2img);
    EXPECT_THAT(request.init_images, ElementsAre("ABC")) << body;
    EXPECT_EQ(request.denoising_strength, 0.25) << body;
    EXPECT_THAT(request.notes, IsEmpty());
  }
}

TEST(GenerateTest, StrengthIsHalfUnlessSaid) {
  EXPECT_EQ(parsed(R"({"mode":"img2img","init_image":"QUJD"})").denoising_strength, 0.5);
  EXPECT_EQ(parsed(R"({"mode":"img2img","init_image":"QUJD","strength":0})").denoising_strength, 0);
}

TEST(GenerateTest, ResizeModeTwoPadsWithBlack) {
  EXPECT_EQ(parsed(R"({"mode":"img2img","init_image":"QUJD"})").fit, pictures::SourceFit::kStretch);
  EXPECT_EQ(parsed(R"({"mode":"img2img","init_image":"QUJD","resize_mode":1})").fit,
            pictures::SourceFit::kCrop);
  EXPECT_EQ(parsed(R"({"mode":"img2img","init_image":"QUJD","resize_mode":2})").fit,
            pictures::SourceFit::kPadBlack);
}

TEST(GenerateTest, UnknownModeFollowsThePictureAndIsNoted) {
  EXPECT_EQ(parsed(R"({"prompt":"p"})").task, Task::kTxt2img);
  const Request request = parsed(R"({"mode":"paint","init_image":"QUJD"})");
  EXPECT_EQ(request.task, Task::kImg2img);
  EXPECT_THAT(request.notes, ElementsAre("mode: 'paint' asked, img2img done"));
}

TEST(GenerateTest, OnePictureIsPaintedAndMoreAreNoted) {
  const Request request = parsed(R"({"mode":"txt2img","batch_size":2,"n_iter":3})");
  EXPECT_EQ(request.batch_size * request.n_iter, 1);
  EXPECT_THAT(request.notes, ElementsAre("6 pictures asked, 1 done"));
}

TEST(GenerateTest, AnswerSaysWhatWasDone) {
  const json::value answer =
      json::parse(generate_json({"ABC", "", 42, 0, 2, {512, 500}}, {"one"},
                                {std::chrono::milliseconds(10), std::chrono::milliseconds(2500)}));
  EXPECT_EQ(answer, json::parse(R"({"status":"ok","base64":"QUJD","seed":42,"text_time_ms":10.0,
    "total_time_ms":2500.0,"width":512,"height":500,"steps":2,"notes":["one"]})"));
}

TEST(GenerateTest, WhatCannotBePaintedIsAnErrorOfTheRequest) {
  EXPECT_EQ(parse_generate("[").status().code(), Code::kInvalidArgument);
  EXPECT_EQ(parse_generate(R"({"mode":"img2img"})").status().code(), Code::kNotFound);
  EXPECT_EQ(parse_generate(R"({"mode":"img2img","init_image":"*"})").status().code(),
            Code::kCorrupt);
  EXPECT_EQ(parse_generate(R"({"mode":"img2img","init_image":"http://a"})").status().code(),
            Code::kUnsupported);
}

TEST(GenerateTest, ErrorsHaveAStatusAndAReason) {
  const ErrorAnswer answer = generate_error(not_found("Init image not found"));
  EXPECT_EQ(answer.http_status, 400);
  EXPECT_EQ(json::parse(answer.body),
            json::parse(R"({"status":"error","error":"Init image not found"})"));
  for (const Status& status : {invalid_argument("x"), corrupt("x"), unsupported("x")}) {
    EXPECT_EQ(generate_error(status).http_status, 400);
  }
  EXPECT_EQ(generate_error(exhausted("x")).http_status, 429);
  EXPECT_EQ(generate_error(internal("x")).http_status, 500);
  EXPECT_THAT(generate_error(internal("why")).body, HasSubstr("why"));
}

}  // namespace
}  // namespace axle::api::automatic1111
