#include "api/automatic1111/api.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "api/automatic1111/testing/api_fixture.h"
#include "image/metadata.h"

namespace axle::api {
namespace {

namespace json = boost::json;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;
using ::testing::StartsWith;

constexpr const char* kTxt2img = "/sdapi/v1/txt2img";
constexpr const char* kImg2img = "/sdapi/v1/img2img";

using PaintTest = testing::ApiFixture;

TEST_F(PaintTest, Txt2imgGivesPicturesWithTheirTextAndWhatClientsReadOfThem) {
  const auto exchange = post(kTxt2img,
                             R"({"prompt":"cat","seed":42,"steps":4,"batch_size":2,
                                 "width":64,"height":64})");
  ASSERT_EQ(fleet_.size(), 2u);
  EXPECT_FALSE(exchange->answered());
  fleet_.paint(0, 10);
  fleet_.paint(1, 20);
  const json::value body = json(exchange);
  EXPECT_THAT(body.at("images").get_array(), SizeIs(2));
  const std::string second = file(body.at("images").at(1));
  EXPECT_EQ(decoded(second).pixels.front(), 20);
  EXPECT_THAT(image::read_metadata(std::as_bytes(std::span(second)))->parameters,
              StartsWith("cat\nSteps: 4, Sampler: LCM, CFG scale: 1.0, Seed: 43, Size: 64x64"));
  EXPECT_EQ(body.at("parameters").at("steps"), 4);
  const json::value info = json::parse(body.at("info").get_string().c_str());
  EXPECT_EQ(info.at("all_seeds"), (json::array{42, 43}));
  EXPECT_EQ(info.at("infotexts").get_array().size(), 2u);
  EXPECT_EQ(info.at("sd_model_name"), "tiny");
  EXPECT_EQ(info.at("version"), "axle 1");
  EXPECT_EQ(body.at("notes"), json::array());
}

TEST_F(PaintTest, EveryAnswerTellsHowLongItTook) {
  EXPECT_THAT(header(answer(get("/sdapi/v1/options")), "x-process-time"), Not(IsEmpty()));
  EXPECT_THAT(header(answer(post(kTxt2img, "[")), "x-process-time"), Not(IsEmpty()));
}

TEST_F(PaintTest, WhatIsOutOfRangeIsPaintedAllTheSameAndTold) {
  const auto exchange = post(kTxt2img,
                             R"({"prompt":7,"steps":-3,"width":1000,"height":900,"cfg_scale":"x",
                                 "sampler_name":"Euler a","enable_hr":true,"unknown":[1],
                                 "override_settings":{"sd_model_checkpoint":"other"}})");
  ASSERT_EQ(fleet_.size(), 1u);
  fleet_.paint(0, 1);
  const json::value body = json(exchange);
  EXPECT_THAT(body.at("images").get_array(), SizeIs(1));
  EXPECT_EQ(body.at("notes").get_array().size(), 6u) << body.at("notes");
  EXPECT_THAT(json::serialize(body.at("notes")),
              HasSubstr("sd_model_checkpoint: other asked, tiny done"));
}

TEST_F(PaintTest, Img2imgBeginsWithThePicture) {
  const auto exchange = post(kImg2img, R"({"prompt":"cat","denoising_strength":0.5,"steps":4,
      "init_images":["data:image/png;base64,)" +
                                           picture_text(99) + R"("]})");
  const jobs::PictureJob job = fleet_.picture(0);
  EXPECT_EQ(job.image.front(), 99);
  EXPECT_THAT(job.timesteps, ElementsAre(499, 259));
  EXPECT_TRUE(job.mask.empty());
  EXPECT_EQ(job.noise, jobs::NoiseOrder::kVendor);
  fleet_.paint(0, 10);
  const json::value body = json(exchange);
  EXPECT_TRUE(body.at("parameters").at("init_images").is_null());
  EXPECT_EQ(json::parse(body.at("info").get_string().c_str()).at("denoising_strength"), 0.5);
}

