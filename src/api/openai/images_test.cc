#include "api/openai/images.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/json.hpp>
#include <span>
#include <thread>

#include "base/base64.h"
#include "fleet/testing/fake_fleet.h"
#include "http/testing/fake_exchange.h"
#include "image/decode.h"
#include "pictures/testing/tiny_model.h"

namespace axle::api {
namespace {

namespace json = boost::json;
using http::testing::FakeExchange;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::SizeIs;

// The API over a fake fleet, with a model of 64x64 and 96x64 pixels that can do 1, 2 and 4 steps.
class ImagesTest : public testing::Test {
 protected:
  void SetUp() override { api_.add_routes(router_); }

  static ImagesOptions options() {
    ImagesOptions options;
    options.ping_interval = std::chrono::milliseconds(0);
    options.chat_models = {"chat"};
    return options;
  }

  std::shared_ptr<FakeExchange> send(http::Request request) {
    request.headers.emplace_back("Host", "axle.local:8000");
    return http::testing::send(router_, std::move(request));
  }
  // A request to generate a cat, with further fields.
  std::shared_ptr<FakeExchange> generate(const std::string& fields = "") {
    return send(http::testing::make_request(
        "POST", "/v1/images/generations",
        R"({"prompt":"cat")" + (fields.empty() ? "" : "," + fields) + "}"));
  }
  static json::value answer_of(const std::shared_ptr<FakeExchange>& exchange) {
    EXPECT_TRUE(exchange->wait_for_answer());
    return json::parse(exchange->response().body);
  }
  static image::Picture picture_of(const json::value& base64) {
    const Result<std::string> file = decode_base64(base64.as_string());
    EXPECT_TRUE(file.ok()) << file.status();
    const auto picture = image::decode(std::as_bytes(std::span(*file)));
    EXPECT_TRUE(picture.ok()) << picture.status();
    return picture.ok() ? *picture : image::Picture();
  }
  // "status param code: message" of an error.
  static std::string error_of(const std::shared_ptr<FakeExchange>& exchange) {
    const json::value answer = answer_of(exchange);
    const json::object& error = answer.at("error").as_object();
    const auto text = [&error](const char* name) {
      const json::string* value = error.at(name).if_string();
      return value == nullptr ? std::string("-") : std::string(*value);
    };
    return std::to_string(exchange->response().status) + " " + text("param") + " " + text("code") +
           ": " + text("message");
  }
  // Waits for the end of a stream and gives its events, "[DONE]" as a string.
  static std::vector<json::value> events_of(const std::shared_ptr<FakeExchange>& exchange) {
    EXPECT_TRUE(exchange->wait_for_stream_end());
    std::vector<json::value> events;
    for (const std::string& data : exchange->events()) {
      events.push_back(data == "[DONE]" ? json::value(data) : json::parse(data));
    }
    return events;
  }
  // Waits, a minute at most, until the stream holds `text`.
  static bool streamed(const std::shared_ptr<FakeExchange>& exchange, const std::string& text) {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::minutes(1);
    while (exchange->streamed().find(text) == std::string::npos) {
      if (std::chrono::steady_clock::now() > deadline) return false;
      std::this_thread::yield();
    }
    return true;
  }

