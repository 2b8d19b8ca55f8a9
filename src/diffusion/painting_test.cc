// Latents are compared with those of a script apart that follows the published mathematics in
// double precision, with the same stand-in for the U-Net.
#include "diffusion/painting.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "diffusion/testing/fake_engines.h"

namespace axle::diffusion {
namespace {

using testing::FakeEngines;
using ::testing::HasSubstr;

constexpr std::size_t kPixels = 16 * 16;

jobs::PictureJob job(std::vector<std::int32_t> timesteps, std::uint64_t seed = 42) {
  jobs::PictureJob job;
  job.model = "m";
  job.width = 16;
  job.height = 16;
  job.prompt = {1, 7};
  job.timesteps = std::move(timesteps);
  job.seed = seed;
  return job;
}

jobs::PictureJob over_picture(std::vector<std::int32_t> timesteps, jobs::NoiseOrder noise,
                              std::uint64_t seed = 42) {
  jobs::PictureJob made = job(std::move(timesteps), seed);
  made.image.assign(3 * kPixels, 100);
  made.noise = noise;
  return made;
}

class PaintingTest : public ::testing::Test {
 protected:
  // Latents 0, 5 and 15 after each step.
  std::vector<std::vector<double>> paint(const jobs::PictureJob& job) {
    EXPECT_EQ(check_picture(job, engines), Status());
    Painting painting(job, engines, encoded);
    std::vector<std::vector<double>> steps;
    while (painting.next() != Unit::kNone) {
      const std::size_t before = painting.steps_done();
      EXPECT_EQ(painting.run(), Status());
      const auto latents = painting.latents();
      if (painting.steps_done() > before) steps.push_back({latents[0], latents[5], latents[15]});
    }
    pixels = painting.take_pixels();
    return steps;
  }

