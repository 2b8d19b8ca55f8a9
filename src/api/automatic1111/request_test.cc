#include "api/automatic1111/request.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/json.hpp>

namespace axle::api::automatic1111 {
namespace {

namespace json = boost::json;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

Request parsed(Task task, std::string_view body) {
  Result<Request> request = parse_request(task, body);
  EXPECT_TRUE(request.ok()) << body << ": " << request.status();
  return request.ok() ? *std::move(request) : Request{};
}

Request txt2img(std::string_view body) { return parsed(Task::kTxt2img, body); }
Request img2img(std::string_view fields) {
  return parsed(Task::kImg2img, std::string(R"({"init_images":["QUJD"])") +
                                    (fields.empty() ? "" : ",") + std::string(fields) + "}");
}

Status refused(Task task, std::string_view body) {
  const Result<Request> request = parse_request(task, body);
  EXPECT_FALSE(request.ok()) << body;
  return request.status();
}

TEST(A1111RequestTest, EmptyRequestHasTheDefaultsOfA1111) {
  for (const char* body : {"{}", "", " \n"}) {
    const Request request = txt2img(body);
    EXPECT_EQ(request.prompt, "");
    EXPECT_EQ(request.seed, -1);
    EXPECT_EQ(request.subseed, -1);
    EXPECT_EQ(request.subseed_strength, 0.0);
    EXPECT_EQ(request.steps, std::nullopt);
    EXPECT_EQ(request.cfg_scale, std::nullopt);
    EXPECT_EQ(request.width, std::nullopt);
    EXPECT_EQ(request.batch_size, 1);
    EXPECT_EQ(request.n_iter, 1);
    EXPECT_EQ(request.denoising_strength, 0.75);
    EXPECT_TRUE(request.send_images);
    EXPECT_FALSE(request.save_images);
    EXPECT_THAT(request.notes, IsEmpty());
  }
}

TEST(A1111RequestTest, EveryFieldArrivesInItsPlace) {
  const Request request = txt2img(
      R"({"prompt":"a cat","negative_prompt":"dogs","seed":42,"subseed":43,"subseed_strength":0.5,
          "steps":4,"cfg_scale":1.5,"width":512,"height":768,"batch_size":2,"n_iter":3,
          "denoising_strength":0.25,"send_images":false,"save_images":true,"sampler_name":"LCM",
          "scheduler":"Karras","force_task_id":"task-1","unknown":{"a":[1]},
          "override_settings":{
  "sd_model_checkpoint" : "demo", "samples_format" : "webp"}})");
  EXPECT_EQ(request.prompt, "a cat");
  EXPECT_EQ(request.negative_prompt, "dogs");
  EXPECT_EQ(request.seed, 42);
  EXPECT_EQ(request.subseed, 43);
  EXPECT_EQ(request.subseed_strength, 0.5);
  EXPECT_EQ(request.steps, 4);
  EXPECT_EQ(request.cfg_scale, 1.5);
  EXPECT_EQ(request.width, 512);
  EXPECT_EQ(request.height, 768);
  EXPECT_EQ(request.batch_size, 2);
  EXPECT_EQ(request.n_iter, 3);
  EXPECT_EQ(request.denoising_strength, 0.25);
  EXPECT_FALSE(request.send_images);
  EXPECT_TRUE(request.save_images);
  EXPECT_EQ(request.sampler, "LCM");
  EXPECT_EQ(request.scheduler, "Karras");
  EXPECT_EQ(request.task_id, "task-1");
  EXPECT_EQ(request.model, "demo");
  EXPECT_EQ(request.samples_format, "webp");
  EXPECT_THAT(request.notes, ElementsAre("save_images: not done: this server keeps no files"));
}

TEST(A1111RequestTest, EveryImg2imgFieldArrivesInItsPlace) {
  const Request request = img2img(
      R"("mask":"data:image/png;base64,REVG","mask_blur_x":1,"mask_blur_y":2,"resize_mode":1,
         "inpainting_mask_invert":1,"inpainting_fill":1,"inpaint_full_res":false,
         "include_init_images":true)");
  EXPECT_THAT(request.init_images, ElementsAre("ABC"));
  EXPECT_EQ(request.fit, pictures::SourceFit::kCrop);
  EXPECT_TRUE(request.include_init_images);
  ASSERT_TRUE(request.mask.has_value());
  EXPECT_EQ(request.mask->file, "DEF");
  EXPECT_TRUE(request.mask->inverted);
  EXPECT_EQ(request.mask->blur_x, 1);
  EXPECT_EQ(request.mask->blur_y, 2);
  EXPECT_THAT(request.notes, IsEmpty());
}

TEST(A1111RequestTest, MaskBlurCountsForBothDirections) {
  const Request request = img2img(R"("mask":"REVG","mask_blur":7,"mask_blur_x":1)");
  EXPECT_EQ(request.mask->blur_x, 7);
  EXPECT_EQ(request.mask->blur_y, 7);
}

TEST(A1111RequestTest, ResizeModesHaveTheirMeaning) {
  EXPECT_EQ(img2img("").fit, pictures::SourceFit::kStretch);
  EXPECT_EQ(img2img(R"("resize_mode":0)").fit, pictures::SourceFit::kStretch);
  EXPECT_EQ(img2img(R"("resize_mode":2)").fit, pictures::SourceFit::kFillEdges);
  const Request latent = img2img(R"("resize_mode":3)");
  EXPECT_EQ(latent.fit, pictures::SourceFit::kStretch);
  EXPECT_THAT(latent.notes, ElementsAre(HasSubstr("resize_mode: 3 asked, 0 done")));
}

TEST(A1111RequestTest, NullEqualsAbsent) {
  EXPECT_THAT(txt2img(R"({"prompt":null,"steps":null,"seed":null,"width":null,"styles":null,
                          "sampler_name":null,"override_settings":null,"restore_faces":null})")
                  .notes,
              IsEmpty());
}

