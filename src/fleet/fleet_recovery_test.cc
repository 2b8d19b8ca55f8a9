#include <random>

#include "fleet/fleet_fixture.h"

namespace axle::fleet {
namespace {

using std::chrono::milliseconds;
using testing::HasSubstr;

// Fleets whose card processes go wrong.
class FleetRecoveryTest : public FleetTest {
 protected:
  // Ten jobs are answered as if nothing had happened, by the second process.
  void expect_undisturbed_answers() {
    std::vector<Submitted> all;
    for (int i = 0; i < 10; ++i) all.push_back(submit(job(20 + i, i)));
    for (const Submitted& one : all) expect_answered(one);
    EXPECT_TRUE(reaches(CardState::kReady));
    EXPECT_EQ(fleet_->counters().restarts, 1);
    EXPECT_EQ(fleet_->counters().failed, 0);
  }
  std::string last_error() {
    const auto errors = fleet_->health().last_errors;
    return errors.empty() ? "" : errors.back().status.message();
  }
};

TEST_F(FleetRecoveryTest, AProcessThatDiesInTheMiddleCostsNothing) {
  start("die:75;ok");
  expect_undisturbed_answers();
  EXPECT_THAT(last_error(), HasSubstr("signal 9"));
  EXPECT_GE(fleet_->counters().replayed, 1);
}

TEST_F(FleetRecoveryTest, AProcessThatHangsIsReplaced) {
  options_.supervisor.heartbeat_timeout = milliseconds(2'000);
  start("hang:75;ok");
  expect_undisturbed_answers();
  EXPECT_THAT(last_error(), HasSubstr("no heartbeat"));
}

TEST_F(FleetRecoveryTest, ACardCallThatHangsIsNamed) {
  start("stuck:75;ok");
  expect_undisturbed_answers();
  EXPECT_THAT(last_error(), HasSubstr("axclrtEngineExecute"));
}

TEST_F(FleetRecoveryTest, NonsenseEndsTheProcess) {
  start("garbage;ok");
  expect_undisturbed_answers();
  EXPECT_THAT(last_error(), HasSubstr("magic"));
}

TEST_F(FleetRecoveryTest, AnOrderFromTheCardProcessIsNonsense) {
  start("order;ok");
  expect_undisturbed_answers();
  EXPECT_THAT(last_error(), HasSubstr("sent an order"));
}

TEST_F(FleetRecoveryTest, TokensThatLeaveAGapEndTheProcess) {
  start("gap;ok");
  expect_undisturbed_answers();
  EXPECT_THAT(last_error(), HasSubstr("wanted them to follow"));
}

TEST_F(FleetRecoveryTest, AProcessThatNeverSaysHelloIsReplaced) {
  options_.supervisor.hello_timeout = milliseconds(4'000);
  start("silent;ok");
  expect_undisturbed_answers();
  EXPECT_THAT(last_error(), HasSubstr("did not open the card within 4.0 s"));
}

TEST_F(FleetRecoveryTest, AProcessThatExitsAtOnceIsReplaced) {
  start("exit;ok");
  expect_undisturbed_answers();
  EXPECT_THAT(last_error(), HasSubstr("exited with code 3"));
}

TEST_F(FleetRecoveryTest, TokensThatComeTwiceAreDeliveredOnce) {
  start("double+die:75;double");
  expect_undisturbed_answers();
}

TEST_F(FleetRecoveryTest, ACardThatRefusesItsPortsIsRebootedAndAnswersY) {
  const std::string script = "read answer; echo $answer > " + (state_ / "rebooted").string();
  options_.reboot_command = {"/bin/sh", "-c", script};
  start("lost;ok");
  expect_answered(submit(job(3)));
  EXPECT_EQ(read_state("rebooted"), "y\n");
  EXPECT_EQ(fleet_->counters().reboots, 1);
}

TEST_F(FleetRecoveryTest, ARebootThatHangsIsEndedAndTheCardIsLost) {
  options_.reboot_command = {"/bin/sh", "-c", "sleep 1000"};
  options_.supervisor.reboot_timeout = milliseconds(50);
  start("lost");
  ASSERT_TRUE(reaches(CardState::kLost));
  EXPECT_THAT(fleet_->health().reason, HasSubstr("rebooting the card failed (no end after 0.1 s)"));
}

TEST_F(FleetRecoveryTest, TheOutputOfARebootThatFailsIsToldToTheOperator) {
  options_.reboot_command = {"/bin/sh", "-c", "echo device 0x1 reboot timeout; exit 1"};
  start("lost");
  ASSERT_TRUE(reaches(CardState::kLost));
  EXPECT_THAT(fleet_->health().reason, HasSubstr("code 1: device 0x1 reboot timeout"));
}

TEST_F(FleetRecoveryTest, ALostCardRefusesJobsAndComesBackByItself) {
  options_.supervisor.lost_retry = milliseconds(600);
  start("absent;ok");
  const Submitted waiting{job(3), jobs::JobId{0}, std::make_shared<RecordingSink>()};
  const bool queued =
      fleet_->submit(waiting.job, waiting.sink).ok();  // Before it was lost, or not.
  ASSERT_TRUE(reaches(CardState::kLost));
  if (queued) {
    ASSERT_TRUE(waiting.sink->wait_for_end());
    EXPECT_EQ(waiting.sink->failure()->code(), Code::kUnavailable);
  }
  const Status refused = fleet_->submit(job(3), waiting.sink).status();
  EXPECT_EQ(refused.code(), Code::kUnavailable);
  EXPECT_THAT(refused.message(), HasSubstr("no libaxcl_rt.so"));
  EXPECT_EQ(fleet_->retry_after(), std::chrono::seconds(1));
  ASSERT_TRUE(reaches(CardState::kReady));
  expect_answered(submit(job(3)));
}

TEST_F(FleetRecoveryTest, APoisonousJobFailsAndTheOthersAreAnswered) {
  start("poison");
  std::vector<Submitted> all;
  for (int i = 0; i < 5; ++i) all.push_back(submit(job(10, i)));
  const Submitted poison = submit(job(10, 666));
  for (int i = 0; i < 5; ++i) all.push_back(submit(job(10, 100 + i)));
  ASSERT_TRUE(poison.sink->wait_for_end());
  EXPECT_EQ(poison.sink->failure()->code(), Code::kInternal);
  for (const Submitted& one : all) expect_answered(one);
}

TEST_F(FleetRecoveryTest, ACancelBetweenTwoProcessesEndsTheJob) {
  start("hold+die:1;silent");
  const Submitted victim = submit(job(5));
  ASSERT_TRUE(eventually([&] { return fleet_->health().running == 1; }));
  write_state("go", "");
  ASSERT_TRUE(reaches(CardState::kRecovering));
  fleet_->cancel(victim.id);
  EXPECT_EQ(fleet_->health().queued, 0);
  fleet_->stop(milliseconds(0));
  EXPECT_THAT(victim.sink->log(), testing::Not(HasSubstr("tokens")));
}

TEST_F(FleetRecoveryTest, StopEndsAProcessThatDoesNotListen) {
  start("silent");
  const auto begin = std::chrono::steady_clock::now();
  fleet_.reset();
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(4));
}

TEST_F(FleetRecoveryTest, RandomDeathsNeverChangeAnAnswer) {
  std::mt19937 random(20);
  options_.running_limit = 7;
  // Every process gives at least 40 tokens: each death finds work that was done.
  std::string scripts;
  for (int i = 0; i < 25; ++i) scripts += "die:" + std::to_string(40 + random() % 60) + ";";
  start(scripts + "ok");
  std::vector<Submitted> all;
  for (int i = 0; i < 40; ++i)
    all.push_back(submit(job(static_cast<std::int32_t>(random() % 80), i)));
  std::vector<Submitted> cancelled;
  for (std::size_t i = 0; i < all.size(); i += 9) {
    fleet_->cancel(all[i].id);
    cancelled.push_back(all[i]);
  }
  for (std::size_t i = 0; i < all.size(); ++i)
    if (i % 9 != 0) expect_answered(all[i]);
  EXPECT_GE(fleet_->counters().restarts, 10);
  EXPECT_EQ(fleet_->counters().failed, 0);
  EXPECT_EQ(fleet_->health().running + fleet_->health().queued, 0);
}

}  // namespace
}  // namespace axle::fleet
