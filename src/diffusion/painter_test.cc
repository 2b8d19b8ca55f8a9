#include "diffusion/painter.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "diffusion/testing/fake_engines.h"

namespace axle::diffusion {
namespace {

using std::chrono::milliseconds;
using ::testing::ElementsAre;
using testing::FakeEngines;

// What happened, in words: "1:2/4" is step 2 of 4 of picture 1, "1" its end.
class Events final : public PaintEvents {
 public:
  void step(jobs::JobId id, jobs::PictureStep event) override {
    log.push_back(std::to_string(static_cast<std::uint64_t>(id)) + ":" +
                  std::to_string(event.steps_done) + "/" + std::to_string(event.steps_total));
    last_step = std::move(event);
  }
  void done(jobs::JobId id, jobs::PictureDone event) override {
    log.push_back(std::to_string(static_cast<std::uint64_t>(id)));
    last = std::move(event);
  }
  void given_up(jobs::JobId id) override {
    log.push_back(std::to_string(static_cast<std::uint64_t>(id)) + " given up");
  }
  std::vector<std::string> log;
  jobs::PictureStep last_step;
  jobs::PictureDone last;
};

class PainterTest : public ::testing::Test {
 protected:
  static jobs::PictureJob job(std::int32_t priority = 0) {
    jobs::PictureJob job;
    job.model = "m";
    job.width = 16;
    job.height = 16;
    job.prompt = {1, 7};
    job.timesteps = {999, 499};
    job.priority = priority;
    return job;
  }
  static jobs::JobId id(std::uint64_t number) { return jobs::JobId{number}; }

  void finish() {
    while (!painter.idle()) ASSERT_EQ(painter.step(events), Status());
  }

