#include "api/sdcpp/sdcpp.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/json.hpp>
#include <chrono>
#include <memory>
#include <span>
#include <string>
#include <thread>

#include "base/base64.h"
#include "fleet/testing/fake_fleet.h"
#include "http/testing/fake_exchange.h"
#include "image/metadata.h"
#include "pictures/testing/tiny_model.h"

namespace axle::api::sdcpp {
namespace {

namespace json = boost::json;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

class SdcppTest : public ::testing::Test {
 protected:
  void SetUp() override { api_.add_routes(router_); }

  http::Response call(const std::string& method, const std::string& path,
                      const std::string& body = "") {
    return http::testing::send(router_, method, path, body)->response();
  }
  // Posts a job; its name.
  std::string begin(const std::string& body = R"({"prompt":"cat","seed":7})") {
    const http::Response answer = call("POST", "/sdcpp/v1/img_gen", body);
    EXPECT_EQ(answer.status, 202) << answer.body;
    const json::value created = json::parse(answer.body);
    const std::string id(created.at("id").as_string());
    EXPECT_EQ(created.at("poll_url").as_string(), "/sdcpp/v1/jobs/" + id);
    return id;
  }
  json::value job(const std::string& id) {
    const http::Response answer = call("GET", "/sdcpp/v1/jobs/" + id);
    EXPECT_EQ(answer.status, 200) << answer.body;
    return json::parse(answer.body);
  }
  // The job as soon as it has this status: news take a moment on another thread.
  json::value job_with(const std::string& id, std::string_view status) {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::minutes(1);
    json::value found = job(id);
    while (found.at("status").as_string() != json::string_view(status.data(), status.size()) &&
           std::chrono::steady_clock::now() < deadline) {
      std::this_thread::yield();
      found = job(id);
    }
    EXPECT_EQ(found.at("status").as_string(), json::string_view(status.data(), status.size()));
    return found;
  }

  pictures::testing::TinyModel tiny_;
  fleet::testing::FakeFleet fleet_;
  metrics::Registry metrics_;
  pictures::Studio studio_{fleet_, {tiny_.served()}, metrics_, "axle 1"};
  http::Router router_;
  SdcppApi api_{studio_, {}};
};

TEST_F(SdcppTest, AJobGoesFromTheQueueToItsPictures) {
  fleet_.set_place(fleet::QueuePlace{2, {}});
  const std::string id = begin(R"({"prompt":"cat","seed":7,"batch_count":2,"width":512})");
  const json::value queued = job_with(id, "queued");
  EXPECT_EQ(queued.at("queue_position"), 2);
  EXPECT_TRUE(queued.at("started").is_null());
  EXPECT_TRUE(queued.at("result").is_null());
  fleet_.set_place({});
  fleet_.step(0, 1);
  const json::value generating = job_with(id, "generating");
  EXPECT_EQ(generating.at("progress").at("step"), 1);
  EXPECT_FALSE(generating.at("started").is_null());
  fleet_.paint(0, 10);
  fleet_.paint(1, 20);
  const json::value completed = job_with(id, "completed");
  EXPECT_EQ(completed.at("kind"), "img_gen");
  EXPECT_TRUE(completed.at("error").is_null());
  const json::value& result = completed.at("result");
  EXPECT_EQ(result.at("output_format"), "png");
  ASSERT_EQ(result.at("images").as_array().size(), 2u);
  EXPECT_EQ(result.at("images").at(1).at("index"), 1);
  EXPECT_EQ(result.at("images").at(1).at("seed"), 8);
  EXPECT_THAT(std::string(result.at("notes").at(0).as_string()), HasSubstr("512x64 asked"));
  const auto file =
      decode_base64(std::string(result.at("images").at(0).at("b64_json").as_string()));
  ASSERT_TRUE(file.ok());
  EXPECT_THAT(image::read_metadata(std::as_bytes(std::span(*file)))->parameters,
              HasSubstr("Seed: 7"));
}

TEST_F(SdcppTest, TextIsLeftOutWhereItIsNotWanted) {
  const std::string id = begin(R"({"prompt":"cat","embed_image_metadata":false})");
  fleet_.paint(0, 10);
  const json::value done = job_with(id, "completed");
  const auto file =
      decode_base64(std::string(done.at("result").at("images").at(0).at("b64_json").as_string()));
  EXPECT_EQ(image::read_metadata(std::as_bytes(std::span(*file)))->parameters, "");
}

TEST_F(SdcppTest, AFailureIsTold) {
  const std::string id = begin();
  fleet_.fail(0, unavailable("the card is lost"));
  const json::value failed = job_with(id, "failed");
  EXPECT_EQ(failed.at("error").at("code"), "generation_failed");
  EXPECT_EQ(failed.at("error").at("message"), "the card is lost");
}

TEST_F(SdcppTest, ACancelledJobFreesTheCardAndCannotBeCancelledAgain) {
  const std::string id = begin();
  const http::Response answer = call("POST", "/sdcpp/v1/jobs/" + id + "/cancel");
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(json::parse(answer.body).at("status"), "cancelled");
  EXPECT_THAT(fleet_.cancelled(), ElementsAre(fleet_.id(0)));
  EXPECT_EQ(call("POST", "/sdcpp/v1/jobs/" + id + "/cancel").status, 409);
}

TEST_F(SdcppTest, ANewerJobWithItsKeyCancelsIt) {
  const std::string first = begin(R"({"prompt":"cat","replace_key":"k"})");
  begin(R"({"prompt":"dog","replace_key":"k"})");
  EXPECT_THAT(std::string(job_with(first, "cancelled").at("error").at("message").as_string()),
              HasSubstr("newer request"));
}

TEST_F(SdcppTest, UnknownJobsAreNotFound) {
  EXPECT_EQ(call("GET", "/sdcpp/v1/jobs/job_0").status, 404);
  EXPECT_EQ(call("POST", "/sdcpp/v1/jobs/job_0/cancel").status, 404);
}

TEST_F(SdcppTest, RefusalsSayWhy) {
  EXPECT_EQ(call("POST", "/sdcpp/v1/img_gen", "").status, 400);
  EXPECT_EQ(call("POST", "/sdcpp/v1/img_gen", R"({"model":"sdxl"})").status, 404);
  fleet_.refuse(exhausted("the queue is full"));
  const http::Response full = call("POST", "/sdcpp/v1/img_gen", R"({"prompt":"cat"})");
  EXPECT_EQ(full.status, 429);
  EXPECT_EQ(http::find_header(full.headers, "Retry-After"), "3");
  fleet_.refuse(unavailable("the card is lost"));
  EXPECT_EQ(call("POST", "/sdcpp/v1/img_gen", R"({"prompt":"cat"})").status, 503);
}

TEST_F(SdcppTest, CapabilitiesAreThoseOfTheModel) {
  const json::value told = json::parse(call("GET", "/sdcpp/v1/capabilities").body);
  EXPECT_EQ(told.at("model").at("name"), "tiny");
  EXPECT_EQ(told.at("limits").at("max_width"), 96);
  EXPECT_EQ(told.at("limits").at("min_height"), 64);
  EXPECT_EQ(told.at("defaults_by_mode").at("img_gen").at("sample_params").at("sample_steps"), 4);
  EXPECT_EQ(told.at("features").at("cancel_generating"), true);
  EXPECT_EQ(told.at("defaults"), told.at("defaults_by_mode").at("img_gen"));
}

}  // namespace
}  // namespace axle::api::sdcpp
