#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/json.hpp>
#include <span>

#include "api/openai/images.h"
#include "base/base64.h"
#include "fleet/testing/fake_fleet.h"
#include "http/multipart.h"
#include "http/testing/fake_exchange.h"
#include "image/decode.h"
#include "image/encode.h"
#include "pictures/testing/tiny_model.h"

namespace axle::api {
namespace {

namespace json = boost::json;
using http::testing::FakeExchange;
using testing::Each;
using testing::HasSubstr;
using testing::SizeIs;

constexpr image::Colour kGrey{90, 90, 90, 255};
constexpr image::Colour kClear{0, 0, 0, 0};

// The API over a fake fleet, with a model of 64x64 and 96x64 pixels that can do 1, 2 and 4 steps.
class ImageEditsTest : public testing::Test {
 protected:
  void SetUp() override { serve(tiny_); }

  void serve(const pictures::testing::TinyModel& model) {
    studio_ =
        std::make_unique<pictures::Studio>(fleet_, std::vector{model.served()}, metrics_, "axle 1");
    ImagesOptions options;
    options.ping_interval = std::chrono::milliseconds(0);
    options.sources.limits.max_pixels = 1'000'000;
    api_ = std::make_unique<ImagesApi>(*studio_, options);
    router_ = http::Router();
    api_->add_routes(router_);
  }

  // A PNG of `left` and `right` half.
  static std::string png(image::Size size, image::Colour left, image::Colour right) {
    image::Picture picture = *image::make_picture(size, 4);
    for (int y = 0; y < size.height; ++y) {
      for (int x = 0; x < size.width; ++x) {
        const image::Colour& colour = x < size.width / 2 ? left : right;
        const auto at = picture.row(y).subspan(static_cast<std::size_t>(x) * 4, 4);
        at[0] = colour.red;
        at[1] = colour.green;
        at[2] = colour.blue;
        at[3] = colour.alpha;
      }
    }
    return *image::encode_png(picture, {});
  }
  static std::string grey_png(image::Size size) { return png(size, kGrey, kGrey); }
  static http::FormPart file(const char* name, std::string_view bytes) {
    return {.name = name, .filename = "picture.png", .content_type = "image/png", .body = bytes};
  }
  static http::FormPart field(const char* name, std::string_view text) {
    return {.name = name, .body = text};
  }
  std::shared_ptr<FakeExchange> post(const std::string& path,
                                     const std::vector<http::FormPart>& parts) {
    http::Form form = http::write_multipart(parts);
    http::Request request = http::testing::make_request("POST", path, std::move(form.body));
    request.headers.emplace_back("Content-Type", form.content_type);
    return http::testing::send(router_, std::move(request));
  }
  // An edit of `picture` with further parts.
  std::shared_ptr<FakeExchange> edit(std::string_view picture,
                                     std::vector<http::FormPart> parts = {}) {
    parts.push_back(file("image", picture));
    parts.push_back(field("prompt", "cat"));
    return post("/v1/images/edits", parts);
  }
  static json::value answer_of(const std::shared_ptr<FakeExchange>& exchange) {
    EXPECT_TRUE(exchange->wait_for_answer());
    return json::parse(exchange->response().body);
  }
  // "status param code: message" of an error.
  static std::string error_of(const std::shared_ptr<FakeExchange>& exchange) {
    const json::value answer = answer_of(exchange);
    const json::value& error = answer.at("error");
    return std::to_string(exchange->response().status) + " " +
           std::string(error.at("param").as_string()) + " " +
           std::string(error.at("code").as_string()) + ": " +
           std::string(error.at("message").as_string());
  }

