#include "api/automatic1111/paint_plan.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace axle::api::automatic1111 {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

// The vendor's: two sizes, one of them without an encoder; 1, 2 and 4 steps.
PaintModel vendor() {
  PaintModel model;
  model.name = "dreamshaper";
  model.sizes = {{512, 512, true}, {768, 1024, false}};
  model.timesteps = {999, 759, 499, 259};
  return model;
}

PaintPlan planned(const Request& request, const PaintModel& model = vendor()) {
  Result<PaintPlan> plan = plan_painting(request, model);
  EXPECT_TRUE(plan.ok()) << plan.status();
  return plan.ok() ? *std::move(plan) : PaintPlan{};
}

Request from_picture(double strength) {
  Request request;
  request.task = Task::kImg2img;
  request.init_images = {"file"};
  request.denoising_strength = strength;
  return request;
}

TEST(PaintPlanTest, NothingAskedForIsWhatTheModelDoesBest) {
  const PaintPlan plan = planned(Request{});
  EXPECT_EQ(plan.width, 512);
  EXPECT_EQ(plan.height, 512);
  EXPECT_EQ(plan.steps, 4);
  EXPECT_THAT(plan.timesteps, ElementsAre(999, 759, 499, 259));
  EXPECT_FALSE(plan.from_picture);
  EXPECT_EQ(plan.guidance, 1.0);
  EXPECT_THAT(plan.notes, IsEmpty());
}

TEST(PaintPlanTest, StepsBecomeTheNearestNumberThatTheModelHas) {
  const auto steps = [](std::int32_t asked) {
    Request request;
    request.steps = asked;
    return planned(request);
  };
  EXPECT_THAT(steps(20).notes, ElementsAre("steps: 20 asked, 4 done: the model has 1, 2 and 4"));
  EXPECT_EQ(steps(3).steps, 4) << "of two the larger";
  EXPECT_EQ(steps(2).steps, 2);
  EXPECT_THAT(steps(2).timesteps, ElementsAre(999, 499));
  EXPECT_THAT(steps(1).timesteps, ElementsAre(999));
  EXPECT_THAT(steps(1).notes, IsEmpty());
}

TEST(PaintPlanTest, SizeBecomesTheNearestInProportionsAndThenInArea) {
  const auto size = [](std::int32_t width, std::int32_t height) {
    Request request;
    request.width = width;
    request.height = height;
    return planned(request);
  };
  EXPECT_EQ(size(768, 1024).width, 768);
  EXPECT_THAT(size(768, 1024).notes, IsEmpty());
  EXPECT_EQ(size(1024, 1024).width, 512);
  EXPECT_EQ(size(512, 768).width, 768);
  EXPECT_EQ(size(64, 64).height, 512);
  EXPECT_THAT(size(640, 512).notes,
              ElementsAre("size: 640x512 asked, 512x512 done: the model has 512x512, 768x1024"));
}

TEST(PaintPlanTest, OneSideAloneGoesWith512) {
  Request request;
  request.width = 512;
  EXPECT_THAT(planned(request).notes, IsEmpty());
}

TEST(PaintPlanTest, StrengthBecomesWholeStepsAndOneAtLeast) {
  EXPECT_THAT(planned(from_picture(0.25)).timesteps, ElementsAre(259));
  EXPECT_THAT(planned(from_picture(0.5)).timesteps, ElementsAre(499, 259));
  EXPECT_THAT(planned(from_picture(0.75)).timesteps, ElementsAre(759, 499, 259));
  EXPECT_THAT(planned(from_picture(1.0)).timesteps, ElementsAre(999, 759, 499, 259));
  EXPECT_THAT(planned(from_picture(0.5)).notes, IsEmpty());
  const PaintPlan least = planned(from_picture(0.0));
  EXPECT_THAT(least.timesteps, ElementsAre(259));
  EXPECT_THAT(least.notes, ElementsAre("denoising_strength: 0 asked, 0.25 done: 1 of 4 steps"));
  EXPECT_THAT(planned(from_picture(0.6)).timesteps, ElementsAre(499, 259));
  EXPECT_EQ(planned(from_picture(0.6)).strength, 0.5);
}

TEST(PaintPlanTest, EveryShareOfEveryScheduleIsExact) {
  PaintModel model = vendor();
  for (std::int32_t t = 19; t < 1000; t += 20) model.timesteps.push_back(t);
  for (std::int32_t steps = 1; steps <= 50; ++steps) {
    for (std::int32_t kept = 1; kept <= steps; ++kept) {
      Request request = from_picture(static_cast<double>(kept) / steps);
      request.steps = steps;
      EXPECT_EQ(planned(request, model).timesteps.size(), static_cast<std::size_t>(kept));
    }
  }
}