TEST(A1111RequestTest, ValuesOutOfRangeBecomeTheNearestAndAreNoted) {
  const Request request =
      txt2img(R"({"steps":0,"width":99999,"subseed_strength":2,"batch_size":-1,"cfg_scale":-3})");
  EXPECT_EQ(request.steps, 1);
  EXPECT_EQ(request.width, 16384);
  EXPECT_EQ(request.subseed_strength, 1.0);
  EXPECT_EQ(request.batch_size, 1);
  EXPECT_EQ(request.cfg_scale, 0.0);
  EXPECT_THAT(request.notes, ElementsAre("subseed_strength: 2 asked, 1 done: at most 1",
                                         "steps: 0 asked, 1 done: at least 1",
                                         "cfg_scale: -3 asked, 0 done: at least 0",
                                         "width: 99999 asked, 16384 done: at most 16384",
                                         "batch_size: -1 asked, 1 done: at least 1"));
}

TEST(A1111RequestTest, NumbersAndTruthMayBeTexts) {
  const Request request = txt2img(
      R"({"steps":"4","cfg_scale":"1.5","seed":"7","send_images":"false","save_images":1,
          "prompt":12})");
  EXPECT_EQ(request.steps, 4);
  EXPECT_EQ(request.cfg_scale, 1.5);
  EXPECT_EQ(request.seed, 7);
  EXPECT_FALSE(request.send_images);
  EXPECT_TRUE(request.save_images);
  EXPECT_EQ(request.prompt, "12");
  EXPECT_THAT(request.notes, ElementsAre(HasSubstr("save_images: not done")));
}

TEST(A1111RequestTest, WrongTypesAreIgnoredAndNoted) {
  const Request request = txt2img(
      R"({"prompt":["a"],"steps":"many","seed":{},"send_images":[],"override_settings":3})");
  EXPECT_EQ(request.prompt, "");
  EXPECT_EQ(request.steps, std::nullopt);
  EXPECT_EQ(request.seed, -1);
  EXPECT_TRUE(request.send_images);
  EXPECT_THAT(request.notes, ElementsAre("prompt: a list asked, ignored: wanted a text",
                                         "seed: an object asked, ignored: wanted a number",
                                         "steps: a text asked, ignored: wanted a number",
                                         "send_images: a list asked, ignored: wanted true or false",
                                         HasSubstr("override_settings: ignored")));
}

TEST(A1111RequestTest, FractionsOfWholeNumbersAreCutOff) {
  const Request request = txt2img(R"({"steps":4.7,"width":512.0})");
  EXPECT_EQ(request.steps, 4);
  EXPECT_EQ(request.width, 512);
  EXPECT_THAT(request.notes, ElementsAre(HasSubstr("steps: 4.7 asked, 4 done")));
}

TEST(A1111RequestTest, SeedsBelowZeroAreAnyAndHugeOnesAreBounded) {
  EXPECT_EQ(txt2img(R"({"seed":-5})").seed, -1);
  EXPECT_EQ(txt2img(R"({"seed":4294967295})").seed, 4294967295);
  const Request huge = txt2img(R"({"seed":1e30})");
  EXPECT_EQ(huge.seed, 9007199254740991);
  EXPECT_THAT(huge.notes, ElementsAre(HasSubstr("seed: ")));
}

