#include "api/latest/latest.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <span>
#include <string>

#include "http/testing/fake_exchange.h"
#include "image/decode.h"
#include "image/metadata.h"

namespace axle::api {
namespace {

using http::testing::FakeExchange;
using http::testing::make_request;
using http::testing::send;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class LatestTest : public ::testing::Test {
 protected:
  void SetUp() override { api_.add_routes(router_); }

  void finish_picture(std::uint8_t grey) { show(grey, true); }
  void show(std::uint8_t grey, bool finished) {
    image::Picture picture =
        *image::make_picture(finished ? image::Size{64, 32} : image::Size{8, 4}, 3);
    std::ranges::fill(picture.pixels, grey);
    feed_.show({0, finished, "tiny", std::move(picture), finished ? "a cat" : ""});
  }
  std::shared_ptr<FakeExchange> get(const std::string& path, const std::string& etag = "") {
    http::Request request = make_request("GET", path, "");
    if (!etag.empty()) request.headers.emplace_back("If-None-Match", etag);
    return send(router_, std::move(request));
  }
  static std::string etag(const http::Response& response) {
    return std::string(http::find_header(response.headers, "ETag").value_or(""));
  }
  static image::Picture picture(const std::string& file) {
    const auto decoded = image::decode(std::as_bytes(std::span(file)));
    EXPECT_TRUE(decoded.ok()) << decoded.status();
    return decoded.ok() ? *decoded : image::Picture{};
  }
  // The files of a film so far.
  static std::vector<std::string> parts(const FakeExchange& film) {
    std::vector<std::string> files;
    const std::string all = film.streamed();
    for (std::size_t at = all.find("\r\n\r\n"); at != std::string::npos;
         at = all.find("\r\n\r\n", at)) {
      at += 4;
      files.push_back(all.substr(at, all.find("\r\n--axle-picture\r\n", at) - at));
    }
    return files;
  }

  pictures::Feed feed_;
  http::Router router_;
  LatestApi api_{feed_};
};

TEST_F(LatestTest, BeforeTheFirstPictureThereIsNone) {
  const auto answer = get("/latest.png");
  EXPECT_EQ(answer->response().status, 404);
  EXPECT_THAT(answer->response().body, HasSubstr("no picture"));
}

TEST_F(LatestTest, TheNewestPictureComesInTheFormOfItsName) {
  finish_picture(10);
  finish_picture(200);
  const http::Response png = get("/latest.png")->response();
  EXPECT_EQ(png.status, 200);
  EXPECT_EQ(http::find_header(png.headers, "Content-Type"), "image/png");
  EXPECT_EQ(picture(png.body).pixels.front(), 200);
  EXPECT_EQ(image::read_metadata(std::as_bytes(std::span(png.body)))->parameters, "a cat");
  const http::Response panel = get("/latest.rgb565?width=10&height=10")->response();
  EXPECT_EQ(panel.body.size(), 200u);
  EXPECT_EQ(http::find_header(panel.headers, "X-Image-Width"), "10");
  EXPECT_EQ(http::find_header(panel.headers, "X-Image-Format"), "rgb565");
}

TEST_F(LatestTest, WhoHasItAlreadyIsToldSo) {
  finish_picture(10);
  const std::string first = etag(get("/latest.png")->response());
  EXPECT_EQ(get("/latest.png", first)->response().status, 304);
  finish_picture(20);
  EXPECT_EQ(get("/latest.png", first)->response().status, 200);
}

TEST_F(LatestTest, WhoWaitsGetsTheNextOne) {
  const auto first = get("/latest.png?wait=300");
  EXPECT_FALSE(first->answered());
  show(1, false);
  EXPECT_FALSE(first->answered());
  finish_picture(10);
  ASSERT_TRUE(first->answered());
  const auto second = get("/latest.jpg?wait=300", etag(first->response()));
  EXPECT_FALSE(second->answered());
  finish_picture(20);
  ASSERT_TRUE(second->answered());
  EXPECT_NEAR(picture(second->response().body).pixels.front(), 20, 2);
}

TEST_F(LatestTest, WaitingEndsAfterItsTime) {
  finish_picture(10);
  const auto waiting = get("/latest.png?wait=1", etag(get("/latest.png")->response()));
  ASSERT_TRUE(waiting->wait_for_answer());
  EXPECT_EQ(waiting->response().status, 304);
}

TEST_F(LatestTest, WaitingEndsWithTheServer) {
  const auto waiting = get("/latest.png?wait=300");
  waiting->stop();
  EXPECT_EQ(waiting->response().status, 404);
  const auto left = get("/latest.png?wait=300");
  left->disconnect();
  finish_picture(1);  // Nobody is there to take it.
}

TEST_F(LatestTest, WishesThatCannotBeAreRefused) {
  EXPECT_EQ(get("/latest.png?width=9999&height=1")->response().status, 400);
  EXPECT_EQ(get("/latest.png?wait=soon")->response().status, 400);
  EXPECT_EQ(get("/latest.mjpeg?previews=2")->response().status, 400);
  EXPECT_EQ(get("/latest.mjpeg?quality=0")->response().status, 400);
}

TEST_F(LatestTest, AFilmShowsTheNewestPictureAndAllThatFollows) {
  finish_picture(10);
  const auto film = get("/latest.mjpeg");
  EXPECT_THAT(*http::find_header(film->response().headers, "Content-Type"),
              HasSubstr("multipart/x-mixed-replace"));
  EXPECT_TRUE(feed_.previews_wanted());
  show(50, false);
  finish_picture(90);
  const auto files = parts(*film);
  ASSERT_EQ(files.size(), 3u);
  EXPECT_NEAR(picture(files[0]).pixels.front(), 10, 2);
  EXPECT_EQ(picture(files[1]).size(), (image::Size{64, 32}));  // Enlarged.
  EXPECT_NEAR(picture(files[2]).pixels.front(), 90, 2);
  film->stop();
  EXPECT_TRUE(film->stream_finished());
}

TEST_F(LatestTest, AFilmWithoutPreviewsShowsFinishedPicturesOnly) {
  const auto film = get("/latest.mjpeg?previews=0");
  EXPECT_FALSE(feed_.previews_wanted());
  show(50, false);
  EXPECT_THAT(parts(*film), IsEmpty());
}

TEST_F(LatestTest, ASlowScreenMissesFramesButNotTheNewest) {
  const auto film = get("/latest.mjpeg?width=32&height=32");
  film->set_full(true);
  finish_picture(10);
  finish_picture(50);
  finish_picture(90);
  film->set_full(false);
  film->drain();
  const auto files = parts(*film);
  ASSERT_EQ(files.size(), 2u);
  EXPECT_NEAR(picture(files[1]).pixels.front(), 90, 2);
  EXPECT_EQ(picture(files[1]).size(), (image::Size{32, 32}));
}

TEST_F(LatestTest, AFilmEndsWithItsClient) {
  const auto film = get("/latest.mjpeg");
  film->disconnect();
  EXPECT_FALSE(feed_.previews_wanted());
}

}  // namespace
}  // namespace axle::api
