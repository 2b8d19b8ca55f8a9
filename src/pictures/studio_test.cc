#include "pictures/studio.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "fleet/testing/fake_fleet.h"
#include "pictures/testing/tiny_model.h"

namespace axle::pictures {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

// Writes down what a run tells, and lets the test wait for it.
class Listener : public RunListener {
 public:
  void on_glimpse(const Glimpse& glimpse) override {
    say("step " + std::to_string(glimpse.step) + "/" + std::to_string(glimpse.steps));
  }
  void on_picture(Painted painted) override {
    {
      const MutexLock lock(mutex_);
      painted_.push_back(painted);
    }
    say("picture " + std::to_string(painted.index));
    const MutexLock lock(mutex_);
    while (writes_on_) changed_.wait(mutex_);
  }
  void on_end(const Status& status) override {
    say(status.ok() ? "end" : "end: " + status.message());
  }

  // Everything up to the line `last`, which is waited for, a minute at most.
  std::vector<std::string> log(const std::string& last) {
    const MutexLock lock(mutex_);
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::minutes(1);
    while (log_.empty() || log_.back() != last) {
      if (!changed_.wait_until(mutex_, deadline)) break;
    }
    return log_;
  }
  std::vector<std::string> log() {
    const MutexLock lock(mutex_);
    return log_;
  }
  std::vector<Painted> painted() {
    const MutexLock lock(mutex_);
    return painted_;
  }
  // Until it is told otherwise it is busy with the picture that it has got.
  void write_on(bool on) {
    const MutexLock lock(mutex_);
    writes_on_ = on;
    changed_.notify_all();
  }

 private:
  void say(std::string line) {
    const MutexLock lock(mutex_);
    log_.push_back(std::move(line));
    changed_.notify_all();
  }

  Mutex mutex_;
  Condition changed_;
  std::vector<std::string> log_ AXLE_GUARDED_BY(mutex_);
  std::vector<Painted> painted_ AXLE_GUARDED_BY(mutex_);
  bool writes_on_ AXLE_GUARDED_BY(mutex_) = false;
};

class StudioTest : public ::testing::Test {
 protected:
  static Order order(std::int32_t count = 1) {
    Order order;
    order.prompt = "cat";
    order.width = 64;
    order.height = 64;
    order.steps = 4;
    order.count = count;
    order.seed = 7;
    order.previews = true;
    return order;
  }
  std::shared_ptr<pictures::Run> start(const Order& order, const std::string& key = "") {
    listeners_.push_back(std::make_shared<Listener>());
    const auto run = studio_.start(order, tiny_.served(), listeners_.back(), {key, {}});
    EXPECT_TRUE(run.ok()) << run.status();
    return run.ok() ? *run : nullptr;
  }
  Listener& listener() { return *listeners_.back(); }