TEST_F(PaintTest, WhereTheMaskIsBlackThePictureStays) {
  const auto exchange = post(kImg2img, R"({"init_images":[")" + picture_text(99) +
                                           R"("],"mask":")" + picture_text(0) + R"("})");
  EXPECT_EQ(fleet_.picture(0).mask.front(), 0);
  fleet_.paint(0, 10);
  EXPECT_EQ(decoded(file(json(exchange).at("images").at(0))).pixels.front(), 99);
}

TEST_F(PaintTest, TheFormatOfOptionsHoldsUnlessTheRequestSaysOtherwise) {
  EXPECT_EQ(answer(post("/sdapi/v1/options", R"({"samples_format":"jpg"})")).status, 200);
  const auto jpeg = post(kTxt2img, "{}");
  const auto webp = post(kTxt2img, R"({"override_settings":{"samples_format":"webp"}})");
  fleet_.paint(0, 1);
  fleet_.paint(1, 1);
  EXPECT_THAT(file(json(jpeg).at("images").at(0)), StartsWith("\xff\xd8"));
  EXPECT_THAT(file(json(webp).at("images").at(0)), StartsWith("RIFF"));
}

TEST_F(PaintTest, PicturesAreNotSentWhereTheyAreNotWanted) {
  const auto exchange = post(kTxt2img, R"({"send_images":false,"seed":3})");
  fleet_.paint(0, 1);
  const json::value body = json(exchange);
  EXPECT_EQ(body.at("images"), json::array());
  EXPECT_EQ(json::parse(body.at("info").get_string().c_str()).at("seed"), 3);
}