  pictures::testing::TinyModel tiny_;
  fleet::testing::FakeFleet fleet_;
  metrics::Registry metrics_;
  pictures::Studio studio_{fleet_, {tiny_.served()}, metrics_, "axle 1"};
  ImagesApi api_{studio_, options()};
  http::Router router_;
};

TEST_F(ImagesTest, AnAnswerHasThePictureItsSeedAndTheUsage) {
  const auto exchange = generate(R"("seed":7,"quality":"high")");
  ASSERT_EQ(fleet_.size(), 1u);
  EXPECT_EQ(fleet_.picture(0).seed, 7u);
  EXPECT_FALSE(fleet_.picture(0).previews);
  EXPECT_FALSE(exchange->answered());
  fleet_.paint(0, 40);
  const json::value answer = answer_of(exchange);
  EXPECT_EQ(exchange->response().status, 200);
  const image::Picture picture = picture_of(answer.at("data").at(0).at("b64_json"));
  EXPECT_EQ(picture.size(), (image::Size{64, 64}));
  EXPECT_EQ(picture.pixels.front(), 40);
  EXPECT_EQ(answer.at("data").at(0).at("seed"), 7);
  EXPECT_EQ(answer.at("size"), "64x64");
  EXPECT_EQ(answer.at("output_format"), "png");
  EXPECT_EQ(answer.at("quality"), "high");
  EXPECT_EQ(answer.at("background"), "opaque");
  EXPECT_EQ(answer.at("usage").at("input_tokens"), 1);
  EXPECT_EQ(answer.at("usage").at("output_tokens"), 0);
  EXPECT_EQ(answer.at("usage").at("total_tokens"), 1);
  EXPECT_GT(answer.at("created").as_int64(), 1'700'000'000);
  EXPECT_EQ(answer.as_object().count("notes"), 0u);
}

TEST_F(ImagesTest, SeveralPicturesHaveSeedsOneAfterTheOther) {
  const auto exchange = generate(R"("n":2,"seed":7,"size":"96x64","steps":2)");
  ASSERT_EQ(fleet_.size(), 2u);
  EXPECT_THAT(fleet_.picture(1).timesteps, SizeIs(2));
  fleet_.paint(0, 1);
  fleet_.paint(1, 2);
  const json::value answer = answer_of(exchange);
  ASSERT_EQ(answer.at("data").as_array().size(), 2u);
  EXPECT_EQ(answer.at("data").at(1).at("seed"), 8);
  EXPECT_EQ(picture_of(answer.at("data").at(1).at("b64_json")).pixels.front(), 2);
  EXPECT_EQ(answer.at("size"), "96x64");
}

TEST_F(ImagesTest, WithoutASeedEachRequestHasAnotherOne) {
  generate();
  generate();
  EXPECT_NE(fleet_.picture(0).seed, fleet_.picture(1).seed);
  EXPECT_LT(fleet_.picture(0).seed, std::uint64_t{1} << 32);
}

TEST_F(ImagesTest, FieldsReachTheJob) {
  generate(R"("negative_prompt":"red","cfg_scale":1.5,"priority":5,"deadline_s":60)");
  EXPECT_EQ(fleet_.picture(0).guidance, 1.5);
  EXPECT_EQ(fleet_.picture(0).negative, tiny_.served()->tokenizer.encode("red")->ids);
  EXPECT_EQ(fleet_.picture(0).priority, 5);
  EXPECT_TRUE(fleet_.deadline());
}

TEST_F(ImagesTest, OtherFormsAndSizesForDevices) {
  const auto exchange =
      generate(R"("output_format":"rgb565","output_width":24,"output_height":20)");
  fleet_.paint(0, 255);
  const json::value answer = answer_of(exchange);
  EXPECT_EQ(answer.at("size"), "24x20");
  EXPECT_EQ(answer.at("output_format"), "rgb565");
  EXPECT_EQ(decode_base64(answer.at("data").at(0).at("b64_json").as_string())->size(),
            2u * 24 * 20);
}

TEST_F(ImagesTest, WhatIsAskedForInVainIsSaid) {
  std::string words;
  for (int i = 0; i < 80; ++i) words += "cat ";
  const auto exchange =
      send(http::testing::make_request("POST", "/v1/images/generations",
                                       R"({"prompt":")" + words + R"(","negative_prompt":"dog"})"));
  fleet_.paint(0, 1);
  const json::value answer = answer_of(exchange);
  EXPECT_EQ(answer.at("usage").at("input_tokens"), 75);
  EXPECT_EQ(answer.at("notes").at(0), "'prompt' has 80 tokens; tiny reads the first 75");
  EXPECT_EQ(answer.at("notes").at(1),
            "'negative_prompt' has no effect without a 'cfg_scale' above 1");
}

TEST_F(ImagesTest, AnAddressGivesTheFileWithoutAKey) {
  const auto exchange = generate(R"("response_format":"url","output_format":"jpeg")");
  fleet_.paint(0, 40);
  const json::value answer = answer_of(exchange);
  const std::string url(answer.at("data").at(0).at("url").as_string());
  const std::string server = "http://axle.local:8000";
  ASSERT_TRUE(url.starts_with(server + "/v1/images/files/")) << url;
  const http::Request get = http::testing::make_request("GET", url.substr(server.size()), "");
  EXPECT_EQ(router_.match("GET", get.segments).access, http::Access::kOpen);
  const http::Response file = send(get)->response();
  EXPECT_EQ(file.status, 200);
  EXPECT_EQ(http::find_header(file.headers, "content-type"), "image/jpeg");
  EXPECT_TRUE(file.body.starts_with("\xff\xd8"));
}

TEST_F(ImagesTest, AnAddressSaysWhatAProxySaysOfTheWayToIt) {
  http::Request request = http::testing::make_request(
      "POST", "/v1/images/generations", R"({"prompt":"cat","response_format":"url"})");
  request.headers.emplace_back("X-Forwarded-Proto", "https");
  const auto exchange = send(std::move(request));
  fleet_.paint(0, 40);
  EXPECT_TRUE(answer_of(exchange).at("data").at(0).at("url").as_string().starts_with(
      "https://axle.local:8000/v1/images/files/"));
}

TEST_F(ImagesTest, AnAddressThatIsNotKnownAnyMoreIsNotFound) {
  EXPECT_THAT(error_of(send(http::testing::make_request("GET", "/v1/images/files/0123", ""))),
              HasSubstr("404 - not_found: there is no such picture, or not any more"));
}

TEST_F(ImagesTest, ModelsThatAreNotThereAreNamedWithThoseThatAre) {
  EXPECT_EQ(error_of(generate(R"("model":"dall-e-3")")),
            "404 model model_not_found: there is no model \"dall-e-3\"; its picture models are "
            "\"tiny\"");
  EXPECT_EQ(error_of(generate(R"("model":"chat")")),
            "400 model wrong_model_kind: \"chat\" is a language model, which paints nothing; use "
            "it with /v1/chat/completions; its picture models are \"tiny\"");
}

TEST_F(ImagesTest, WithoutPictureModelsNothingIsPainted) {
  pictures::Studio empty(fleet_, {}, metrics_, "axle 1");
  ImagesApi api(empty, options());
  http::Router router;
  api.add_routes(router);
  EXPECT_EQ(error_of(http::testing::send(router, "POST", "/v1/images/generations",
                                         R"({"prompt":"cat"})")),
            "404 model model_not_found: this server has no picture models");
}

TEST_F(ImagesTest, WhatTheModelHasNotIsRefusedWithWhatItHas) {
  EXPECT_EQ(error_of(generate(R"("size":"512x512")")),
            "400 size invalid_value: 'size' must be auto or one of 64x64, 96x64, which tiny has, "
            "found 512x512");
  EXPECT_EQ(error_of(generate(R"("steps":3)")),
            "400 steps invalid_value: 'steps' must be one of 1, 2, 4, which tiny can do, found 3");
  EXPECT_EQ(error_of(generate(R"("n":11)")),
            "400 n invalid_value: 'n' must be between 1 and 10, found 11");
  EXPECT_EQ(fleet_.size(), 0u);
}

TEST_F(ImagesTest, AFullQueueSaysWhenToComeBack) {
  fleet_.refuse(exhausted("the queue is full"));
  const auto exchange = generate();
  EXPECT_EQ(error_of(exchange), "429 - server_busy: the queue is full");
  EXPECT_EQ(http::find_header(exchange->response().headers, "retry-after"), "3");
}

TEST_F(ImagesTest, AFailureOfTheCardIsTold) {
  const auto exchange = generate(R"("n":2)");
  fleet_.fail(0, unavailable("the card is lost"));
  EXPECT_EQ(error_of(exchange), "503 - unavailable: the card is lost");
  EXPECT_THAT(fleet_.cancelled(), ElementsAre(fleet_.id(1)));
}

TEST_F(ImagesTest, ADeadlineThatPassesIsTold) {
  const auto exchange = generate(R"("deadline_s":1)");
  fleet_.fail(0, deadline_exceeded("too late"));
  EXPECT_EQ(error_of(exchange), "504 - deadline_exceeded: too late");
}

TEST_F(ImagesTest, ANewerRequestWithTheSameKeyEndsTheOlder) {
  const auto older = generate(R"("replace_key":"kiosk")");
  generate(R"("replace_key":"kiosk")");
  EXPECT_THAT(error_of(older), HasSubstr("499 replace_key replaced: a newer request"));
  EXPECT_THAT(fleet_.cancelled(), ElementsAre(fleet_.id(0)));
}

TEST_F(ImagesTest, AClientThatLeavesEndsItsPictures) {
  const auto exchange = generate(R"("n":2)");
  exchange->disconnect();
  EXPECT_THAT(fleet_.cancelled(), ElementsAre(fleet_.id(0), fleet_.id(1)));
  EXPECT_FALSE(exchange->answered());
}

TEST_F(ImagesTest, AServerThatStopsSaysSo) {
  const auto exchange = generate();
  exchange->stop();
  EXPECT_THAT(error_of(exchange), HasSubstr("503 - unavailable: the server is being stopped"));
  EXPECT_THAT(fleet_.cancelled(), SizeIs(1));
}

TEST_F(ImagesTest, AStreamHasPartialPicturesAndThenTheWholeOne) {
  const auto exchange = generate(R"("stream":true,"partial_images":3,"seed":7)");
  EXPECT_EQ(http::find_header(exchange->response().headers, "content-type"), "text/event-stream");
  EXPECT_TRUE(fleet_.picture(0).previews);
  for (int step = 1; step <= 3; ++step) {
    fleet_.step(0, step);
    ASSERT_TRUE(streamed(exchange, "\"partial_image_index\":" + std::to_string(step - 1)));
  }
  fleet_.step(0, 4);
  fleet_.paint(0, 40);
  const std::vector<json::value> events = events_of(exchange);
  ASSERT_THAT(events, SizeIs(5));
  EXPECT_EQ(events[1].at("type"), "image_generation.partial_image");
  EXPECT_EQ(events[1].at("partial_image_index"), 1);
  EXPECT_EQ(events[1].at("size"), "64x64");
  const image::Picture partial = picture_of(events[1].at("b64_json"));
  EXPECT_EQ(partial.size(), (image::Size{64, 64}));
  EXPECT_EQ(partial.pixels.front(), 2);
  EXPECT_EQ(events[3].at("type"), "image_generation.completed");
  EXPECT_EQ(events[3].at("seed"), 7);
  EXPECT_EQ(events[3].at("output_format"), "png");
  EXPECT_EQ(events[3].at("usage").at("total_tokens"), 1);
  EXPECT_EQ(picture_of(events[3].at("b64_json")).pixels.front(), 40);
  EXPECT_EQ(events[4], "[DONE]");
  EXPECT_THAT(exchange->streamed(), HasSubstr("event: image_generation.completed\ndata: {"));
}

TEST_F(ImagesTest, FewerPartialPicturesAreSpreadOverTheSteps) {
  const auto exchange = generate(R"("stream":true,"partial_images":1)");
  fleet_.step(0, 1);
  fleet_.step(0, 2);
  ASSERT_TRUE(streamed(exchange, "partial_image_index"));
  fleet_.step(0, 3);
  fleet_.paint(0, 40);
  const std::vector<json::value> events = events_of(exchange);
  ASSERT_THAT(events, SizeIs(3));
  EXPECT_EQ(picture_of(events[0].at("b64_json")).pixels.front(), 2) << "of the second step of four";
}

TEST_F(ImagesTest, AStreamOfSeveralPicturesTellsWhichIsWhich) {
  const auto exchange = generate(R"("stream":true,"n":2,"seed":7,"partial_images":1)");
  fleet_.step(0, 2);
  ASSERT_TRUE(streamed(exchange, "partial_image_index"));
  fleet_.paint(0, 1);
  ASSERT_TRUE(streamed(exchange, "\"seed\":7"));
  fleet_.step(1, 2);
  ASSERT_TRUE(streamed(exchange, R"("size":"64x64","index":1})"));
  fleet_.paint(1, 2);
  const std::vector<json::value> events = events_of(exchange);
  ASSERT_THAT(events, SizeIs(5));
  EXPECT_EQ(events[1].at("index"), 0);
  EXPECT_EQ(events[2].at("partial_image_index"), 0);
  EXPECT_EQ(events[3].at("index"), 1);
  EXPECT_EQ(events[3].at("seed"), 8);
}

TEST_F(ImagesTest, AStreamThatFailsEndsWithTheErrorAndWithoutDone) {
  const auto exchange = generate(R"("stream":true)");
  fleet_.fail(0, unavailable("the card is lost"));
  const std::vector<json::value> events = events_of(exchange);
  ASSERT_THAT(events, SizeIs(1));
  EXPECT_EQ(events[0].at("error").at("message"), "the card is lost");
}

TEST_F(ImagesTest, AStreamThatIsRefusedIsAnOrdinaryError) {
  fleet_.refuse(exhausted("the queue is full"));
  EXPECT_EQ(error_of(generate(R"("stream":true)")), "429 - server_busy: the queue is full");
}

TEST_F(ImagesTest, AStreamOfAServerThatStopsSaysSo) {
  const auto exchange = generate(R"("stream":true)");
  exchange->stop();
  EXPECT_THAT(exchange->streamed(), HasSubstr("the server is being stopped"));
  EXPECT_TRUE(exchange->stream_finished());
  EXPECT_THAT(fleet_.cancelled(), SizeIs(1));
}

}  // namespace
}  // namespace axle::api