  FakeEngines engines;
  EncodedPictures encoded;
  std::vector<std::uint8_t> pixels;
};

void expect_near(const std::vector<std::vector<double>>& found,
                 const std::vector<std::vector<double>>& wanted) {
  ASSERT_EQ(found.size(), wanted.size());
  for (std::size_t step = 0; step < wanted.size(); ++step) {
    for (std::size_t i = 0; i < 3; ++i) {
      EXPECT_NEAR(found[step][i], wanted[step][i], 3e-5) << "step " << step << ", number " << i;
    }
  }
}

TEST_F(PaintingTest, APromptAloneIsPaintedFromNoise) {
  expect_near(paint(job({999, 759, 499, 259})), {{1.161273, -4.691286, -1.553930},
                                                 {-1.730931, -7.841677, -4.182347},
                                                 {-2.851318, -7.035344, -3.681380},
                                                 {-2.745124, -6.394355, -3.469089}});
  EXPECT_EQ(engines.log, "tuuuud");
  EXPECT_NEAR(engines.decoded[0], -2.745124 / 0.18215, 1e-3);
  EXPECT_EQ(pixels, std::vector<std::uint8_t>(3 * kPixels, 0)) << "Far below -1.";
  expect_near(paint(job({999})), {{-1.915058, -25.124894, -10.464003}});
}

TEST_F(PaintingTest, GuidanceLeadsAwayFromTheNegativePrompt) {
  jobs::PictureJob guided = job({999, 499});
  guided.negative = {-2, 7};
  guided.guidance = 1.5;
  expect_near(paint(guided),
              {{-0.768486, -13.478106, -5.938310}, {-2.046695, -15.916613, -7.688488}});
  EXPECT_EQ(engines.log, "tutuuud");
}

TEST_F(PaintingTest, APictureIsPaintedOverWithTheVendorsNoise) {
  expect_near(paint(over_picture({499, 259}, jobs::NoiseOrder::kVendor)),
              {{-1.194119, -2.188570, -1.108297}, {-1.299746, -2.167088, -1.224893}});
  EXPECT_EQ(engines.log, "etuud");
  EXPECT_NEAR(engines.encoded[0], 2.0 * 100 / 255 - 1, 1e-6);
}

TEST_F(PaintingTest, APictureIsPaintedOverWithTheServicesNoise) {
  expect_near(paint(over_picture({499, 259}, jobs::NoiseOrder::kService)),
              {{1.590379, -1.013755, 0.403088}, {1.128842, -1.142435, 0.093309}});
}

TEST_F(PaintingTest, WhatTheMaskLeavesStaysAsItWas) {
  jobs::PictureJob masked = over_picture({759, 499, 259}, jobs::NoiseOrder::kVendor, 7);
  // Of the four points the first and the last are painted anew.
  masked.mask.assign(kPixels, 0);
  for (std::size_t pixel = 0; pixel < kPixels; ++pixel) {
    const bool below = pixel / 16 >= 8;
    const bool right = pixel % 16 >= 8;
    if (below == right) masked.mask[pixel] = 255;
  }
  expect_near(paint(masked), {{-3.708608, 0.360958, -1.472458},
                              {-4.620555, 0.844345, -1.759068},
                              {-4.288220, 0.115610, -1.792484}});
}

TEST_F(PaintingTest, WhatWasEncodedBeforeIsNotEncodedAgain) {
  const jobs::PictureJob over = over_picture({259}, jobs::NoiseOrder::kVendor);
  const auto first = paint(over);
  engines.log.clear();
  EXPECT_EQ(paint(over), first);
  EXPECT_EQ(engines.log, "ud");
  engines.log.clear();
  engines.forget_texts();
  EXPECT_EQ(paint(over), first);
  EXPECT_EQ(engines.log, "tud");
}

TEST_F(PaintingTest, OnlyTheLatestPicturesAreKeptEncoded) {
  jobs::PictureJob over = over_picture({259}, jobs::NoiseOrder::kVendor);
  for (std::uint8_t i = 0; i < 9; ++i) {
    over.image[0] = i;
    paint(over);
  }
  engines.log.clear();
  over.image[0] = 8;
  paint(over);
  EXPECT_EQ(engines.log, "ud");
  engines.log.clear();
  over.image[0] = 0;
  paint(over);
  EXPECT_EQ(engines.log, "eud");
}

TEST_F(PaintingTest, ARunThatIsTakenUpInTheMiddleGivesTheSamePicture) {
  jobs::PictureJob masked = over_picture({759, 499, 259}, jobs::NoiseOrder::kVendor);
  masked.mask.assign(kPixels, 255);
  masked.mask[0] = 0;
  for (const jobs::PictureJob& whole : {job({999, 759, 499, 259}), masked}) {
    paint(whole);
    const std::vector<float> wanted = engines.decoded;
    for (std::size_t done = 1; done <= whole.timesteps.size(); ++done) {
      Painting begun(whole, engines, encoded);
      while (begun.steps_done() < done) ASSERT_EQ(begun.run(), Status());
      jobs::PictureJob rest = whole;
      rest.steps_done = static_cast<std::int32_t>(done);
      rest.latents.assign(begun.latents().begin(), begun.latents().end());
      EXPECT_EQ(paint(rest).size(), whole.timesteps.size() - done);
      EXPECT_EQ(engines.decoded, wanted) << done;
    }
  }
}

TEST_F(PaintingTest, AnInterruptedPictureIsWhatTheLastStepThinksOfIt) {
  Painting painting(job({999, 759, 499, 259}), engines, encoded);
  painting.interrupt();
  while (painting.steps_done() == 0) ASSERT_EQ(painting.run(), Status());
  EXPECT_EQ(painting.next(), Unit::kDecode);
  EXPECT_TRUE(painting.interrupted());
  ASSERT_EQ(painting.run(), Status());
  EXPECT_EQ(painting.next(), Unit::kNone);
  const std::vector<float> early = engines.decoded;
  paint(job({999}));
  EXPECT_EQ(engines.decoded, early) << "As a picture of one step.";
}

TEST_F(PaintingTest, AnInterruptAfterTheLastStepChangesNothing) {
  Painting painting(job({999}), engines, encoded);
  while (painting.steps_done() == 0) ASSERT_EQ(painting.run(), Status());
  painting.interrupt();
  EXPECT_FALSE(painting.interrupted());
}

TEST_F(PaintingTest, AnInterruptOfARunTakenUpWaitsForItsFirstStep) {
  jobs::PictureJob rest = job({999, 759, 499});
  rest.steps_done = 1;
  rest.latents.assign(16, 0.5f);
  Painting painting(rest, engines, encoded);
  painting.interrupt();
  while (painting.next() != Unit::kDecode) ASSERT_EQ(painting.run(), Status());
  EXPECT_EQ(painting.steps_done(), 2u);
}

TEST_F(PaintingTest, AVariationGoesFromOneNoiseToTheOther) {
  const auto own = paint(job({999}, 42));
  jobs::PictureJob varied = job({999}, 42);
  varied.variation_seed = 43;
  varied.variation = 1.0;
  const auto other = paint(job({999}, 43));
  const auto at_other = paint(varied);
  for (std::size_t i = 0; i < 3; ++i) EXPECT_NEAR(at_other[0][i], other[0][i], 1e-3);
  varied.variation = 0.5;
  EXPECT_NE(paint(varied), own);
}

TEST_F(PaintingTest, NumbersThatAreNotFiniteAreAnErrorOfTheEngine) {
  for (const char engine : {'e', 'u', 'd'}) {
    engines.broken = engine;
    jobs::PictureJob over = over_picture({259}, jobs::NoiseOrder::kVendor);
    over.image[0] = static_cast<std::uint8_t>(engine);
    Painting painting(over, engines, encoded);
    Status status;
    while (status.ok()) status = painting.run();
    EXPECT_EQ(status.code(), Code::kUnavailable);
    EXPECT_THAT(status.message(), HasSubstr("not finite"));
  }
}

TEST_F(PaintingTest, AnErrorOfTheCardEndsTheRun) {
  engines.error = card_lost("gone");
  Painting painting(job({999}), engines, encoded);
  EXPECT_EQ(painting.run().code(), Code::kCardLost);
}

TEST_F(PaintingTest, AJobThatCannotBePaintedSaysWhichFieldIsWrong) {
  const auto why = [this](auto change) {
    jobs::PictureJob bad = over_picture({259}, jobs::NoiseOrder::kVendor);
    change(bad);
    const Status status = check_picture(bad, engines);
    EXPECT_EQ(status.code(), Code::kInvalidArgument);
    return status.message();
  };
  EXPECT_THAT(why([](auto& job) { job.prompt.pop_back(); }), HasSubstr("prompt: wanted 2"));
  EXPECT_THAT(why([](auto& job) { job.negative = {1}; }), HasSubstr("negative: wanted 2"));
  EXPECT_THAT(why([](auto& job) { job.image.pop_back(); }), HasSubstr("image: wanted 768"));
  EXPECT_THAT(why([](auto& job) { job.mask = {1}; }), HasSubstr("mask: wanted 256"));
  EXPECT_THAT(why([](auto& job) { job.latents = {1.0f}; }), HasSubstr("latents: wanted 0"));
  EXPECT_THAT(why([](auto& job) { job.steps_done = 1; }), HasSubstr("latents: wanted 16"));
  EXPECT_THAT(why([](auto& job) { job.steps_done = -1; }), HasSubstr("steps_done: wanted 0 to 1"));
  EXPECT_THAT(why([](auto& job) { job.timesteps = {}; }), HasSubstr("timesteps"));
  EXPECT_THAT(why([](auto& job) { job.timesteps = {258}; }), HasSubstr("no time row for 258"));
  EXPECT_THAT(why([](auto& job) { job.variation = 1.5; }), HasSubstr("variation: wanted 0 to 1"));
  EXPECT_THAT(why([](auto& job) { job.guidance = -1.0; }), HasSubstr("guidance"));
  EXPECT_THAT(why([](auto& job) {
                job.image.clear();
                job.mask.assign(kPixels, 1);
              }),
              HasSubstr("mask: wanted a picture"));
  engines.without_encoder();
  EXPECT_EQ(check_picture(over_picture({259}, jobs::NoiseOrder::kVendor), engines).code(),
            Code::kUnsupported);
}

}  // namespace
}  // namespace axle::diffusion
