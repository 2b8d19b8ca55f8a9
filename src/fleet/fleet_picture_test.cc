#include "fleet/fleet_fixture.h"

namespace axle::fleet {
namespace {

using testing::HasSubstr;

// Pictures through fake card processes.
class FleetPictureTest : public FleetTest {
 protected:
  static jobs::PictureJob picture(std::uint64_t seed = 7) {
    jobs::PictureJob made;
    made.model = "m";
    made.width = 2;
    made.height = 1;
    made.prompt = {1, 2, 3};
    made.timesteps = {999, 759, 499, 259};
    made.seed = seed;
    return made;
  }
  std::shared_ptr<RecordingSink> paint(const jobs::PictureJob& job) {
    auto sink = std::make_shared<RecordingSink>();
    const Result<jobs::JobId> id = fleet_->submit(job, sink);
    EXPECT_TRUE(id.ok()) << id.status();
    last_ = id.ok() ? *id : jobs::JobId{0};
    return sink;
  }

  jobs::JobId last_{0};
};

TEST_F(FleetPictureTest, APictureComesWithItsSteps) {
  start("ok");
  const auto sink = paint(picture());
  ASSERT_TRUE(sink->wait_for_end());
  EXPECT_EQ(sink->log(), "accepted 0, step 1/4, step 2/4, step 3/4, step 4/4, picture 2x1");
  EXPECT_EQ(sink->picture()->pixels, std::vector<std::uint8_t>(6, 7));
}

TEST_F(FleetPictureTest, ProcessesThatDieInTheMiddleCostNoStepTwice) {
  start("die:3;die:6;ok");
  std::vector<std::shared_ptr<RecordingSink>> sinks;
  for (std::uint64_t seed = 1; seed <= 5; ++seed) sinks.push_back(paint(picture(seed)));
  for (std::size_t i = 0; i < sinks.size(); ++i) {
    ASSERT_TRUE(sinks[i]->wait_for_end());
    ASSERT_TRUE(sinks[i]->picture()) << sinks[i]->log();
    EXPECT_EQ(sinks[i]->picture()->pixels.front(), i + 1);
    EXPECT_THAT(sinks[i]->log(), HasSubstr("step 1/4, step 2/4, step 3/4, step 4/4, picture 2x1"));
  }
  EXPECT_EQ(fleet_->counters().restarts, 2);
  EXPECT_EQ(fleet_->counters().failed, 0);
}

TEST_F(FleetPictureTest, AnInterruptedPictureEndsEarly) {
  start("hold");
  ASSERT_TRUE(reaches(CardState::kReady));
  const auto sink = paint(picture());
  fleet_->interrupt(last_);
  fleet_->interrupt(jobs::JobId{99});
  ASSERT_TRUE(eventually([&] { return !read_state("interrupted").empty(); }));
  write_state("go", "");
  ASSERT_TRUE(sink->wait_for_end());
  EXPECT_EQ(sink->log(), "accepted 0, step 1/4, picture 2x1 early");
}

TEST_F(FleetPictureTest, ACancelledPictureFreesTheCard) {
  start("hold");
  ASSERT_TRUE(reaches(CardState::kReady));
  const auto sink = paint(picture());
  ASSERT_TRUE(eventually([&] { return fleet_->health().running == 1; }));
  fleet_->cancel(last_);
  ASSERT_TRUE(eventually([&] { return !read_state("cancelled").empty(); }));
  write_state("go", "");
  ASSERT_TRUE(paint(picture())->wait_for_end());
  EXPECT_EQ(sink->log(), "accepted 0");
}

TEST_F(FleetPictureTest, APictureThatCannotBePaintedIsRefused) {
  start("ok");
  const auto code = [this](auto change) {
    jobs::PictureJob bad = picture();
    change(bad);
    return fleet_->submit(bad, std::make_shared<RecordingSink>()).status().code();
  };
  EXPECT_EQ(code([](auto& job) { job.prompt.clear(); }), Code::kInvalidArgument);
  EXPECT_EQ(code([](auto& job) { job.width = 0; }), Code::kInvalidArgument);
  EXPECT_EQ(code([](auto& job) { job.timesteps.clear(); }), Code::kInvalidArgument);
  EXPECT_EQ(code([](auto& job) { job.model = "n"; }), Code::kNotFound);
}

}  // namespace
}  // namespace axle::fleet
