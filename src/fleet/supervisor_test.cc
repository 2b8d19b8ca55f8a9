#include "fleet/supervisor.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace axle::fleet {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

const Status kCrash = unavailable("the card process was ended by signal 11");

SupervisorOptions quick_options() {
  SupervisorOptions options;
  options.hello_timeout = seconds(90);
  options.heartbeat_timeout = seconds(10);
  options.call_deadline = seconds(30);
  options.load_deadline = seconds(180);
  options.kill_timeout = seconds(10);
  options.reboot_timeout = seconds(120);
  options.restart_delay_min = milliseconds(100);
  options.restart_delay_max = milliseconds(300);
  options.stable_after = seconds(2);
  options.lost_retry = seconds(180);
  return options;
}

class SupervisorTest : public testing::Test {
 protected:
  using Reboot = Supervisor::Reboot;

  void make(Reboot reboot) { supervisor_.emplace(quick_options(), reboot); }
  Supervisor& it() { return *supervisor_; }
  std::vector<Order> orders() { return supervisor_->take_orders(); }
  void wait(milliseconds duration) { now_ += duration; }

  void come_up() {
    it().on_hello(now_);
    it().on_models_settled(now_);
  }
  // From a new supervisor to a ready card.
  void start_ready(Reboot reboot = Reboot::kPossible) {
    make(reboot);
    it().start(now_);
    come_up();
    orders();
  }
  // One process that ends before it is ready, and the wait for its successor.
  void fail_start() {
    it().on_exit(now_, kCrash);
    if (it().next_deadline()) now_ = std::max(now_, *it().next_deadline());
  }
  void beat(milliseconds call_age, std::string call = "axclrtEngineExecute") {
    jobs::Heartbeat heartbeat;
    heartbeat.call_running_us = std::chrono::microseconds(call_age).count();
    heartbeat.call = std::move(call);
    it().on_heartbeat(now_, heartbeat);
  }