  pictures::testing::TinyModel tiny_;
  fleet::testing::FakeFleet fleet_;
  metrics::Registry metrics_;
  std::unique_ptr<pictures::Studio> studio_;
  std::unique_ptr<ImagesApi> api_;
  http::Router router_;
};

TEST_F(ImageEditsTest, AnEditPaintsThreeQuartersOfThePictureAnew) {
  const auto exchange = edit(grey_png({64, 64}), {field("seed", "7")});
  ASSERT_EQ(fleet_.size(), 1u);
  const jobs::PictureJob job = fleet_.picture(0);
  EXPECT_THAT(job.image, SizeIs(64u * 64 * 3));
  EXPECT_THAT(job.image, Each(90));
  EXPECT_THAT(job.mask, SizeIs(0));
  EXPECT_THAT(job.timesteps, SizeIs(3));
  EXPECT_EQ(job.seed, 7u);
  fleet_.paint(0, 40);
  const json::value answer = answer_of(exchange);
  EXPECT_EQ(answer.at("data").at(0).at("seed"), 7);
  EXPECT_EQ(answer.at("size"), "64x64");
}

TEST_F(ImageEditsTest, StrengthIsTheShareOfTheStepsThatIsDone) {
  edit(grey_png({64, 64}), {field("strength", "0.5")});
  edit(grey_png({64, 64}), {field("strength", "0")});
  EXPECT_THAT(fleet_.picture(0).timesteps, SizeIs(2));
  EXPECT_THAT(fleet_.picture(1).timesteps, SizeIs(1)) << "One step at least.";
}

TEST_F(ImageEditsTest, AStrengthThatLeavesNoWholeStepsIsReplacedAndSaid) {
  const auto exchange = edit(grey_png({64, 64}), {field("strength", "0.7")});
  EXPECT_THAT(fleet_.picture(0).timesteps, SizeIs(3));
  fleet_.paint(0, 1);
  EXPECT_EQ(answer_of(exchange).at("notes").at(0),
            "'strength' is 0.75 instead of 0.7: it is a share of 4 steps");
}

TEST_F(ImageEditsTest, APictureOfAnotherSizeIsCutToTheNearestOne) {
  edit(grey_png({300, 200}));
  EXPECT_EQ(fleet_.picture(0).width, 96);
  edit(grey_png({300, 200}), {field("size", "64x64")});
  EXPECT_EQ(fleet_.picture(1).width, 64);
  EXPECT_THAT(fleet_.picture(1).image, SizeIs(64u * 64 * 3));
  EXPECT_THAT(fleet_.picture(1).image, Each(90));
}

TEST_F(ImageEditsTest, WhatIsTransparentInAMaskIsPaintedAnewAndTheRestIsKept) {
  const std::string mask = png({64, 64}, kGrey, kClear);
  const auto exchange = edit(grey_png({64, 64}), {file("mask", mask)});
  const jobs::PictureJob job = fleet_.picture(0);
  ASSERT_THAT(job.mask, SizeIs(64u * 64));
  EXPECT_EQ(job.mask[0], 0);
  EXPECT_EQ(job.mask[63], 255);
  EXPECT_THAT(job.timesteps, SizeIs(4)) << "What is marked is to be replaced: strength 1.";
  fleet_.paint(0, 200);
  const json::value answer = answer_of(exchange);
  const auto file = decode_base64(answer.at("data").at(0).at("b64_json").as_string());
  const auto picture = image::decode(std::as_bytes(std::span(*file)));
  EXPECT_EQ(picture->row(0)[0], 90);
  EXPECT_EQ(picture->row(0)[63 * 3], 200);
}

TEST_F(ImageEditsTest, InAMaskWithoutAlphaWhiteIsPaintedAnew) {
  const std::string mask = png({64, 64}, {255, 255, 255, 255}, {0, 0, 0, 255});
  edit(grey_png({64, 64}), {file("mask", mask), field("strength", "0.5")});
  EXPECT_EQ(fleet_.picture(0).mask[0], 255);
  EXPECT_EQ(fleet_.picture(0).mask[63], 0);
  EXPECT_THAT(fleet_.picture(0).timesteps, SizeIs(2));
}

TEST_F(ImageEditsTest, MasksThatFitNothingAreRefused) {
  const std::string picture = grey_png({64, 64});
  EXPECT_EQ(error_of(edit(picture, {file("mask", png({32, 64}, kClear, kClear))})),
            "400 mask invalid_value: 'mask' must have the size of 'image', 64x64, found 32x64");
  EXPECT_THAT(error_of(edit(picture, {file("mask", png({64, 64}, {0, 0, 0, 255}, kGrey))})),
              HasSubstr("400 mask invalid_value: 'mask' has nothing to paint"));
  EXPECT_EQ(fleet_.size(), 0u);
}

TEST_F(ImageEditsTest, BrokenPicturesAreTheClientsMatter) {
  EXPECT_THAT(error_of(edit("no picture")), HasSubstr("400 image invalid_image: 'image': "));
  EXPECT_THAT(error_of(edit(grey_png({64, 64}).substr(0, 60))),
              HasSubstr("400 image invalid_image: 'image': "));
  EXPECT_THAT(error_of(edit(grey_png({2000, 2000}))), HasSubstr("400 image invalid_image: "));
  EXPECT_THAT(error_of(edit(grey_png({64, 64}), {file("mask", "none")})),
              HasSubstr("400 mask invalid_image: 'mask': "));
}

TEST_F(ImageEditsTest, JsonBringsPicturesAsDataUris) {
  const auto send = [this](const std::string& image) {
    http::Request request = http::testing::make_request(
        "POST", "/v1/images/edits", R"({"prompt":"cat","image":")" + image + "\"}");
    request.headers.emplace_back("Content-Type", "application/json");
    return http::testing::send(router_, std::move(request));
  };
  send("data:image/png;base64," + encode_base64(grey_png({64, 64})));
  ASSERT_EQ(fleet_.size(), 1u);
  EXPECT_THAT(fleet_.picture(0).image, Each(90));
  EXPECT_THAT(error_of(send("http://example.com/a.png")),
              HasSubstr("400 image invalid_image: 'image': pictures are not fetched"));
  EXPECT_THAT(error_of(send("?")), HasSubstr("400 image invalid_image: 'image': "));
}

TEST_F(ImageEditsTest, OnlySizesThatCanStartFromAPictureAreTaken) {
  const pictures::testing::TinyModel square({.wide = false});
  serve(square);
  edit(grey_png({300, 200}));
  EXPECT_EQ(fleet_.picture(0).width, 64);
  EXPECT_EQ(error_of(edit(grey_png({300, 200}), {field("size", "96x64")})),
            "400 size invalid_value: 'size' must be auto or one of 64x64, which tiny has to start "
            "from a picture, found 96x64");
}

TEST_F(ImageEditsTest, AModelThatCannotStartFromAPictureSaysSo) {
  const pictures::testing::TinyModel none({.square = false, .wide = false});
  serve(none);
  EXPECT_EQ(error_of(edit(grey_png({64, 64}))),
            "400 model unsupported: tiny cannot start from a picture: it has no VAE encoder");
}

TEST_F(ImageEditsTest, AVariationIsAnEditWithoutAPrompt) {
  const std::string picture = grey_png({64, 64});
  const auto exchange = post("/v1/images/variations", {file("image", picture), field("n", "2")});
  ASSERT_EQ(fleet_.size(), 2u);
  EXPECT_EQ(fleet_.picture(1).prompt, tiny_.served()->tokenizer.encode("")->ids);
  EXPECT_THAT(fleet_.picture(1).timesteps, SizeIs(3));
  fleet_.paint(0, 1);
  fleet_.paint(1, 2);
  EXPECT_EQ(answer_of(exchange).at("data").as_array().size(), 2u);
}

TEST_F(ImageEditsTest, StreamedEditsHaveEventsOfTheirOwn) {
  const std::string picture = grey_png({64, 64});
  const auto exchange = edit(picture, {field("stream", "true"), field("partial_images", "1")});
  fleet_.paint(0, 1);
  EXPECT_TRUE(exchange->wait_for_stream_end());
  EXPECT_THAT(exchange->events().front(), HasSubstr(R"("type":"image_edit.completed")"));
}

TEST_F(ImageEditsTest, PromptsThatAreNoUtf8AreRefused) {
  const std::string picture = grey_png({64, 64});
  EXPECT_THAT(
      error_of(post("/v1/images/edits", {file("image", picture), field("prompt", "\xff\xfe")})),
      HasSubstr("400 prompt invalid_value: 'prompt': "));
}

}  // namespace
}  // namespace axle::api
