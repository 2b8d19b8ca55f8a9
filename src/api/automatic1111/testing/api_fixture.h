#pragma once

#include <gtest/gtest.h>

#include <boost/json.hpp>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "api/automatic1111/api.h"
#include "base/base64.h"
#include "fleet/testing/fake_fleet.h"
#include "http/testing/fake_exchange.h"
#include "image/decode.h"
#include "image/encode.h"
#include "pictures/testing/tiny_model.h"

namespace axle::api::testing {

// The routes over a fake fleet, with a model of 64x64 and 96x64 pixels that has 1, 2 and 4 steps.
// The test plays the card and the clients.
class ApiFixture : public ::testing::Test {
 protected:
  using Exchange = std::shared_ptr<http::testing::FakeExchange>;

  void SetUp() override { api_.add_routes(router_); }

  static http::Request request(const std::string& method, const std::string& path,
                               const std::string& body) {
    return http::testing::make_request(method, path, body);
  }
  Exchange send(http::Request request) { return http::testing::send(router_, std::move(request)); }
  Exchange post(const std::string& path, const std::string& body) {
    return send(request("POST", path, body));
  }
  Exchange get(const std::string& path) { return send(request("GET", path, "")); }
  // The same from another machine.
  Exchange post_elsewhere(const std::string& path, const std::string& body) {
    http::Request other = request("POST", path, body);
    other.remote_address = "192.0.2.2";
    return send(std::move(other));
  }

  // The answer, which is waited for, a minute at most.
  static http::Response answer(const Exchange& exchange) {
    EXPECT_TRUE(exchange->wait_for_answer());
    return exchange->answered() ? exchange->response() : http::Response{};
  }
  static boost::json::value json(const Exchange& exchange, int status = 200) {
    const http::Response response = answer(exchange);
    EXPECT_EQ(response.status, status) << response.body;
    return boost::json::parse(response.body);
  }
  static std::string header(const http::Response& response, std::string_view name) {
    return std::string(http::find_header(response.headers, name).value_or(""));
  }
  // The file that a base64 text of an answer stands for.
  static std::string file(const boost::json::value& text) {
    const Result<std::string> bytes =
        decode_base64({text.get_string().data(), text.get_string().size()});
    EXPECT_TRUE(bytes.ok()) << bytes.status();
    return bytes.ok() ? *bytes : std::string();
  }
  static image::Picture decoded(const std::string& file) {
    const Result<image::Picture> picture = image::decode(std::as_bytes(std::span(file)));
    EXPECT_TRUE(picture.ok()) << picture.status();
    return picture.ok() ? *picture : image::Picture{};
  }
  // A PNG of one grey, in base64.
  static std::string picture_text(std::uint8_t grey, image::Size size = {64, 64}) {
    image::Picture picture = *image::make_picture(size, 3);
    std::fill(picture.pixels.begin(), picture.pixels.end(), grey);
    return encode_base64(*image::encode_png(picture));
  }

  pictures::testing::TinyModel tiny_;
  fleet::testing::FakeFleet fleet_;
  metrics::Registry metrics_;
  pictures::Studio studio_{fleet_, {tiny_.served()}, metrics_, "axle 1"};
  Automatic1111Api api_{studio_, {}};
  http::Router router_;
};

}  // namespace axle::api::testing
