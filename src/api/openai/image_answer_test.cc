#include "api/openai/image_answer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "fleet/testing/fake_fleet.h"
#include "http/testing/fake_exchange.h"
#include "pictures/testing/tiny_model.h"

namespace axle::api {
namespace {

using std::chrono::milliseconds;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::SizeIs;
using testing::StartsWith;

// A streamed answer; the test plays the studio, which calls one function after the other.
class ImageAnswerTest : public testing::Test {
 protected:
  void SetUp() override {
    ImageRequest request;
    request.stream = true;
    request.partial_pictures = 3;
    ImagePlan plan;
    plan.order.prompt = "cat";
    plan.order.width = 64;
    plan.order.height = 64;
    plan.order.steps = 4;
    plan.order.count = 2;
    answer_ = std::make_shared<ImageAnswer>(ImageContext{studio_, files_}, exchange_,
                                            ImageTask::kGenerate, std::move(request));
    answer_->start(std::move(plan), tiny_.served());
  }
  static pictures::Glimpse glimpse(std::int32_t step) {
    return {0, step, 4, *image::make_picture({8, 8}, 3)};
  }
  static pictures::Painted painted(std::int32_t index) {
    pictures::Painted painted;
    painted.index = index;
    painted.picture = *image::make_picture({64, 64}, 3);
    return painted;
  }

  pictures::testing::TinyModel tiny_;
  fleet::testing::FakeFleet fleet_;
  metrics::Registry metrics_;
  pictures::Studio studio_{fleet_, {tiny_.served()}, metrics_, "axle 1"};
  PictureFiles files_{{}};
  std::shared_ptr<http::testing::FakeExchange> exchange_ =
      std::make_shared<http::testing::FakeExchange>(
          http::testing::make_request("POST", "/v1/images/generations", ""));
  std::shared_ptr<ImageAnswer> answer_;
};

TEST_F(ImageAnswerTest, AClientThatReadsSlowlyMissesPartialPicturesOnly) {
  exchange_->set_full(true);
  answer_->on_glimpse(glimpse(1));
  answer_->on_glimpse(glimpse(2));
  answer_->on_picture(painted(0));
  answer_->on_picture(painted(1));
  answer_->on_end({});
  EXPECT_THAT(exchange_->events(), SizeIs(1));
  EXPECT_FALSE(exchange_->stream_finished());
  answer_.reset();  // It lives until all is sent.
  exchange_->drain();
  EXPECT_THAT(exchange_->events(), SizeIs(2));
  exchange_->set_full(false);
  exchange_->drain();
  EXPECT_THAT(exchange_->events(), ElementsAre(HasSubstr("partial_image"), HasSubstr("\"index\":0"),
                                               HasSubstr("\"index\":1"), "[DONE]"));
  EXPECT_TRUE(exchange_->stream_finished());
}

TEST_F(ImageAnswerTest, WhatAClientLeavesUnreadIsDropped) {
  exchange_->set_full(true);
  answer_->on_picture(painted(0));
  answer_->on_picture(painted(1));
  answer_->on_end({});
  const std::weak_ptr<ImageAnswer> left = answer_;
  answer_.reset();
  fleet_.paint(0, 1);  // The studio's own end of it.
  fleet_.paint(1, 1);
  exchange_->disconnect();
  exchange_->set_full(false);
  exchange_->drain();
  EXPECT_THAT(exchange_->events(), SizeIs(1));
}

TEST_F(ImageAnswerTest, AStepThatWasMissedLeavesNoGapInTheNumbers) {
  answer_->on_glimpse(glimpse(2));
  answer_->on_glimpse(glimpse(1));  // Late: not shown after a newer one.
  answer_->on_glimpse(glimpse(3));
  answer_->on_glimpse(glimpse(4));  // The whole picture comes at once.
  EXPECT_THAT(exchange_->events(), ElementsAre(HasSubstr("\"partial_image_index\":0"),
                                               HasSubstr("\"partial_image_index\":1")));
}

TEST_F(ImageAnswerTest, ASilentStreamGetsAPingAndNewsOfTheQueue) {
  EXPECT_TRUE(answer_->keep_alive(milliseconds(60'000)));
  EXPECT_EQ(exchange_->streamed(), "");
  EXPECT_TRUE(answer_->keep_alive(milliseconds(0)));
  EXPECT_EQ(exchange_->streamed(), ": ping\n\n");
  fleet_.set_place(fleet::QueuePlace{3, milliseconds(12'000)});
  EXPECT_TRUE(answer_->keep_alive(milliseconds(60'000)));
  EXPECT_EQ(exchange_->streamed(), ": ping\n\n: queued, 3 ahead, about 12 s\n\n");
  answer_->on_end({});
  EXPECT_FALSE(answer_->keep_alive(milliseconds(0)));
}

TEST_F(ImageAnswerTest, APictureThatCannotBeWrittenEndsTheAnswer) {
  answer_->on_picture({});
  ASSERT_THAT(exchange_->events(), SizeIs(1));
  EXPECT_THAT(exchange_->events().front(), StartsWith("{\"error\""));
  EXPECT_TRUE(exchange_->stream_finished());
  EXPECT_THAT(fleet_.cancelled(), SizeIs(2));
  answer_->on_picture(painted(1));
  EXPECT_THAT(exchange_->events(), SizeIs(1));
}

}  // namespace
}  // namespace axle::api