TEST(PaintPlanTest, PicturesBeginWithOthersOnlyInSizesThatCan) {
  Request request = from_picture(0.5);
  request.width = 768;
  request.height = 1024;
  const PaintPlan plan = planned(request);
  EXPECT_TRUE(plan.from_picture);
  EXPECT_EQ(plan.width, 512);
  EXPECT_THAT(plan.notes, ElementsAre(HasSubstr("768x1024 asked, 512x512 done")));
}

TEST(PaintPlanTest, ModelWithoutEncoderPaintsFromThePromptAndSaysSo) {
  PaintModel model = vendor();
  model.sizes = {{768, 1024, false}};
  const PaintPlan plan = planned(from_picture(0.5), model);
  EXPECT_FALSE(plan.from_picture);
  EXPECT_EQ(plan.timesteps.size(), 4u);
  EXPECT_THAT(plan.notes, ElementsAre(HasSubstr("init_images: not used")));
}

TEST(PaintPlanTest, GuidanceNeedsANegativePromptAndHasABound) {
  Request request;
  request.cfg_scale = 7;
  EXPECT_EQ(planned(request).guidance, 1.0);
  EXPECT_THAT(planned(request).notes, ElementsAre(HasSubstr("cfg_scale: 7 asked, 1 done")));
  request.negative_prompt = "dogs";
  EXPECT_EQ(planned(request).guidance, 2.0);
  EXPECT_THAT(planned(request).notes,
              ElementsAre("cfg_scale: 7 asked, 2 done: the model takes 1 to 2"));
  request.cfg_scale = 1.5;
  EXPECT_EQ(planned(request).guidance, 1.5);
  EXPECT_THAT(planned(request).notes, IsEmpty());
  request.cfg_scale = std::nullopt;
  EXPECT_EQ(planned(request).guidance, 2.0);
  request.cfg_scale = 1.0;
  EXPECT_THAT(planned(request).notes, ElementsAre(HasSubstr("negative_prompt: not used")));
}

TEST(PaintPlanTest, OtherSamplersAndSchedulesAreNoted) {
  Request request;
  request.sampler = "Euler a";
  request.scheduler = "Karras";
  EXPECT_THAT(planned(request).notes, ElementsAre("sampler_name: Euler a asked, LCM done",
                                                  "scheduler: Karras asked, that of LCM done"));
  request.sampler = "LCM";
  request.scheduler = "Automatic";
  EXPECT_THAT(planned(request).notes, IsEmpty());
}

TEST(PaintPlanTest, NotesOfTheRequestComeFirst) {
  Request request;
  request.notes = {"one"};
  request.steps = 20;
  EXPECT_THAT(planned(request).notes, ElementsAre("one", HasSubstr("steps")));
}

TEST(PaintPlanTest, ModelThatCannotPaintIsUnsupported) {
  PaintModel model = vendor();
  model.timesteps = {500};
  EXPECT_EQ(plan_painting(Request{}, model).status().code(), Code::kUnsupported);
  model = vendor();
  model.sizes.clear();
  EXPECT_EQ(plan_painting(Request{}, model).status().code(), Code::kUnsupported);
}

TEST(PictureSeedsTest, SeedsOfABatchRise) {
  Request request;
  request.seed = 42;
  request.batch_size = 2;
  request.n_iter = 2;
  const std::vector<PictureSeeds> seeds = picture_seeds(request, {7, 8});
  ASSERT_EQ(seeds.size(), 4u);
  EXPECT_EQ(seeds[0].seed, 42u);
  EXPECT_EQ(seeds[3].seed, 45u);
  EXPECT_EQ(seeds[3].variation.seed, 11u);
}

TEST(PictureSeedsTest, SeedsOfVariationsStayAndTheirOwnRise) {
  Request request;
  request.subseed = 5;
  request.subseed_strength = 0.5;
  request.batch_size = 2;
  const std::vector<PictureSeeds> seeds = picture_seeds(request, {7, 8});
  ASSERT_EQ(seeds.size(), 2u);
  EXPECT_EQ(seeds[1].seed, 7u) << "any";
  EXPECT_EQ(seeds[1].variation, (pictures::Variation{6, 0.5}));
}

TEST(InfotextOfTest, SaysWhatWasDone) {
  Request request = from_picture(0.5);
  request.prompt = "a cat";
  request.steps = 20;
  request.subseed_strength = 0.25;
  const PaintPlan plan = planned(request);
  EXPECT_EQ(
      pictures::write_infotext(infotext_of(request, plan, {42, {7, 0.25}}, "demo", "axle 0.1.0")),
      "a cat\nSteps: 4, Sampler: LCM, CFG scale: 1.0, Seed: 42, Size: 512x512, Model: demo, "
      "Variation seed: 7, Variation seed strength: 0.25, Denoising strength: 0.5, RNG: CPU, "
      "Version: axle 0.1.0");
}

}  // namespace
}  // namespace axle::api::automatic1111