TEST(A1111RequestTest, PicturesOfOneRequestAreBounded) {
  const Request request = txt2img(R"({"batch_size":40,"n_iter":9})");
  EXPECT_EQ(request.batch_size, 40);
  EXPECT_EQ(request.n_iter, 1);
  EXPECT_THAT(request.notes, ElementsAre("n_iter: 9 asked, 1 done: at most 64 pictures"));
}

TEST(A1111RequestTest, SamplerIndexCountsWhereTheNameIsEmpty) {
  EXPECT_EQ(txt2img(R"({"sampler_name":"","sampler_index":"DDIM"})").sampler, "DDIM");
  EXPECT_EQ(txt2img(R"({"sampler_name":"LCM","sampler_index":"DDIM"})").sampler, "LCM");
}

TEST(A1111RequestTest, WhatIsNotDoneIsNoted) {
  const Request request = txt2img(
      R"({"restore_faces":true,"tiling":true,"enable_hr":true,"refiner_checkpoint":"r","styles":["s"],
          "script_name":"x/y/z plot","alwayson_scripts":{"ControlNet":{"args":[]}},
          "seed_resize_from_w":512,"latent_mask":"QUJD","override_settings":{"CLIP_stop_at_last_layers":2}})");
  EXPECT_EQ(request.notes.size(), 10u);
  for (const std::string& note : request.notes) EXPECT_THAT(note, HasSubstr("not done"));
}

TEST(A1111RequestTest, PartsOfMasksThatAreNotDoneAreNoted) {
  EXPECT_THAT(img2img(R"("mask":"REVG","inpainting_fill":2,"inpaint_full_res":true)").notes,
              ElementsAre(HasSubstr("inpainting_fill"), HasSubstr("inpaint_full_res")));
}

TEST(A1111RequestTest, UnknownFormatOfPicturesBecomesPng) {
  const Request request = txt2img(R"({"override_settings":{"samples_format":"avif"}})");
  EXPECT_EQ(request.samples_format, "png");
  EXPECT_THAT(request.notes, ElementsAre("samples_format: avif asked, png done"));
}

TEST(A1111RequestTest, InfotextFillsWhatTheRequestDoesNotSay) {
  const Request request = txt2img(
      R"({"steps":2,"infotext":"a cat\nNegative prompt: dogs\nSteps: 4, Sampler: LCM, CFG scale: 1.5, Seed: 42, Size: 512x768, Variation seed: 7, Variation seed strength: 0.25, Denoising strength: 0.5"})");
  EXPECT_EQ(request.prompt, "a cat");
  EXPECT_EQ(request.negative_prompt, "dogs");
  EXPECT_EQ(request.steps, 2) << "said by the request itself";
  EXPECT_EQ(request.sampler, "LCM");
  EXPECT_EQ(request.cfg_scale, 1.5);
  EXPECT_EQ(request.seed, 42);
  EXPECT_EQ(request.width, 512);
  EXPECT_EQ(request.height, 768);
  EXPECT_EQ(request.subseed, 7);
  EXPECT_EQ(request.subseed_strength, 0.25);
  EXPECT_EQ(request.denoising_strength, 0.5);
  EXPECT_THAT(request.notes, IsEmpty());
}

TEST(A1111RequestTest, ParametersAreTheRequestOverTheDefaults) {
  const json::value echo = json::parse(txt2img(R"({"steps":4,"unknown":1})").parameters_json);
  EXPECT_EQ(echo.at("steps"), 4);
  EXPECT_EQ(echo.at("cfg_scale"), 7.0);
  EXPECT_EQ(echo.at("sampler_index"), "Euler");
  EXPECT_EQ(echo.at("enable_hr"), false);
  EXPECT_FALSE(echo.get_object().contains("unknown"));
  EXPECT_FALSE(echo.get_object().contains("init_images"));
}

TEST(A1111RequestTest, ParametersHaveThePicturesOnlyWhereTheyAreAskedFor) {
  const json::value without = json::parse(img2img(R"("mask":"REVG")").parameters_json);
  EXPECT_TRUE(without.at("init_images").is_null());
  EXPECT_TRUE(without.at("mask").is_null());
  const json::value with =
      json::parse(img2img(R"("mask":"REVG","include_init_images":true)").parameters_json);
  EXPECT_EQ(with.at("init_images").at(0), "QUJD");
  EXPECT_EQ(with.at("mask"), "REVG");
}