  Supervisor::Time now_{seconds(1'000)};
  std::optional<Supervisor> supervisor_;
};

TEST_F(SupervisorTest, GoesFromStartingOverLoadingToReady) {
  make(Reboot::kPossible);
  it().start(now_);
  EXPECT_THAT(orders(), ElementsAre(Order::kStartProcess));
  EXPECT_EQ(it().state(), CardState::kStarting);
  it().on_hello(now_);
  EXPECT_EQ(it().state(), CardState::kLoading);
  it().on_models_settled(now_);
  EXPECT_EQ(it().state(), CardState::kReady);
  EXPECT_EQ(it().reason(), "");
  EXPECT_THAT(orders(), IsEmpty());
}

TEST_F(SupervisorTest, AProcessThatDiesIsRestartedAtOnceAndReadyAgain) {
  start_ready();
  it().on_exit(now_, kCrash);
  EXPECT_THAT(orders(), ElementsAre(Order::kStartProcess));
  EXPECT_EQ(it().state(), CardState::kRecovering);
  EXPECT_THAT(it().reason(), HasSubstr("signal 11"));
  it().on_hello(now_);
  EXPECT_EQ(it().state(), CardState::kRecovering);  // Until it can serve.
  it().on_models_settled(now_);
  EXPECT_EQ(it().state(), CardState::kReady);
  EXPECT_EQ(it().restarts(), 1);
}

TEST_F(SupervisorTest, ASilentStartIsKilledAfterTheHelloTimeout) {
  make(Reboot::kPossible);
  it().start(now_);
  orders();
  wait(seconds(90) - milliseconds(1));
  it().on_tick(now_);
  EXPECT_THAT(orders(), IsEmpty());
  wait(milliseconds(1));
  it().on_tick(now_);
  EXPECT_THAT(orders(), ElementsAre(Order::kKillProcess));
  EXPECT_THAT(it().reason(), HasSubstr("did not open the card within 90.0 s"));
  it().on_exit(now_, kCrash);
  EXPECT_THAT(orders(), ElementsAre(Order::kStartProcess));
  EXPECT_EQ(it().last_failure().code(), Code::kDeadlineExceeded);  // Not the kill's own exit.
}

TEST_F(SupervisorTest, MissingHeartbeatsEndTheProcess) {
  start_ready();
  wait(seconds(10));
  it().on_tick(now_);
  EXPECT_THAT(orders(), IsEmpty());
  beat(milliseconds(0));
  wait(seconds(10) + milliseconds(1));
  EXPECT_EQ(it().next_deadline(), now_);
  it().on_tick(now_);
  EXPECT_THAT(orders(), ElementsAre(Order::kKillProcess));
  EXPECT_THAT(it().reason(), HasSubstr("no heartbeat"));
}

TEST_F(SupervisorTest, ACallThatOverrunsItsDeadlineEndsTheProcess) {
  start_ready();
  beat(seconds(30));
  EXPECT_THAT(orders(), IsEmpty());
  beat(seconds(30) + milliseconds(1));
  EXPECT_THAT(orders(), ElementsAre(Order::kKillProcess));
  EXPECT_THAT(it().reason(), HasSubstr("axclrtEngineExecute"));
}

TEST_F(SupervisorTest, TheSoftwareCardMayComputeForMinutes) {
  make(Reboot::kImpossible);
  it().start(now_);
  it().on_hello(now_, Supervisor::CardKind::kSoftware);
  it().on_models_settled(now_);
  orders();
  beat(seconds(600));
  EXPECT_THAT(orders(), IsEmpty());
  beat(seconds(600) + milliseconds(1));
  EXPECT_THAT(orders(), ElementsAre(Order::kKillProcess));
}

TEST_F(SupervisorTest, ACallMayTakeLongerWhileModelsLoad) {
  make(Reboot::kPossible);
  it().start(now_);
  it().on_hello(now_);
  orders();
  beat(seconds(180));
  EXPECT_THAT(orders(), IsEmpty());
  beat(seconds(181));
  EXPECT_THAT(orders(), ElementsAre(Order::kKillProcess));
}

TEST_F(SupervisorTest, RestartsBecomeSlowerUpToALimit) {
  SupervisorOptions options = quick_options();
  options.failures_before_reboot = 100;
  supervisor_.emplace(options, Reboot::kPossible);
  it().start(now_);
  std::vector<std::int64_t> delays;
  for (int i = 0; i < 5; ++i) {
    const auto before = now_;
    fail_start();
    delays.push_back(i == 0 ? 0 : (now_ - before) / milliseconds(1));
    it().on_tick(now_);
    if (i == 0) now_ = before;  // Started at once: the deadline is that of its hello.
  }
  EXPECT_THAT(delays, ElementsAre(0, 100, 200, 300, 300));
}

TEST_F(SupervisorTest, StartsThatDoNoWorkLeadToARebootOfTheCard) {
  make(Reboot::kPossible);
  it().start(now_);
  it().on_exit(now_, kCrash);
  it().on_exit(now_, kCrash);
  wait(milliseconds(100));
  it().on_tick(now_);
  EXPECT_THAT(orders(),
              ElementsAre(Order::kStartProcess, Order::kStartProcess, Order::kStartProcess));
  it().on_exit(now_, kCrash);
  EXPECT_THAT(orders(), ElementsAre(Order::kRebootCard));
  EXPECT_THAT(it().reason(), HasSubstr("rebooted"));
  it().on_reboot_end(now_, Status());
  EXPECT_THAT(orders(), ElementsAre(Order::kStartProcess));
  come_up();
  EXPECT_EQ(it().state(), CardState::kReady);
  EXPECT_EQ(it().reboots(), 1);
}

TEST_F(SupervisorTest, RefusedPortsLeadStraightToAReboot) {
  make(Reboot::kPossible);
  it().start(now_);
  orders();
  const Status refused(Code::kUnavailable, "ports", static_cast<std::int32_t>(0x80300186));
  it().on_failure(now_, refused);
  it().on_exit(now_, kCrash);
  EXPECT_THAT(orders(), ElementsAre(Order::kKillProcess, Order::kRebootCard));
}

TEST_F(SupervisorTest, ARebootThatDoesNotHelpLosesTheCardWithReasonAndAdvice) {
  make(Reboot::kPossible);
  it().start(now_);
  it().on_exit(now_, kCrash);
  it().on_exit(now_, kCrash);
  wait(milliseconds(100));
  it().on_tick(now_);
  it().on_exit(now_, kCrash);
  it().on_reboot_end(now_, Status());
  orders();
  it().on_exit(now_, kCrash);
  EXPECT_THAT(orders(), ElementsAre(Order::kStartProcess));  // Twice, as the options say.
  it().on_exit(now_, kCrash);
  EXPECT_THAT(orders(), ElementsAre(Order::kFailJobs));
  EXPECT_EQ(it().state(), CardState::kLost);
  EXPECT_THAT(it().reason(), HasSubstr("signal 11"));
  EXPECT_THAT(it().reason(), HasSubstr("although the card was rebooted"));
  EXPECT_THAT(it().reason(), HasSubstr("power off and on"));
  EXPECT_EQ(it().next_try(), now_ + seconds(180));
}

TEST_F(SupervisorTest, ALostSoftwareCardIsNoMatterOfPower) {
  make(Reboot::kImpossible);
  it().start(now_);
  it().on_hello(now_, Supervisor::CardKind::kSoftware);
  for (int i = 0; i < 20 && it().state() != CardState::kLost; ++i) {
    fail_start();
    it().on_tick(now_);
  }
  ASSERT_EQ(it().state(), CardState::kLost);
  EXPECT_THAT(it().reason(), HasSubstr("AXLE_SOFTCARD"));
  EXPECT_THAT(it().reason(), Not(HasSubstr("power")));
}

TEST_F(SupervisorTest, ALostCardIsTriedAgainAndComesBack) {
  start_ready(Reboot::kImpossible);
  it().on_failure(now_, not_found("no library"));
  it().on_exit(now_, kCrash);
  EXPECT_THAT(orders(), ElementsAre(Order::kKillProcess, Order::kFailJobs));
  EXPECT_THAT(it().reason(), HasSubstr("no library. What to do: correct this"));
  wait(seconds(180));
  it().on_tick(now_);
  EXPECT_THAT(orders(), ElementsAre(Order::kStartProcess));
  EXPECT_EQ(it().state(), CardState::kLost);  // Requests are refused until it really works.
  it().on_exit(now_, kCrash);
  EXPECT_THAT(orders(), IsEmpty());
  wait(seconds(180));
  it().on_tick(now_);
  come_up();
  EXPECT_EQ(it().state(), CardState::kReady);
}

TEST_F(SupervisorTest, ALostCardIsRebootedOncePerTry) {
  make(Reboot::kPossible);
  it().start(now_);
  it().on_exit(now_, not_found("no such device"));
  EXPECT_EQ(it().state(), CardState::kLost);
  wait(seconds(180));
  it().on_tick(now_);
  orders();
  it().on_exit(now_, kCrash);
  EXPECT_THAT(orders(), ElementsAre(Order::kRebootCard));
  it().on_reboot_end(now_, Status());
  EXPECT_THAT(orders(), ElementsAre(Order::kStartProcess));
  it().on_exit(now_, kCrash);
  EXPECT_THAT(orders(), IsEmpty());
  EXPECT_EQ(it().next_try(), now_ + seconds(180));
}

TEST_F(SupervisorTest, ARebootThatFailsOrHangsLosesTheCard) {
  const Status refused(Code::kUnavailable, "ports", static_cast<std::int32_t>(0x80300186));
  make(Reboot::kPossible);
  it().start(now_);
  it().on_exit(now_, refused);
  it().on_reboot_end(now_, unavailable("it exited with code 1: reboot timeout"));
  EXPECT_THAT(it().reason(), HasSubstr("reboot timeout"));
  EXPECT_EQ(it().state(), CardState::kLost);
  make(Reboot::kPossible);
  it().start(now_);
  it().on_exit(now_, refused);
  orders();
  wait(seconds(120));
  it().on_tick(now_);
  EXPECT_THAT(orders(), ElementsAre(Order::kKillReboot, Order::kFailJobs));
  EXPECT_THAT(it().reason(), HasSubstr("no end after 120.0 s"));
}

TEST_F(SupervisorTest, WithoutARebootCommandTheCardIsLostInstead) {
  make(Reboot::kImpossible);
  it().start(now_);
  it().on_exit(now_, kCrash);
  it().on_exit(now_, kCrash);
  wait(milliseconds(100));
  it().on_tick(now_);
  orders();
  it().on_exit(now_, kCrash);
  EXPECT_THAT(orders(), ElementsAre(Order::kFailJobs));
  EXPECT_THAT(it().reason(), HasSubstr("3 starts in a row failed"));
}

TEST_F(SupervisorTest, ProcessesThatDidWorkNeverAddUpToAReboot) {
  start_ready();
  for (int i = 0; i < 100; ++i) {
    it().on_work(now_);
    it().on_exit(now_, kCrash);
    EXPECT_THAT(orders(), ElementsAre(Order::kStartProcess));
    come_up();
  }
  EXPECT_EQ(it().reboots(), 0);
}

TEST_F(SupervisorTest, ProcessesThatWereReadyForAWhileNeverAddUpToAReboot) {
  start_ready();
  for (int i = 0; i < 100; ++i) {
    wait(seconds(2));
    it().on_exit(now_, kCrash);
    EXPECT_THAT(orders(), ElementsAre(Order::kStartProcess));
    come_up();
  }
  EXPECT_EQ(it().reboots(), 0);
}

TEST_F(SupervisorTest, AProcessThatCannotBeKilledLosesTheCardUntilItIsGone) {
  start_ready();
  it().on_failure(now_, corrupt("nonsense"));
  wait(seconds(10));
  it().on_tick(now_);
  EXPECT_THAT(orders(), ElementsAre(Order::kKillProcess, Order::kFailJobs));
  EXPECT_THAT(it().reason(), HasSubstr("reboot the host"));
  wait(seconds(180));
  it().on_tick(now_);
  EXPECT_THAT(orders(), ElementsAre(Order::kKillProcess));  // Never a second process beside it.
  it().on_exit(now_, kCrash);
  it().on_tick(now_);
  EXPECT_THAT(orders(), ElementsAre(Order::kStartProcess));
}

TEST_F(SupervisorTest, AHotCardWarnsThenPausesUntilItIsBelowTheWarning) {
  start_ready();
  it().on_temperature(74.9);
  EXPECT_EQ(it().state(), CardState::kReady);
  it().on_temperature(75.0);
  EXPECT_EQ(it().state(), CardState::kHot);
  EXPECT_THAT(it().reason(), HasSubstr("75.0 C (work goes on)"));
  it().on_temperature(79.9);
  EXPECT_THAT(orders(), IsEmpty());
  it().on_temperature(80.0);
  EXPECT_THAT(orders(), ElementsAre(Order::kPauseWork));
  it().on_temperature(75.0);
  EXPECT_TRUE(it().paused());
  EXPECT_THAT(orders(), IsEmpty());
  it().on_temperature(74.9);
  EXPECT_THAT(orders(), ElementsAre(Order::kResumeWork));
  EXPECT_EQ(it().state(), CardState::kReady);
}

TEST_F(SupervisorTest, ANewProcessOfAHotCardIsPausedToo) {
  start_ready();
  it().on_temperature(85.0);
  it().on_exit(now_, kCrash);
  EXPECT_THAT(orders(), ElementsAre(Order::kPauseWork, Order::kStartProcess));
  it().on_hello(now_);
  EXPECT_THAT(orders(), ElementsAre(Order::kPauseWork));
}

TEST_F(SupervisorTest, EventsOfThePastAreIgnored) {
  start_ready();
  it().on_hello(now_);
  it().on_models_settled(now_);
  it().on_reboot_end(now_, unavailable("late"));
  it().start(now_);
  EXPECT_THAT(orders(), IsEmpty());
  EXPECT_EQ(it().state(), CardState::kReady);
  it().stop();
  it().on_exit(now_, kCrash);
  it().on_tick(now_ + seconds(1'000));
  EXPECT_THAT(orders(), IsEmpty());
  EXPECT_EQ(it().state(), CardState::kStopped);
  EXPECT_EQ(it().next_deadline(), std::nullopt);
}

}  // namespace
}  // namespace axle::fleet
