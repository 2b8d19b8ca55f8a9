#include "api/automatic1111/delivery.h"

#include <gtest/gtest.h>

namespace axle::api::automatic1111 {
namespace {

using pictures::Form;

// How a picture of 512x384 is handed out.
pictures::Output output(const Request& request, std::string_view accept) {
  PaintPlan plan;
  plan.order.width = 512;
  plan.order.height = 384;
  return delivery_of(request, plan, accept, {Form::kWebp, {240, 240}}).output;
}

Request asked(std::int32_t width, std::int32_t height) {
  Request request;
  request.width = width;
  request.height = height;
  return request;
}

TEST(DirectAnswerTest, TheFirstKnownTypeDecides) {
  EXPECT_FALSE(direct_answer("").has_value());
  EXPECT_FALSE(direct_answer("*/*").has_value());
  EXPECT_FALSE(direct_answer("application/json, image/*").has_value());
  EXPECT_FALSE(direct_answer("text/html, image/avif").has_value());
  EXPECT_EQ(direct_answer("application/octet-stream")->form, Form::kRgb565BigEndian);
  EXPECT_EQ(direct_answer("text/html , image/webp;q=0.8, */*")->form, Form::kWebp);
  EXPECT_TRUE(direct_answer("image/*").has_value());
  EXPECT_FALSE(direct_answer("image/*")->form.has_value());
  EXPECT_FALSE(direct_answer("png").has_value());
}

TEST(DeliveryTest, TheFormatIsThatOfTheRequestThenOfAcceptThenOfTheOptions) {
  Request request;
  EXPECT_EQ(output(request, "").form, Form::kWebp);
  request.samples_format = "jpg";
  EXPECT_EQ(output(request, "").form, Form::kJpeg);
  EXPECT_EQ(output(request, "image/*").form, Form::kJpeg);
  EXPECT_EQ(output(request, "image/png").form, Form::kPng);
  request.output.form = Form::kMono;
  EXPECT_EQ(output(request, "image/png").form, Form::kMono);
}

TEST(DeliveryTest, DisplaysGetTheirOwnSizeOrTheUsualOne) {
  const char* const bytes = "application/octet-stream";
  EXPECT_EQ(output(asked(320, 170), bytes).size, (image::Size{320, 170}));
  EXPECT_EQ(output(asked(512, 512), bytes).size, (image::Size{240, 240}));
  EXPECT_EQ(output(Request{}, bytes).size, (image::Size{240, 240}));
  EXPECT_EQ(output(asked(320, 170), "image/png").size, std::nullopt) << "Not a display.";
  EXPECT_EQ(output(asked(320, 170), "").size, std::nullopt) << "Not direct.";
}

TEST(DeliveryTest, TheSizeOfTheOutputWinsAndOneSideKeepsTheProportions) {
  Request request = asked(320, 170);
  request.output.width = 100;
  EXPECT_EQ(output(request, "application/octet-stream").size, (image::Size{100, 75}));
  request.output.height = 100;
  EXPECT_EQ(output(request, "").size, (image::Size{100, 100}));
  request.output.width.reset();
  EXPECT_EQ(output(request, "").size, (image::Size{133, 100}));
}

}  // namespace
}  // namespace axle::api::automatic1111