  FakeEngines engines;
  // Each look at the clock takes 100 ms.
  std::chrono::steady_clock::time_point now{};
  Painter painter{[this](std::int32_t width, std::int32_t height) {
                    return width == 16 && height == 16 ? &engines : nullptr;
                  },
                  [this] { return now += milliseconds(100); }};
  Events events;
};

TEST_F(PainterTest, PicturesArePaintedOneAfterTheOtherInTheOrderTheyCame) {
  for (std::uint64_t i = 1; i <= 3; ++i) ASSERT_EQ(painter.add(id(i), job()), Status());
  EXPECT_EQ(painter.load().waiting, 3u);
  finish();
  EXPECT_THAT(events.log,
              ElementsAre("1:1/2", "1:2/2", "1", "2:1/2", "2:2/2", "2", "3:1/2", "3:2/2", "3"));
}

TEST_F(PainterTest, AHigherPriorityIsPaintedBetweenTheStepsOfAnother) {
  ASSERT_EQ(painter.add(id(1), job()), Status());
  while (events.log.empty()) ASSERT_EQ(painter.step(events), Status());
  ASSERT_EQ(painter.add(id(2), job()), Status());
  ASSERT_EQ(painter.add(id(3), job(5)), Status());
  EXPECT_EQ(painter.priority(), 5);
  EXPECT_EQ(painter.load().running, 1u);
  EXPECT_EQ(painter.load().waiting, 2u);
  finish();
  EXPECT_THAT(events.log,
              ElementsAre("1:1/2", "3:1/2", "3:2/2", "3", "1:2/2", "1", "2:1/2", "2:2/2", "2"));
}

TEST_F(PainterTest, ACancelledPictureIsNotHeardOfAgain) {
  ASSERT_EQ(painter.add(id(1), job()), Status());
  ASSERT_EQ(painter.add(id(2), job()), Status());
  while (events.log.empty()) ASSERT_EQ(painter.step(events), Status());
  painter.cancel(id(1));
  painter.cancel(id(9));
  finish();
  EXPECT_THAT(events.log, ElementsAre("1:1/2", "2:1/2", "2:2/2", "2"));
}

TEST_F(PainterTest, AnInterruptedPictureEndsWithHowItLooks) {
  ASSERT_EQ(painter.add(id(1), job()), Status());
  ASSERT_EQ(painter.step(events), Status());
  painter.interrupt(id(1));
  painter.interrupt(id(9));
  finish();
  EXPECT_THAT(events.log, ElementsAre("1:1/2", "1"));
  EXPECT_TRUE(events.last.interrupted);
  EXPECT_EQ(events.last.steps, 1);
  EXPECT_EQ(events.last.pixels.size(), 3u * 16 * 16);
}

TEST_F(PainterTest, APictureThatIsInterruptedBeforeItIsBegunIsGivenUpAtOnce) {
  ASSERT_EQ(painter.add(id(1), job()), Status());
  ASSERT_EQ(painter.add(id(2), job()), Status());
  while (events.log.empty()) ASSERT_EQ(painter.step(events), Status());
  const std::size_t runs = engines.log.size();
  painter.interrupt(id(2));
  ASSERT_EQ(painter.step(events), Status());
  EXPECT_THAT(events.log, ElementsAre("1:1/2", "2 given up"));
  EXPECT_EQ(engines.log.size(), runs);
  finish();
  EXPECT_THAT(events.log, ElementsAre("1:1/2", "2 given up", "1:2/2", "1"));
}

TEST_F(PainterTest, APictureThatAnEarlierRunBeganIsShownWhenItIsInterrupted) {
  jobs::PictureJob begun = job();
  begun.steps_done = 1;
  begun.latents.assign(16, 0.5F);
  ASSERT_EQ(painter.add(id(1), begun), Status());
  painter.interrupt(id(1));
  finish();
  EXPECT_THAT(events.log, ElementsAre("1:2/2", "1"));
}

TEST_F(PainterTest, AStepTellsWhatToGoOnFromAndHowItLooksWhereAskedFor) {
  jobs::PictureJob with = job();
  with.previews = true;
  ASSERT_EQ(painter.add(id(1), with), Status());
  finish();
  EXPECT_EQ(events.last_step.latents.size(), 16u);
  EXPECT_EQ(events.last_step.preview_width, 2);
  EXPECT_EQ(events.last_step.preview_height, 2);
  EXPECT_EQ(events.last_step.preview.size(), 3u * 4);
  ASSERT_EQ(painter.add(id(2), job()), Status());
  finish();
  EXPECT_TRUE(events.last_step.preview.empty());
}

TEST_F(PainterTest, TimesAreToldByWhatTheyWereSpentOn) {
  jobs::PictureJob over = job();
  over.image.assign(3 * 16 * 16, 1);
  ASSERT_EQ(painter.add(id(1), over), Status());
  ASSERT_EQ(painter.add(id(2), over), Status());
  finish();
  // Picture 2: asked at 200 ms; 5 units of picture 1 took two looks each.
  EXPECT_EQ(events.last.timings.queued, milliseconds(1100));
  EXPECT_EQ(events.last.timings.text, milliseconds(0)) << "The prompt was known.";
  EXPECT_EQ(events.last.timings.steps, milliseconds(200));
  EXPECT_EQ(events.last.timings.decode, milliseconds(100));
  EXPECT_NEAR(painter.load().step_s, 0.1, 1e-9);
  EXPECT_GT(painter.load().rest_s, 0.1);
}

TEST_F(PainterTest, AJobThatCannotBePaintedIsRefused) {
  jobs::PictureJob bad = job();
  bad.width = 24;
  EXPECT_EQ(painter.add(id(1), bad).code(), Code::kNotFound);
  bad = job();
  bad.timesteps.clear();
  EXPECT_EQ(painter.add(id(1), bad).code(), Code::kInvalidArgument);
  ASSERT_EQ(painter.add(id(1), job()), Status());
  EXPECT_EQ(painter.add(id(1), job()).code(), Code::kInvalidArgument);
}

TEST_F(PainterTest, AnErrorOfTheCardComesOut) {
  engines.error = card_lost("gone");
  ASSERT_EQ(painter.add(id(1), job()), Status());
  EXPECT_EQ(painter.step(events).code(), Code::kCardLost);
}

}  // namespace
}  // namespace axle::diffusion