  testing::TinyModel tiny_;
  fleet::testing::FakeFleet fleet_;
  metrics::Registry metrics_;
  Studio studio_{fleet_, {tiny_.served()}, metrics_, "axle 1"};
  std::vector<std::shared_ptr<Listener>> listeners_;
};

TEST_F(StudioTest, PicturesComeInOrderWithTheirSeedsAndTheirText) {
  const auto run = start(order(2));
  ASSERT_EQ(fleet_.size(), 2u);
  fleet_.step(0, 1);
  EXPECT_THAT(listener().log("step 1/4"), ElementsAre("step 1/4"));
  fleet_.paint(0, 10);
  fleet_.paint(1, 20);
  EXPECT_THAT(listener().log("end"), ElementsAre("step 1/4", "picture 0", "picture 1", "end"));
  const auto painted = listener().painted();
  EXPECT_EQ(painted[1].seed, 8u);
  EXPECT_EQ(painted[1].picture.pixels.front(), 20);
  EXPECT_EQ(painted[1].parameters,
            "cat\nSteps: 4, Sampler: LCM, CFG scale: 1.0, Seed: 8, Size: 64x64, Model: tiny, RNG: "
            "CPU, Version: axle 1");
  EXPECT_TRUE(run->progress().over);
  EXPECT_THAT(metrics_.render(), HasSubstr("axle_pictures_total 2"));
}

TEST_F(StudioTest, APictureTellsTheFirstTenDigitsOfItsModelsHash) {
  tiny_.record_import();
  start(order());
  fleet_.paint(0, 10);
  listener().log("end");
  const std::string sha256 = tiny_.served()->sha256;
  ASSERT_THAT(sha256, SizeIs(64));
  EXPECT_THAT(listener().painted()[0].parameters,
              HasSubstr(", Model hash: " + sha256.substr(0, 10) + ", Model: tiny"));
}

TEST_F(StudioTest, AnOrderThatTheModelCannotDoIsRefused) {
  Order wrong = order();
  wrong.steps = 3;
  const auto listener = std::make_shared<Listener>();
  EXPECT_EQ(studio_.start(wrong, tiny_.served(), listener, {}).status().code(),
            Code::kInvalidArgument);
  EXPECT_EQ(fleet_.size(), 0u);
}

TEST_F(StudioTest, WhatTheFleetRefusesHalfWayLeavesNothingBehind) {
  fleet_.refuse_after(2, exhausted("the queue is full"));
  const auto listener = std::make_shared<Listener>();
  const auto run = studio_.start(order(3), tiny_.served(), listener, {});
  EXPECT_EQ(run.status().code(), Code::kExhausted);
  EXPECT_THAT(fleet_.cancelled(), ElementsAre(fleet_.id(0), fleet_.id(1)));
  fleet_.paint(0, 1);
  EXPECT_THAT(listener->log(), IsEmpty());
}

TEST_F(StudioTest, OneFailureEndsTheOthers) {
  start(order(2));
  fleet_.fail(0, unavailable("the card is lost"));
  EXPECT_THAT(listener().log("end: the card is lost"), SizeIs(1));
  EXPECT_THAT(fleet_.cancelled(), ElementsAre(fleet_.id(1)));
}

TEST_F(StudioTest, ACancelledRunIsSilent) {
  const auto run = start(order(2));
  run->cancel();
  EXPECT_THAT(fleet_.cancelled(), ElementsAre(fleet_.id(0), fleet_.id(1)));
  fleet_.paint(0, 1);
  EXPECT_THAT(listener().log(), IsEmpty());
  EXPECT_TRUE(run->progress().over);
}

TEST_F(StudioTest, AnInterruptedRunEndsWithThePictureThatIsPainted) {
  const auto run = start(order(3));
  fleet_.paint(0, 1);
  fleet_.step(1, 2);
  run->interrupt();
  EXPECT_THAT(fleet_.interrupted(), ElementsAre(fleet_.id(1)));
  EXPECT_THAT(fleet_.cancelled(), ElementsAre(fleet_.id(2)));
  fleet_.paint(1, 2, 2);
  EXPECT_THAT(listener().log("end").back(), "end");
  const auto painted = listener().painted();
  ASSERT_THAT(painted, SizeIs(2));
  EXPECT_TRUE(painted[1].interrupted);
  EXPECT_THAT(painted[1].parameters, HasSubstr("Steps done: 2"));
  EXPECT_TRUE(run->progress().interrupted);
}

TEST_F(StudioTest, AnInterruptedRunThatWaitsEndsAtOnce) {
  fleet_.set_place(fleet::QueuePlace{3, {}});
  const auto run = start(order(2));
  EXPECT_EQ(run->progress().place->ahead, 3);
  run->interrupt();
  EXPECT_THAT(listener().log("end"), ElementsAre("end"));
  EXPECT_THAT(fleet_.cancelled(), SizeIs(2));
  EXPECT_THAT(fleet_.interrupted(), IsEmpty());
}

TEST_F(StudioTest, ASkippedPictureIsFollowedByTheNext) {
  const auto run = start(order(2));
  fleet_.step(0, 1);
  run->skip();
  EXPECT_THAT(fleet_.interrupted(), ElementsAre(fleet_.id(0)));
  EXPECT_THAT(fleet_.cancelled(), IsEmpty());
  EXPECT_TRUE(run->progress().skipped);
}

TEST_F(StudioTest, APictureThatIsGivenUpIsLeftOut) {
  const auto run = start(order(2));
  run->skip();
  fleet_.fail(0, cancelled("interrupted before it was begun"));
  fleet_.paint(1, 10);
  EXPECT_THAT(listener().log("end"), ElementsAre("picture 1", "end"));
  const auto other = start(order(2));
  other->interrupt();
  fleet_.fail(2, cancelled("interrupted before it was begun"));
  EXPECT_THAT(listener().log("end"), ElementsAre("end"));
}

TEST_F(StudioTest, ANewerOrderWithTheSameKeyEndsTheOlder) {
  start(order(), "kiosk");
  start(order(), "other");
  start(order(), "kiosk");
  EXPECT_THAT(listeners_[0]->log("end: a newer request with the same replace_key came"), SizeIs(1));
  EXPECT_THAT(fleet_.cancelled(), ElementsAre(fleet_.id(0)));
  fleet_.paint(2, 1);
  EXPECT_THAT(listeners_[2]->log("end"), ElementsAre("picture 0", "end"));
}

TEST_F(StudioTest, ProgressTellsHowFarARunIs) {
  const auto run = start(order(2));
  EXPECT_EQ(run->progress().steps, 0);
  EXPECT_EQ(run->progress().runs_left, 8);
  fleet_.paint(0, 1);
  fleet_.step(1, 3);
  const RunProgress progress = run->progress();
  EXPECT_EQ(progress.pictures, 2);
  EXPECT_EQ(progress.done, 1);
  EXPECT_EQ(progress.step, 3);
  EXPECT_EQ(progress.steps, 4);
  EXPECT_EQ(progress.runs_left, 1);
  ASSERT_NE(progress.glimpse, nullptr);
  EXPECT_EQ(progress.glimpse->preview.size(), (image::Size{8, 8}));
  EXPECT_TRUE(progress.begun);
}

TEST_F(StudioTest, WhatIsKeptLiesOverThePicture) {
  Order masked = order();
  masked.keep = *image::make_picture({64, 64}, 4);
  for (std::size_t i = 0; i < 4; ++i) masked.keep->pixels[i] = i == 3 ? 255 : 99;
  start(masked);
  fleet_.paint(0, 10);
  listener().log("end");
  const auto pixels = listener().painted().front().picture.pixels;
  EXPECT_EQ(pixels[0], 99);
  EXPECT_EQ(pixels[3], 10);
}

TEST_F(StudioTest, TheFeedShowsPreviewsAndPicturesToThoseWhoWatch) {
  std::vector<std::string> seen;
  std::shared_ptr<const void> previews = studio_.feed().ask_for_previews();
  const std::uint64_t watcher = studio_.feed().watch([&](const auto& frame) {
    seen.push_back(frame->finished ? frame->parameters.substr(0, 3) : "preview");
  });
  Order plain = order();
  plain.previews = false;
  start(plain);
  fleet_.step(0, 1);
  listener().log("step 1/4");
  fleet_.paint(0, 10);
  listener().log("end");
  studio_.feed().unwatch(watcher);
  EXPECT_THAT(seen, ElementsAre("preview", "cat"));
  ASSERT_NE(studio_.feed().newest(), nullptr);
  EXPECT_EQ(studio_.feed().newest()->number, 2u);
  previews.reset();
  EXPECT_FALSE(studio_.feed().previews_wanted());
  start(plain);
  EXPECT_FALSE(fleet_.picture(1).previews);
}

TEST_F(StudioTest, APictureThatIsBeingWrittenIsAnsweredUnlessItsClientHasLeft) {
  const auto log_after = [this](auto end) {
    const auto run = start(order(), "kiosk");
    const auto first = listeners_.back();
    first->write_on(true);
    fleet_.paint(fleet_.size() - 1, 10);
    first->log("picture 0");
    end(*run);
    first->write_on(false);
    return first;
  };
  using Ended = pictures::Run;
  const auto told = ElementsAre("picture 0", "end");
  EXPECT_THAT(log_after([](Ended& run) { run.interrupt(); })->log("end"), told);
  EXPECT_THAT(log_after([](Ended& run) { run.skip(); })->log("end"), told);
  EXPECT_THAT(log_after([this](Ended&) { start(order(), "kiosk"); })->log("end"), told);
  EXPECT_THAT(log_after([](Ended& run) { run.cancel(); })->log(), ElementsAre("picture 0"));
  EXPECT_THAT(fleet_.cancelled(), ElementsAre(fleet_.id(3))) << "The newer one with the same key.";
}

TEST_F(StudioTest, ModelsAreFoundByNameOrByNone) {
  EXPECT_EQ(studio_.find("tiny"), tiny_.served());
  EXPECT_EQ(studio_.find("tiny:latest"), tiny_.served());
  EXPECT_EQ(studio_.find(""), tiny_.served());
  EXPECT_EQ(studio_.find("dall-e-2"), nullptr);
  EXPECT_EQ(studio_.known_names(), "\"tiny\"");
}

}  // namespace
}  // namespace axle::pictures