TEST(A1111RequestTest, BodyThatIsNoObjectIsRefused) {
  for (const char* body : {"{", "[1]", "null", "\"a\"", "{} x"}) {
    EXPECT_EQ(refused(Task::kTxt2img, body).code(), Code::kInvalidArgument) << body;
  }
}

TEST(A1111RequestTest, Img2imgWithoutAPictureIsNotFound) {
  for (const char* body : {"{}", R"({"init_images":null})", R"({"init_images":[]})"}) {
    EXPECT_EQ(refused(Task::kImg2img, body), not_found("Init image not found")) << body;
  }
}

TEST(A1111RequestTest, PictureThatIsNoBase64IsInvalid) {
  for (const char* body : {R"({"init_images":["*"]})", R"({"init_images":[3]})",
                           R"({"init_images":[""]})", R"({"init_images":["QUJD"],"mask":"*"})"}) {
    EXPECT_EQ(refused(Task::kImg2img, body), corrupt("Invalid encoded image")) << body;
  }
}

TEST(A1111RequestTest, PictureOfAnAddressIsNotFetched) {
  EXPECT_EQ(refused(Task::kImg2img, R"({"init_images":["http://a/b.png"]})"),
            unsupported("Requests not allowed"));
}

TEST(A1111RequestTest, PictureOfAnAddressIsFetchedWhereThatIsAllowed) {
  pictures::SourceRules sources;
  sources.fetch = [](const std::string& url) -> Result<std::string> {
    if (url == "http://a/b.png") return std::string("ABC");
    return not_found("no such name");
  };
  const auto parse = [&](const char* body) { return parse_request(Task::kImg2img, body, sources); };
  EXPECT_THAT(parse(R"({"init_images":["http:\/\/a/b.png"]})")->init_images, ElementsAre("ABC"));
  EXPECT_EQ(parse(R"({"init_images":["http://c"]})").status(),
            corrupt("Invalid image url: no such name"));
}

TEST(A1111RequestTest, OnlyTheFirstPictureIsBegunWith) {
  const Request request = parsed(Task::kImg2img, R"({"init_images":["QUJD","REVG"]})");
  EXPECT_EQ(request.init_images.front(), "ABC");
  EXPECT_THAT(request.notes, ElementsAre("init_images: 2 asked, the first one done"));
}

TEST(A1111RequestTest, HowPicturesAreHandedOutCanBeSaid) {
  const Request request = txt2img(
      R"({"format":"RGB565","output_width":240,"output_height":200,"fit":"pad","gamma":1.8,
          "dither":"bayer","inverted":true,"quality":50,
          "replace_key":"kiosk","priority":5,"deadline_s":1.5})");
  EXPECT_EQ(request.output.form, pictures::Form::kRgb565BigEndian);
  EXPECT_EQ(request.output.width, 240);
  EXPECT_EQ(request.output.height, 200);
  EXPECT_EQ(request.output.look.fit, pictures::Fit::kPad);
  EXPECT_EQ(request.output.look.gamma, 1.8);
  EXPECT_EQ(request.output.look.dither, image::Dither::kBayer8);
  EXPECT_TRUE(request.output.look.inverted);
  EXPECT_EQ(request.output.look.quality, 50);
  EXPECT_EQ(request.replace_key, "kiosk");
  EXPECT_EQ(request.priority, 5);
  EXPECT_EQ(request.deadline, std::chrono::milliseconds(1500));
  EXPECT_THAT(request.notes, IsEmpty());
  EXPECT_EQ(txt2img(R"({"model":"demo"})").model, "demo");
  EXPECT_EQ(txt2img(R"({"output_format":"webp"})").output.form, pictures::Form::kWebp);
  EXPECT_EQ(txt2img(R"({"dither":false})").output.look.dither, image::Dither::kNone);
}

TEST(A1111RequestTest, OddWaysToHandOutBecomeTheUsualOnesAndAreNoted) {
  const Request request = txt2img(
      R"({"format":"bmp","fit":"fill","dither":"random","gamma":99,"quality":0,
          "priority":5000,"deadline_s":0})");
  EXPECT_EQ(request.output.form, std::nullopt);
  EXPECT_EQ(request.output.look.fit, pictures::Fit::kCrop);
  EXPECT_EQ(request.output.look.dither, image::Dither::kFloydSteinberg);
  EXPECT_EQ(request.output.look.gamma, 10);
  EXPECT_EQ(request.output.look.quality, 1);
  EXPECT_EQ(request.priority, 1000);
  EXPECT_EQ(request.notes.size(), 7u);
}

}  // namespace
}  // namespace axle::api::automatic1111
