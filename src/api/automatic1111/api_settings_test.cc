#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "api/automatic1111/api.h"
#include "api/automatic1111/testing/api_fixture.h"

// What the routes tell about the server and its runs.
namespace axle::api {
namespace {

namespace json = boost::json;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr const char* kTxt2img = "/sdapi/v1/txt2img";

using ProgressRouteTest = testing::ApiFixture;

TEST_F(ProgressRouteTest, TellsHowFarTheCallersPicturesAre) {
  post(kTxt2img, R"({"batch_size":2,"force_task_id":"task-a"})");
  fleet_.paint(0, 10);
  fleet_.step(1, 2);
  const json::value body = json(get("/sdapi/v1/progress"));
  EXPECT_DOUBLE_EQ(body.at("progress").as_double(), 0.76);
  EXPECT_EQ(body.at("state").at("job"), "scripts_txt2img");
  EXPECT_EQ(body.at("state").at("job_count"), 2);
  EXPECT_EQ(body.at("state").at("job_no"), 1);
  EXPECT_EQ(body.at("state").at("sampling_step"), 2);
  EXPECT_EQ(body.at("current_task"), "task-a");
  EXPECT_EQ(decoded(file(body.at("current_image"))).size(), (image::Size{64, 64}));
  EXPECT_TRUE(
      json(get("/sdapi/v1/progress?skip_current_image=true")).at("current_image").is_null());
}

TEST_F(ProgressRouteTest, TheTimeThatIsLeftIsThatOfTheCardAndOfThoseBefore) {
  fleet::Health health;
  health.heartbeat.picture_step_s = 0.5;
  health.heartbeat.picture_rest_s = 1.0;
  fleet_.set_health(health);
  fleet_.set_place(fleet::QueuePlace{2, std::chrono::seconds(20)});
  post(kTxt2img, R"({"batch_size":2})");
  const auto left = [this] {
    return json(get("/sdapi/v1/progress")).at("eta_relative").as_double();
  };
  EXPECT_DOUBLE_EQ(left(), 20 + 8 * 0.5 + 2 * 1.0);
  fleet_.set_place(std::nullopt);
  fleet_.paint(0, 10);
  fleet_.step(1, 3);
  EXPECT_DOUBLE_EQ(left(), 0.5 + 1.0);
}

TEST_F(ProgressRouteTest, NothingIsToldOfOthersPictures) {
  post_elsewhere(kTxt2img, "{}");
  fleet_.step(0, 2);
  const json::value body = json(get("/sdapi/v1/progress"));
  EXPECT_EQ(body.at("progress"), 0.0);
  EXPECT_EQ(body.at("state").at("job_count"), 0);
}

TEST_F(ProgressRouteTest, IsZeroAgainWhenThePicturesAreThere) {
  const auto exchange = post(kTxt2img, R"({"force_task_id":"a"})");
  fleet_.paint(0, 1);
  answer(exchange);
  EXPECT_EQ(json(get("/sdapi/v1/progress")).at("state").at("job_count"), 0);
}

TEST_F(ProgressRouteTest, OneTaskIsAskedAboutByItsId) {
  const auto ask = [this](const char* body) { return json(post("/internal/progress", body)); };
  post(kTxt2img, R"({"force_task_id":"a"})");
  fleet_.step(0, 2);
  const json::value active = ask(R"({"id_task":"a","id_live_preview":-1})");
  EXPECT_EQ(active.at("active"), true);
  EXPECT_DOUBLE_EQ(active.at("progress").as_double(), 0.51);
  EXPECT_THAT(active.at("live_preview").get_string().c_str(), HasSubstr("data:image/png;base64,"));
  EXPECT_EQ(active.at("id_live_preview"), 2);
  EXPECT_TRUE(ask(R"({"id_task":"a","id_live_preview":2})").at("live_preview").is_null());
  EXPECT_EQ(ask(R"({"id_task":"b"})").at("active"), false);
  EXPECT_EQ(answer(post("/internal/progress", "[")).status, 422);
}

TEST_F(ProgressRouteTest, ATaskWaitsThenIsOver) {
  const auto ask = [this] { return json(post("/internal/progress", R"({"id_task":"a"})")); };
  fleet_.set_place(fleet::QueuePlace{1, {}});
  const auto exchange = post(kTxt2img, R"({"force_task_id":"a"})");
  EXPECT_EQ(ask().at("queued"), true);
  EXPECT_EQ(ask().at("active"), false);
  exchange->disconnect();
  EXPECT_EQ(ask().at("completed"), true);
  EXPECT_EQ(ask().at("queued"), false);
}

TEST_F(ProgressRouteTest, PingIsAnswered) {
  EXPECT_EQ(json(get("/internal/ping")), json::object());
}

using InterruptTest = testing::ApiFixture;

TEST_F(InterruptTest, InterruptEndsTheCallersPictureAndWhatThereIsIsAnswered) {
  const auto other = post_elsewhere(kTxt2img, "{}");
  const auto exchange = post(kTxt2img, R"({"batch_size":2})");
  fleet_.step(1, 1);
  EXPECT_EQ(answer(post("/sdapi/v1/interrupt", "")).body, "{}");
  EXPECT_THAT(fleet_.interrupted(), ElementsAre(fleet_.id(1)));
  EXPECT_THAT(fleet_.cancelled(), ElementsAre(fleet_.id(2)));
  EXPECT_EQ(json(get("/sdapi/v1/progress")).at("state").at("interrupted"), true);
  fleet_.paint(1, 5, 1);
  EXPECT_THAT(json(exchange).at("images").get_array(), SizeIs(1));
  EXPECT_FALSE(other->answered());
}

TEST_F(InterruptTest, OneThatOnlyWaitedHasNoPictures) {
  fleet_.set_place(fleet::QueuePlace{3, {}});
  const auto exchange = post(kTxt2img, "{}");
  post("/sdapi/v1/interrupt", "{}");
  EXPECT_EQ(json(exchange).at("images"), json::array());
}

TEST_F(InterruptTest, SkipGoesOnWithTheNextPicture) {
  post(kTxt2img, R"({"batch_size":2})");
  fleet_.step(0, 1);
  EXPECT_EQ(answer(post("/sdapi/v1/skip", "")).body, "null");
  EXPECT_THAT(fleet_.interrupted(), ElementsAre(fleet_.id(0)));
  EXPECT_THAT(fleet_.cancelled(), IsEmpty());
  EXPECT_EQ(json(get("/sdapi/v1/progress")).at("state").at("skipped"), true);
}

TEST_F(InterruptTest, ATaskIdNamesOneOfTheCallersRequests) {
  post(kTxt2img, R"({"force_task_id":"a"})");
  post(kTxt2img, R"({"force_task_id":"b"})");
  post_elsewhere(kTxt2img, R"({"force_task_id":"c"})");
  post("/sdapi/v1/interrupt", R"({"force_task_id":"b"})");
  post("/sdapi/v1/interrupt?task_id=c", "");
  EXPECT_THAT(fleet_.interrupted(), ElementsAre(fleet_.id(1)));
}

TEST_F(InterruptTest, CallersWithOtherCredentialsAreOthers) {
  http::Request asked = request("POST", kTxt2img, "{}");
  asked.headers = {{"Authorization", "Basic eDp5"}};
  send(asked);
  post("/sdapi/v1/interrupt", "");
  EXPECT_THAT(fleet_.interrupted(), IsEmpty());
  http::Request own = request("POST", "/sdapi/v1/interrupt", "");
  own.headers = asked.headers;
  send(own);
  EXPECT_THAT(fleet_.interrupted(), SizeIs(1));
}

using OptionsRouteTest = testing::ApiFixture;

TEST_F(OptionsRouteTest, TheWholeObjectMayBeSentBack) {
  const std::string options = answer(get("/sdapi/v1/options")).body;
  EXPECT_EQ(json::parse(options).at("sd_model_checkpoint"), "tiny");
  const http::Response changed = answer(post("/sdapi/v1/options", options));
  EXPECT_EQ(changed.status, 200);
  EXPECT_EQ(changed.body, "null");
  EXPECT_EQ(answer(get("/sdapi/v1/options")).body, options);
}

TEST_F(OptionsRouteTest, AnUnknownModelIsRefusedAsByA1111) {
  const json::value body =
      json(post("/sdapi/v1/options", R"({"sd_model_checkpoint":"x","samples_format":"jpg"})"), 500);
  EXPECT_EQ(body.at("error"), "RuntimeError");
  EXPECT_EQ(json(get("/sdapi/v1/options")).at("samples_format"), "png") << "Nothing was changed.";
  EXPECT_EQ(answer(post("/sdapi/v1/options", "[")).status, 422);
}

using ListsTest = testing::ApiFixture;

TEST_F(ListsTest, ModelsAreListed) {
  const json::value models = json(get("/sdapi/v1/sd-models"));
  ASSERT_THAT(models.get_array(), SizeIs(1));
  EXPECT_EQ(models.at(0).at("title"), "tiny");
}

TEST_F(ListsTest, AModelWhoseImportWasRecordedIsKnownByItsHashToo) {
  tiny_.record_import();
  pictures::Studio studio(fleet_, {tiny_.served()}, metrics_, "axle 1");
  Automatic1111Api api(studio, {});
  router_ = http::Router();
  api.add_routes(router_);
  const json::value model = json(get("/sdapi/v1/sd-models")).at(0);
  const std::string sha256(model.at("sha256").as_string());
  ASSERT_EQ(sha256.size(), 64u);
  const std::string hash = sha256.substr(0, 10);
  const std::string title = "tiny [" + hash + "]";
  EXPECT_EQ(model.at("hash").as_string(), hash);
  EXPECT_EQ(model.at("title").as_string(), title);
  for (const std::string& name : {title, sha256, hash, std::string("tiny")})
    json(post("/sdapi/v1/options", json::serialize(json::object{{"sd_model_checkpoint", name}})));
  const json::value options = json(get("/sdapi/v1/options"));
  EXPECT_EQ(options.at("sd_model_checkpoint").as_string(), title);
  EXPECT_EQ(options.at("sd_checkpoint_hash").as_string(), sha256);
}

TEST_F(ListsTest, EveryListIsThere) {
  for (const char* name : {"samplers", "schedulers", "upscalers", "latent-upscale-modes", "sd-vae",
                           "loras", "hypernetworks", "face-restorers", "realesrgan-models",
                           "prompt-styles", "script-info", "extensions"}) {
    EXPECT_TRUE(json(get(std::string("/sdapi/v1/") + name)).is_array()) << name;
  }
  for (const char* name : {"embeddings", "scripts", "cmd-flags", "memory"})
    EXPECT_TRUE(json(get(std::string("/sdapi/v1/") + name)).is_object()) << name;
}

TEST_F(ListsTest, LoadingAndRefreshingHaveNothingToDo) {
  for (const char* name :
       {"refresh-checkpoints", "refresh-vae", "refresh-loras", "refresh-embeddings"}) {
    EXPECT_TRUE(json(post(std::string("/sdapi/v1/") + name, "")).is_null()) << name;
  }
  for (const char* name : {"unload-checkpoint", "reload-checkpoint"})
    EXPECT_EQ(json(post(std::string("/sdapi/v1/") + name, "")), json::object()) << name;
}

TEST_F(ListsTest, MemoryIsThatOfTheProcessAndOfTheCard) {
  EXPECT_EQ(json(get("/sdapi/v1/memory")).at("cuda"), json::parse(R"({"error":"unavailable"})"));
  fleet::Health health;
  health.readings = jobs::Readings{{}, 7000, 3000, {}, {}};
  fleet_.set_health(health);
  const json::value body = json(get("/sdapi/v1/memory"));
  EXPECT_EQ(body.at("cuda").at("system"), json::parse(R"({"free":3000,"used":4000,"total":7000})"));
  EXPECT_GT(body.at("ram").at("used").to_number<std::int64_t>(), 0);
}

using ErrorWriterTest = testing::ApiFixture;

TEST_F(ErrorWriterTest, WhatTheServerRefusesIsSaidInTheDialectOfThePath) {
  const auto written = [this](std::vector<std::string> path, int status) {
    return router_.write_error(path, {status, "code", "why"});
  };
  const http::Response refused = written({"sdapi", "v1", "txt2img"}, 401);
  EXPECT_THAT(header(refused, "www-authenticate"), HasSubstr("Basic"));
  EXPECT_THAT(json::parse(refused.body).at("detail").get_string().c_str(),
              HasSubstr("Incorrect username or password"));
  EXPECT_EQ(json::parse(written({"sdapi", "v1", "none"}, 404).body).at("detail"), "why");
  EXPECT_EQ(header(written({"sdapi", "v1", "none"}, 404), "www-authenticate"), "");
  EXPECT_EQ(json::parse(written({"generate"}, 413).body),
            json::parse(R"({"status":"error","error":"why"})"));
  EXPECT_EQ(json::parse(written({"internal", "x"}, 404).body).at("error"), "HTTPException");
}

}  // namespace
}  // namespace axle::api
