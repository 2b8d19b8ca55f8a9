#include "api/automatic1111/paint_plan.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "image/encode.h"
#include "pictures/testing/tiny_model.h"

namespace axle::api::automatic1111 {
namespace {

using pictures::testing::TinyModel;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

// A model of 64x64 and 96x64 pixels, 1, 2 and 4 steps; the wide size begins with no picture.
class PaintPlanTest : public testing::Test {
 protected:
  PaintPlan planned(const Request& request) const {
    return plan_painting(request, *model_.served(), {7, 8});
  }
  static Request from_picture(double strength) {
    Request request;
    request.task = Task::kImg2img;
    request.init_images = {picture_file(200)};
    request.denoising_strength = strength;
    request.width = 64;
    request.height = 64;
    return request;
  }
  // A PNG of 64x64, the left half black, the right half of one grey.
  static std::string picture_file(std::uint8_t grey) {
    image::Picture picture = *image::make_picture({64, 64}, 3);
    for (int y = 0; y < 64; ++y) {
      const auto row = picture.row(y);
      std::fill(row.begin() + 96, row.end(), grey);
    }
    return *image::encode_png(picture);
  }

  const TinyModel model_{{.wide = false}};
};

TEST_F(PaintPlanTest, NothingAskedForIsTheSizeNearestTo512AndFourSteps) {
  const PaintPlan plan = planned(Request{});
  EXPECT_EQ(plan.order.width, 64);
  EXPECT_EQ(plan.order.height, 64);
  EXPECT_EQ(plan.order.steps, 4);
  EXPECT_EQ(plan.order.count, 1);
  EXPECT_FALSE(plan.from_picture);
  EXPECT_EQ(plan.order.guidance, 1.0);
  EXPECT_THAT(plan.notes, IsEmpty());
}

TEST_F(PaintPlanTest, StepsBecomeTheNearestNumberThatTheModelHas) {
  Request request;
  request.steps = 20;
  EXPECT_THAT(planned(request).notes,
              ElementsAre("steps: 20 asked, 4 done: the model has 1, 2 and 4"));
  request.steps = 2;
  EXPECT_EQ(planned(request).order.steps, 2);
  EXPECT_THAT(planned(request).notes, IsEmpty());
}

TEST_F(PaintPlanTest, SizeBecomesTheNearestAndIsNoted) {
  Request request;
  request.width = 768;
  request.height = 512;
  EXPECT_EQ(planned(request).order.width, 96);
  EXPECT_THAT(planned(request).notes,
              ElementsAre("size: 768x512 asked, 96x64 done: the model has 64x64, 96x64"));
  request.width = 96;
  request.height = 64;
  EXPECT_THAT(planned(request).notes, IsEmpty());
}

TEST_F(PaintPlanTest, OneSideAloneGoesWith512) {
  Request request;
  request.width = 512;
  EXPECT_THAT(planned(request).notes, ElementsAre(HasSubstr("512x512 asked, 64x64 done")));
}

TEST_F(PaintPlanTest, StrengthBecomesWholeStepsAndOneAtLeast) {
  EXPECT_EQ(planned(from_picture(0.5)).order.strength, 0.5);
  EXPECT_THAT(planned(from_picture(0.5)).notes, IsEmpty());
  EXPECT_EQ(planned(from_picture(0.6)).order.strength, 0.5);
  EXPECT_THAT(planned(from_picture(0.0)).notes,
              ElementsAre("denoising_strength: 0 asked, 0.25 done: 1 of 4 steps"));
}

TEST_F(PaintPlanTest, PicturesBeginWithOthersOnlyInSizesThatCan) {
  Request request = from_picture(0.5);
  request.width = 96;
  const PaintPlan plan = planned(request);
  EXPECT_TRUE(plan.from_picture);
  EXPECT_EQ(plan.order.width, 64);
  EXPECT_THAT(plan.notes, ElementsAre("size: 96x64 asked, 64x64 done: the model has 64x64"));
}

TEST_F(PaintPlanTest, ModelWithoutEncoderPaintsFromThePromptAndSaysSo) {
  const TinyModel model({.square = false, .wide = false});
  const PaintPlan plan = plan_painting(from_picture(0.5), *model.served(), {});
  EXPECT_FALSE(plan.from_picture);
  EXPECT_EQ(plan.order.strength, 1.0);
  EXPECT_THAT(plan.notes, ElementsAre(HasSubstr("init_images: not used")));
  EXPECT_FALSE(order_of(from_picture(0.5), plan, {})->image.has_value());
}

TEST_F(PaintPlanTest, GuidanceNeedsANegativePromptAndHasABound) {
  Request request;
  request.cfg_scale = 7;
  EXPECT_EQ(planned(request).order.guidance, 1.0);
  EXPECT_THAT(planned(request).notes, ElementsAre(HasSubstr("cfg_scale: 7 asked, 1 done")));
  request.negative_prompt = "red";
  EXPECT_EQ(planned(request).order.guidance, 2.0);
  EXPECT_THAT(planned(request).notes,
              ElementsAre("cfg_scale: 7 asked, 2 done: the model takes 1 to 2"));
  request.cfg_scale = 1.5;
  EXPECT_EQ(planned(request).order.guidance, 1.5);
  EXPECT_THAT(planned(request).notes, IsEmpty());
  request.cfg_scale = std::nullopt;
  EXPECT_EQ(planned(request).order.guidance, 2.0);
  request.cfg_scale = 1.0;
  EXPECT_THAT(planned(request).notes, ElementsAre(HasSubstr("negative_prompt: not used")));
}

TEST_F(PaintPlanTest, OtherSamplersAndSchedulesAreNoted) {
  Request request;
  request.sampler = "Euler a";
  request.scheduler = "Karras";
  EXPECT_THAT(planned(request).notes, ElementsAre("sampler_name: Euler a asked, LCM done",
                                                  "scheduler: Karras asked, that of LCM done"));
  request.sampler = "LCM";
  request.scheduler = "Automatic";
  EXPECT_THAT(planned(request).notes, IsEmpty());
}

TEST_F(PaintPlanTest, WordsThatTheTextEncoderCannotTakeAreNoted) {
  Request request;
  for (int i = 0; i < 80; ++i) request.prompt += "cat ";
  EXPECT_THAT(planned(request).notes, ElementsAre("prompt: 80 tokens asked, the first 75 done"));
}

TEST_F(PaintPlanTest, NotesOfTheRequestComeFirst) {
  Request request;
  request.notes = {"one"};
  request.steps = 20;
  EXPECT_THAT(planned(request).notes, ElementsAre("one", HasSubstr("steps")));
}

TEST_F(PaintPlanTest, SeedsAreThoseAskedForOrAny) {
  Request request;
  request.batch_size = 2;
  request.n_iter = 3;
  request.subseed_strength = 0.5;
  pictures::Order order = planned(request).order;
  EXPECT_EQ(order.count, 6);
  EXPECT_EQ(order.seed, 7u);
  EXPECT_EQ(order.variation_seed, 8u);
  EXPECT_EQ(order.variation, 0.5);
  request.seed = 0;
  request.subseed = 42;
  order = planned(request).order;
  EXPECT_EQ(order.seed, 0u);
  EXPECT_EQ(order.variation_seed, 42u);
}

TEST_F(PaintPlanTest, AMaskSaysWhatIsPaintedAndTheRestIsKept) {
  Request request = from_picture(0.5);
  request.mask = MaskRequest{picture_file(255), false, 0, 0};
  const Result<pictures::Order> order = order_of(request, planned(request), {});
  ASSERT_TRUE(order.ok()) << order.status();
  EXPECT_EQ(order->image->pixels[3 * 63], 200);
  EXPECT_EQ(order->mask->pixels[0], 0);
  EXPECT_EQ(order->mask->pixels[63], 255);
  EXPECT_EQ(order->keep->pixels[3], 255) << "The dark part is kept.";
  EXPECT_EQ(order->keep->pixels[4 * 63 + 3], 0);
  request.mask->inverted = true;
  EXPECT_EQ(order_of(request, planned(request), {})->mask->pixels[0], 255);
}

TEST_F(PaintPlanTest, ABlurredMaskKeepsASoftEdge) {
  Request request = from_picture(0.5);
  request.mask = MaskRequest{picture_file(255), false, 4, 4};
  const Result<pictures::Order> order = order_of(request, planned(request), {});
  ASSERT_TRUE(order.ok()) << order.status();
  const int edge = order->keep->pixels[4 * 32 + 3];
  EXPECT_GT(edge, 64);
  EXPECT_LT(edge, 192);
}

TEST_F(PaintPlanTest, FilesThatAreNoPicturesAreInvalid) {
  Request request = from_picture(0.5);
  request.mask = MaskRequest{"no picture"};
  EXPECT_EQ(order_of(request, planned(request), {}).status().code(), Code::kCorrupt);
  request.mask.reset();
  request.init_images = {"no picture"};
  const Status status = order_of(request, planned(request), {}).status();
  EXPECT_EQ(status.code(), Code::kCorrupt);
  EXPECT_THAT(status.message(), HasSubstr("Invalid encoded image"));
}

}  // namespace
}  // namespace axle::api::automatic1111