TEST_F(PaintTest, BrokenRequestsAreRefusedInA1111sWords) {
  EXPECT_TRUE(json(post(kTxt2img, "["), 422).at("detail").is_array());
  EXPECT_EQ(json(post(kImg2img, "{}"), 404).at("detail"), "Init image not found");
  EXPECT_EQ(json(post(kImg2img, R"({"init_images":["*"]})"), 500).at("detail"),
            "Invalid encoded image");
  EXPECT_THAT(
      json(post(kImg2img, R"({"init_images":["QUJD"]})"), 500).at("detail").get_string().c_str(),
      StartsWith("Invalid encoded image"));
  EXPECT_EQ(json(post(kImg2img, R"({"init_images":["http://a/b.png"]})"), 500).at("detail"),
            "Requests not allowed");
  EXPECT_EQ(fleet_.size(), 0u);
}

TEST_F(PaintTest, AFullQueueSaysWhenToComeBack) {
  fleet_.refuse(exhausted("the queue is full"));
  const http::Response response = answer(post(kTxt2img, "{}"));
  EXPECT_EQ(response.status, 429);
  EXPECT_EQ(header(response, "retry-after"), "3");
  EXPECT_EQ(json::parse(response.body).at("detail"), "the queue is full");
}

TEST_F(PaintTest, AFailedRunIsAnError) {
  const auto exchange = post(kTxt2img, "{}");
  fleet_.fail(0, card_lost("the card is lost"));
  EXPECT_EQ(json(exchange, 503).at("detail"), "the card is lost");
}

TEST_F(PaintTest, WithoutAModelThereIsNothingToPaintWith) {
  pictures::Studio empty(fleet_, {}, metrics_, "axle 1");
  Automatic1111Api api(empty, {});
  http::Router router;
  api.add_routes(router);
  EXPECT_EQ(json(http::testing::send(router, "POST", kTxt2img, "{}"), 503).at("detail"),
            "no picture model is served here");
  EXPECT_EQ(json(http::testing::send(router, "GET", "/sdapi/v1/sd-models", "")), json::array());
}

TEST_F(PaintTest, AClientThatLeavesEndsItsRun) {
  const auto exchange = post(kTxt2img, R"({"batch_size":2})");
  exchange->disconnect();
  EXPECT_THAT(fleet_.cancelled(), SizeIs(2));
  fleet_.paint(0, 1);
  EXPECT_FALSE(exchange->answered());
}

TEST_F(PaintTest, AServerThatStopsSaysSo) {
  const auto exchange = post(kTxt2img, "{}");
  exchange->stop();
  EXPECT_THAT(json(exchange, 503).at("detail").get_string().c_str(), HasSubstr("stopping"));
  EXPECT_THAT(fleet_.cancelled(), SizeIs(1));
}

TEST_F(PaintTest, ANewerRequestOfTheSameCallerTakesThePlaceOfAnOlderOne) {
  const std::string body = R"({"replace_key":"kiosk"})";
  const auto older = post(kTxt2img, body);
  const auto elsewhere = post_elsewhere(kTxt2img, body);
  post(kTxt2img, body);
  EXPECT_THAT(json(older, 409).at("detail").get_string().c_str(), HasSubstr("newer request"));
  EXPECT_FALSE(elsewhere->answered());
  EXPECT_THAT(fleet_.cancelled(), ElementsAre(fleet_.id(0)));
}

TEST_F(PaintTest, PriorityAndDeadlineReachTheFleet) {
  post(kTxt2img, R"({"priority":7,"deadline_s":60})");
  EXPECT_EQ(fleet_.picture(0).priority, 7);
  EXPECT_TRUE(fleet_.deadline().has_value());
}

TEST_F(PaintTest, PicturesOfAddressesAreFetchedWhereThatIsAllowed) {
  Automatic1111Options options;
  options.sources.fetch = [](const std::string&) -> Result<std::string> {
    return image::encode_png(*image::make_picture({8, 8}, 3));
  };
  Automatic1111Api api(studio_, options);
  http::Router router;
  api.add_routes(router);
  const auto exchange = http::testing::send(
      router, "POST", kImg2img, R"({"init_images":["https://a/b.png"],"force_task_id":"t"})");
  while (fleet_.size() == 0) std::this_thread::yield();
  fleet_.paint(0, 1);
  EXPECT_THAT(json(exchange).at("images").get_array(), SizeIs(1));
}

using ExtrasRouteTest = testing::ApiFixture;

TEST_F(ExtrasRouteTest, PicturesAreMadeLarger) {
  const std::string picture = picture_text(9, {8, 8});
  const json::value one =
      json(post("/sdapi/v1/extra-single-image",
                R"({"upscaler_1":"Nearest","upscaling_resize":2,"image":")" + picture + R"("})"));
  EXPECT_EQ(decoded(file(one.at("image"))).size(), (image::Size{16, 16}));
  const json::value batch = json(
      post("/sdapi/v1/extra-batch-images", R"({"imageList":[{"data":")" + picture + R"("}]})"));
  EXPECT_THAT(batch.at("images").get_array(), SizeIs(1));
  EXPECT_EQ(json(post("/sdapi/v1/extra-single-image", "{}"), 500).at("detail"),
            "Invalid encoded image");
}

TEST_F(ExtrasRouteTest, WhatWasPaintedSaysHow) {
  const auto exchange = post(kTxt2img, R"({"prompt":"cat","seed":7})");
  fleet_.paint(0, 1);
  const std::string image(json(exchange).at("images").at(0).get_string().c_str());
  const json::value info = json(post("/sdapi/v1/png-info", R"({"image":")" + image + R"("})"));
  EXPECT_EQ(info.at("parameters").at("Prompt"), "cat");
  EXPECT_EQ(info.at("parameters").at("Seed"), "7");
}

TEST_F(ExtrasRouteTest, DescribingPicturesIsSaidNotToBeThere) {
  EXPECT_THAT(json(post("/sdapi/v1/interrogate", "{}"), 501).at("detail").get_string().c_str(),
              HasSubstr("cannot be described"));
  EXPECT_THAT(
      json(post("/sdapi/v1/interrogate/structured", "{}"), 501).at("error").get_string().c_str(),
      HasSubstr("cannot be described"));
}

using DisplayTest = testing::ApiFixture;

TEST_F(DisplayTest, OctetStreamIsTheRgb565OfADisplay) {
  http::Request asked =
      request("POST", kTxt2img, R"({"width":32,"height":24,"seed":5,"sampler_name":"a\nb"})");
  asked.headers = {{"Accept", "application/octet-stream"}};
  const auto exchange = send(asked);
  fleet_.paint(0, 255);
  const http::Response response = answer(exchange);
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(response.body, std::string(32 * 24 * 2, '\xff'));
  EXPECT_EQ(header(response, "content-type"), "application/octet-stream");
  EXPECT_EQ(header(response, "x-image-width"), "32");
  EXPECT_EQ(header(response, "x-image-height"), "24");
  EXPECT_EQ(header(response, "x-image-format"), "rgb565-be");
  EXPECT_EQ(header(response, "x-image-seed"), "5");
  EXPECT_THAT(header(response, "x-image-notes"), HasSubstr("size: 32x24 asked"));
  EXPECT_THAT(header(response, "x-image-notes"), HasSubstr("sampler_name: a?b asked"));
}

TEST_F(DisplayTest, AnyFormatMayBeAskedFor) {
  http::Request asked = request(
      "POST", kTxt2img, R"({"format":"mono","output_width":16,"output_height":4,"inverted":true})");
  asked.headers = {{"Accept", "application/octet-stream"}};
  const auto exchange = send(asked);
  fleet_.paint(0, 255);
  EXPECT_EQ(answer(exchange).body, std::string(8, '\0'));
  EXPECT_EQ(header(answer(exchange), "x-image-format"), "mono");
}

TEST_F(DisplayTest, AnImageIsSentAsItsFile) {
  http::Request asked = request("POST", "/generate", R"({"prompt":"cat"})");
  asked.headers = {{"Accept", "image/png"}};
  const auto exchange = send(asked);
  fleet_.paint(0, 9);
  const http::Response response = answer(exchange);
  EXPECT_EQ(header(response, "content-type"), "image/png");
  EXPECT_EQ(decoded(response.body).size(), (image::Size{64, 64}));
}

using ServiceTest = testing::ApiFixture;

TEST_F(ServiceTest, GenerateGivesOnePictureAndWhatWasDone) {
  const auto exchange =
      post("/generate", R"({"mode":"txt2img","prompt":"cat","seed":42,"output_width":32})");
  EXPECT_EQ(fleet_.picture(0).noise, jobs::NoiseOrder::kService);
  fleet_.paint(0, 10);
  const json::value body = json(exchange);
  EXPECT_EQ(body.at("status"), "ok");
  EXPECT_EQ(body.at("seed"), 42);
  EXPECT_EQ(body.at("steps"), 4);
  EXPECT_EQ(body.at("width"), 32);
  EXPECT_EQ(decoded(file(body.at("base64"))).size(), (image::Size{32, 32}));
}

TEST_F(ServiceTest, ItsErrorsAreThoseOfTheService) {
  EXPECT_EQ(json(post("/generate", R"({"mode":"img2img"})"), 400),
            json::parse(R"({"status":"error","error":"Init image not found"})"));
  EXPECT_EQ(json(post("/generate", R"({"mode":"img2img","init_image":"QUJD"})"), 400).at("status"),
            "error");
}

TEST_F(ServiceTest, InterruptedBeforeItsBeginThereIsNoPicture) {
  fleet_.set_place(fleet::QueuePlace{1, {}});
  const auto exchange = post("/generate", R"({"prompt":"cat"})");
  post("/sdapi/v1/interrupt", "");
  EXPECT_EQ(json(exchange, 409).at("status"), "error");
}

// The users' programs, with the very requests that they send.
using ClientsTest = testing::ApiFixture;

TEST_F(ClientsTest, TheKioskWithSixKnobs) {
  const std::string picture = picture_text(50, {8, 8});
  const auto exchange = post(
      "/generate",
      R"({"prompt":"a person","negative_prompt":"blurry","seed":-1,"steps":7,"width":512,"height":512,
          "cfg_scale":1.5,"sampler_name":"DPM++ 2M Karras","denoising_strength":0.5,"n_iter":1,
          "batch_size":1,"mode":"img2img","init_image":")" +
          picture + R"(","init_images":[")" + picture + R"("]})");
  const jobs::PictureJob job = fleet_.picture(0);
  EXPECT_EQ(job.guidance, 1.5);
  EXPECT_FALSE(job.negative.empty());
  EXPECT_THAT(job.timesteps, ElementsAre(499, 259));
  fleet_.paint(0, 10);
  const json::value body = json(exchange);
  EXPECT_EQ(body.at("status"), "ok");
  EXPECT_THAT(file(body.at("base64")), StartsWith("\x89PNG"));
  EXPECT_EQ(body.at("notes"),
            (json::array{"size: 512x512 asked, 64x64 done: the model has 64x64, 96x64",
                         "steps: 7 asked, 4 done: the model has 1, 2 and 4",
                         "sampler_name: DPM++ 2M Karras asked, LCM done"}));
}

TEST_F(ClientsTest, TheTouchKiosk) {
  http::Request test = request("GET", "/sdapi/v1/options", "");
  test.headers = {{"Authorization", "Basic a2lvc2s6c2VjcmV0"}};
  EXPECT_TRUE(json(send(test)).get_object().contains("sd_model_checkpoint"));
  http::Request asked = request(
      "POST", kTxt2img,
      R"({"prompt":"p","negative_prompt":"","steps":5,"cfg_scale":2,"sampler_name":"Euler a","width":512,
          "height":512,"seed":888,"restore_faces":false,"tiling":false,"do_not_save_samples":true,
          "do_not_save_grid":true})");
  asked.headers = test.headers;
  const auto exchange = send(asked);
  fleet_.paint(0, 10);
  const json::value body = json(exchange);
  EXPECT_THAT(body.at("images").get_array(), SizeIs(1));
  EXPECT_EQ(json::parse(body.at("info").get_string().c_str()).at("seed"), 888);
}

TEST_F(ClientsTest, ThePicoGetsTheRgb565OfItsDisplay) {
  http::Request asked =
      request("POST", kTxt2img,
              R"({"prompt":"p","sampler_name":"DPM++ 2M","steps":5,"cfg_scale":1.5,
                                    "width":512,"height":512,"seed":1234567890})");
  asked.headers = {{"Content-Type", "application/json"},
                   {"Accept", "application/octet-stream"},
                   {"X-API-Key", "k"}};
  const auto exchange = send(asked);
  fleet_.paint(0, 10);
  const http::Response response = answer(exchange);
  EXPECT_EQ(response.body.size(), 115200u);
  EXPECT_EQ(header(response, "content-type"), "application/octet-stream");
  EXPECT_EQ(header(response, "x-image-width"), "240");
  EXPECT_EQ(header(response, "x-image-format"), "rgb565-be");
}

TEST_F(ClientsTest, TheWebPageOfTheServiceAndItsRecursion) {
  const auto exchange =
      post("/generate", R"({"mode":"img2img","prompt":"p","init_image":")" + picture_text(9) +
                            R"(","denoising_strength":0.25,"seed":null})");
  EXPECT_THAT(fleet_.picture(0).timesteps, ElementsAre(259));
  fleet_.paint(0, 10);
  const json::value body = json(exchange);
  for (const char* name : {"base64", "seed", "total_time_ms", "text_time_ms"})
    EXPECT_TRUE(body.get_object().contains(name)) << name;
  const std::string next(body.at("base64").get_string().c_str());
  post("/generate", R"({"mode":"img2img","prompt":"p","init_image":")" + next + R"("})");
  EXPECT_EQ(fleet_.picture(1).image.front(), 10);
}

}  // namespace
}  // namespace axle::api
