#include "pictures/order.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "diffusion/schedule.h"
#include "pictures/testing/tiny_model.h"

namespace axle::pictures {
namespace {

using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

// A model of 64x64 and 96x64 pixels that can do 1, 2 and 4 steps.
class OrderTest : public ::testing::Test {
 protected:
  void SetUp() override { ASSERT_NE(model_, nullptr); }

  static Order order() {
    Order order;
    order.prompt = "cat";
    order.width = 64;
    order.height = 64;
    order.steps = 4;
    order.seed = 7;
    return order;
  }
  static image::Picture picture(int channels, int width = 64) {
    return *image::make_picture({width, 64}, channels);
  }
  std::string refusal(const Order& order) const {
    const Status status = make_jobs(order, *model_).status();
    EXPECT_EQ(status.code(), Code::kInvalidArgument);
    return status.message();
  }

  testing::TinyModel tiny_;
  std::shared_ptr<const ServedPictures> model_ = tiny_.served();
};

TEST_F(OrderTest, APromptBecomesAJob) {
  const auto jobs = make_jobs(order(), *model_);
  ASSERT_TRUE(jobs.ok()) << jobs.status();
  ASSERT_EQ(jobs->size(), 1u);
  const jobs::PictureJob& job = jobs->front();
  EXPECT_EQ(job.model, "tiny");
  EXPECT_EQ(job.width, 64);
  EXPECT_EQ(job.prompt, model_->tokenizer.encode("cat")->ids);
  EXPECT_TRUE(job.negative.empty());
  EXPECT_THAT(job.timesteps, ElementsAre(999, 759, 499, 259));
  EXPECT_EQ(job.seed, 7u);
}

TEST_F(OrderTest, ANegativePromptCountsOnlyWithGuidance) {
  Order guided = order();
  guided.negative_prompt = "red";
  EXPECT_TRUE(make_jobs(guided, *model_)->front().negative.empty());
  guided.guidance = 1.5;
  const jobs::PictureJob job = make_jobs(guided, *model_)->front();
  EXPECT_EQ(job.negative, model_->tokenizer.encode("red")->ids);
  EXPECT_EQ(job.guidance, 1.5);
}

TEST_F(OrderTest, SeedsOfSeveralPicturesCountOn) {
  Order many = order();
  many.count = 3;
  // Seeds and variation seeds, in turn.
  const auto seeds = [this](const Order& one) {
    const auto jobs = make_jobs(one, *model_);
    EXPECT_TRUE(jobs.ok()) << jobs.status();
    std::vector<std::uint64_t> found;
    for (const jobs::PictureJob& job : *jobs) {
      found.push_back(job.seed);
      found.push_back(job.variation_seed);
    }
    return found;
  };
  many.variation_seed = 100;
  EXPECT_THAT(seeds(many), ElementsAre(7, 100, 8, 101, 9, 102));
  many.variation = 0.5;
  EXPECT_THAT(seeds(many), ElementsAre(7, 100, 7, 101, 7, 102)) << "Variations of one.";
  many.count = 0;
  EXPECT_THAT(seeds(many), ElementsAre());
}

TEST_F(OrderTest, StrengthKeepsTheLastStepsOfARunFromAPicture) {
  Order over = order();
  over.strength = 0.5;
  EXPECT_EQ(make_jobs(over, *model_)->front().timesteps.size(), 4u) << "From noise: all of them.";
  over.image = picture(3);
  over.mask = picture(1);
  const jobs::PictureJob job = make_jobs(over, *model_)->front();
  EXPECT_THAT(job.timesteps, ElementsAre(499, 259));
  EXPECT_EQ(job.image.size(), 3u * 64 * 64);
  EXPECT_EQ(job.mask.size(), 64u * 64);
  EXPECT_THAT(job.mask, Each(0));
}

TEST_F(OrderTest, WhatTheModelHasNotIsRefusedWithWhatItHas) {
  Order bad = order();
  bad.width = 80;
  EXPECT_THAT(refusal(bad), HasSubstr("tiny has 64x64, 96x64, found 80x64"));
  bad = order();
  bad.steps = 3;
  EXPECT_THAT(refusal(bad), HasSubstr("can do 1, 2, 4, found 3"));
  bad = order();
  bad.image = picture(3, 32);
  EXPECT_THAT(refusal(bad), HasSubstr("image: wanted 64x64"));
  bad.image = picture(4);
  EXPECT_THAT(refusal(bad), HasSubstr("image: wanted 64x64 pixels of 3 bytes"));
  bad.image = picture(3);
  bad.mask = picture(3);
  EXPECT_THAT(refusal(bad), HasSubstr("mask: wanted"));
  bad = order();
  bad.prompt = "\xff";
  EXPECT_THAT(refusal(bad), HasSubstr("prompt"));
  bad.prompt.assign(text::Tokenizer::kMaxTextBytes + 1, 'a');
  EXPECT_EQ(make_jobs(bad, *model_).status().code(), Code::kExhausted);
}

TEST_F(OrderTest, TheNearestSizeHasTheNearestProportionsThenTheNearestArea) {
  EXPECT_EQ(model_->nearest_size({512, 512}).id, "64x64");
  EXPECT_EQ(model_->nearest_size({768, 512}).id, "96x64");
  EXPECT_EQ(model_->nearest_size({1, 4000}).id, "64x64");
  EXPECT_EQ(model_->nearest_size({0, 0}).id, "64x64");
}

TEST_F(OrderTest, OnlySizesWithAnEncoderBeginWithAPicture) {
  EXPECT_TRUE(model_->begins_with(Start::kPicture));
  EXPECT_EQ(model_->nearest_size({768, 512}, Start::kPicture).id, "96x64");
  const testing::TinyModel some({.wide = false});
  EXPECT_EQ(some.served()->nearest_size({768, 512}, Start::kPicture).id, "64x64");
  EXPECT_EQ(some.served()->nearest_size({768, 512}, Start::kNoise).id, "96x64");
  const testing::TinyModel none({.square = false, .wide = false});
  EXPECT_FALSE(none.served()->begins_with(Start::kPicture));
  EXPECT_TRUE(none.served()->begins_with(Start::kNoise));
}

TEST(StrengthTest, TheNearestShareOfTheStepsIsTakenAndOneStepAtLeast) {
  EXPECT_EQ(nearest_strength(4, 0.6), 0.5);
  EXPECT_EQ(nearest_strength(4, 0.7), 0.75);
  EXPECT_EQ(nearest_strength(4, 0.0), 0.25);
  EXPECT_EQ(nearest_strength(4, 9.0), 1.0);
}

TEST(StrengthTest, EveryShareOfEveryScheduleIsExact) {
  for (std::int32_t steps = 1; steps <= diffusion::kDistilledSteps; ++steps) {
    for (std::int32_t kept = 1; kept <= steps; ++kept) {
      const double strength = nearest_strength(steps, static_cast<double>(kept) / steps);
      EXPECT_EQ(diffusion::kept_timesteps(steps, strength).size(), static_cast<std::size_t>(kept));
    }
  }
}

TEST_F(OrderTest, TheNearestNumberOfStepsIsTaken) {
  EXPECT_THAT(model_->step_counts, ElementsAre(1, 2, 4));
  EXPECT_EQ(model_->nearest_steps(-5), 1);
  EXPECT_EQ(model_->nearest_steps(2), 2);
  EXPECT_EQ(model_->nearest_steps(3), 4) << "Of two the larger.";
  EXPECT_EQ(model_->nearest_steps(50), 4);
}

TEST_F(OrderTest, AModelWhoseTokenizerIsBrokenIsNotServed) {
  std::filesystem::resize_file(tiny_.path() / "tokenizer/vocab.json", 10);
  EXPECT_EQ(ServedPictures::load("tiny", tiny_.path().string()).status().code(), Code::kCorrupt);
  std::filesystem::remove_all(tiny_.path());
  EXPECT_EQ(ServedPictures::load("tiny", tiny_.path().string()).status().code(), Code::kNotFound);
}

}  // namespace
}  // namespace axle::pictures
