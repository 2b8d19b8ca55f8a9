#include "fleet/fleet.h"

#include <functional>

#include "fleet/fleet_fixture.h"

namespace axle::fleet {
namespace {

using std::chrono::milliseconds;
using testing::HasSubstr;

// A sink that does something with the first tokens.
class ActingSink final : public JobSink {
 public:
  explicit ActingSink(std::function<void(jobs::JobId)> act) : act_(std::move(act)) {}
  void on_event(jobs::JobId id, const jobs::JobEvent& event) override {
    inner.on_event(id, event);
    if (std::holds_alternative<jobs::Tokens>(event) && act_) std::exchange(act_, nullptr)(id);
  }
  RecordingSink inner;

 private:
  std::function<void(jobs::JobId)> act_;
};

TEST_F(FleetTest, AnswersJobsSideBySide) {
  start("ok");
  std::vector<Submitted> all;
  for (int i = 0; i < 20; ++i) all.push_back(submit(job(5 + i, i)));
  for (const Submitted& one : all) expect_answered(one);
  EXPECT_EQ(all[0].sink->log().substr(0, 25), "accepted 0, progress 1/3,");
  EXPECT_EQ(fleet_->health().state, CardState::kReady);
  EXPECT_EQ(fleet_->counters().done, 20);
  EXPECT_EQ(fleet_->health().running, 0);
}

TEST_F(FleetTest, RefusesWhatCannotWork) {
  start("ok");
  const auto sink = std::make_shared<RecordingSink>();
  const auto code = [&](jobs::GenerateJob job) {
    return fleet_->submit(job, sink).status().code();
  };
  jobs::GenerateJob bad = job(1);
  EXPECT_EQ(fleet_->submit(bad, nullptr).status().code(), Code::kInvalidArgument);
  bad.model = "other";
  EXPECT_EQ(code(bad), Code::kNotFound);
  EXPECT_THAT(fleet_->submit(bad, sink).status().message(), HasSubstr("there are: m"));
  bad = job(1);
  bad.prompt = {};
  EXPECT_EQ(code(bad), Code::kInvalidArgument);
  bad.prompt = {-1};
  EXPECT_EQ(code(bad), Code::kInvalidArgument);
  bad = job(1);
  bad.max_new_tokens = 0;
  EXPECT_EQ(code(bad), Code::kInvalidArgument);
  EXPECT_GE(fleet_->counters().refused, 2);
}

TEST_F(FleetTest, DoesNotStartWithOptionsThatCannotWork) {
  EXPECT_EQ(Fleet::start(options_).status().code(), Code::kInvalidArgument);
  options_.command = {"/nowhere/axle"};
  EXPECT_EQ(Fleet::start(options_).status().code(), Code::kNotFound);
  options_.command = {FAKE_CARD_PROCESS};
  options_.models.push_back(options_.models[0]);
  EXPECT_THAT(Fleet::start(options_).status().message(), HasSubstr("two models"));
  options_.models.pop_back();
  options_.queue_limit = 0;
  EXPECT_EQ(Fleet::start(options_).status().code(), Code::kInvalidArgument);
}

TEST_F(FleetTest, AFullQueueRefusesAndSaysWhenToComeBack) {
  options_.queue_limit = 2;
  options_.running_limit = 1;
  start("hold");
  const Submitted running = submit(job(3));
  ASSERT_TRUE(eventually([&] { return fleet_->health().running == 1; }));
  const Submitted second = submit(job(3));
  const Submitted third = submit(job(3));
  const auto refused = fleet_->submit(job(3), std::make_shared<RecordingSink>());
  EXPECT_EQ(refused.status().code(), Code::kExhausted);
  EXPECT_GE(fleet_->retry_after(), std::chrono::seconds(1));
  EXPECT_EQ(fleet_->health().queued, 2);
  write_state("go", "");
  for (const Submitted* one : {&running, &second, &third}) expect_answered(*one);
}

TEST_F(FleetTest, UrgentJobsOvertake) {
  options_.running_limit = 1;
  start("hold");
  std::vector<int> order;  // Only the fleet's thread writes, the test reads at the end.
  const auto add = [&](int name, std::int32_t priority) {
    jobs::GenerateJob made = job(1);
    made.priority = priority;
    const auto sink =
        std::make_shared<ActingSink>([&order, name](jobs::JobId) { order.push_back(name); });
    EXPECT_TRUE(fleet_->submit(made, sink).ok());
    return sink;
  };
  const auto first = add(1, 0);
  ASSERT_TRUE(eventually([&] { return fleet_->health().running == 1; }));
  const auto patient = add(2, -1);
  const auto normal = add(3, 0);
  const auto urgent = add(4, 7);
  write_state("go", "");
  for (const auto& sink : {first, patient, normal, urgent}) EXPECT_TRUE(sink->inner.wait_for_end());
  fleet_.reset();
  EXPECT_EQ(order, (std::vector<int>{1, 4, 3, 2}));
}

TEST_F(FleetTest, CancelWorksWhileAJobWaitsAndWhileItRuns) {
  options_.running_limit = 1;
  start("hold");
  const Submitted running = submit(job(3));
  ASSERT_TRUE(eventually([&] { return fleet_->health().running == 1; }));
  const Submitted waiting = submit(job(3));
  const Submitted other = submit(job(3));
  fleet_->cancel(waiting.id);
  fleet_->cancel(running.id);
  fleet_->cancel(running.id);        // Again,
  fleet_->cancel(jobs::JobId{999});  // and one that never was.
  write_state("go", "");
  expect_answered(other);
  EXPECT_THAT(running.sink->log(), testing::Not(HasSubstr("tokens")));
  EXPECT_THAT(waiting.sink->log(), testing::Not(HasSubstr("tokens")));
  EXPECT_TRUE(eventually([&] {  // Only the running one concerns the card process.
    return read_state("cancelled") == std::to_string(static_cast<int>(running.id)) + "\n";
  }));
  EXPECT_EQ(fleet_->counters().cancelled, 2);
}

TEST_F(FleetTest, ADeadlineEndsAJobWithWhatItHasAndFreesItsPlace) {
  start("ok");
  expect_answered(submit(job(3)));  // The card process is up.
  const auto sink = std::make_shared<RecordingSink>();
  const auto id = fleet_->submit(job(1'000'000), sink,
                                 std::chrono::steady_clock::now() + std::chrono::seconds(1));
  ASSERT_TRUE(id.ok());
  ASSERT_TRUE(sink->wait_for_end());
  ASSERT_TRUE(sink->done()) << *sink->failure();
  EXPECT_EQ(sink->done()->finish, jobs::Finish::kLength);
  EXPECT_TRUE(eventually(
      [&] { return read_state("cancelled") == std::to_string(static_cast<int>(*id)) + "\n"; }));
}

TEST_F(FleetTest, ASinkMayCancelItsOwnJob) {
  start("ok");
  const auto sink = std::make_shared<ActingSink>([&](jobs::JobId id) { fleet_->cancel(id); });
  ASSERT_TRUE(fleet_->submit(job(1'000'000), sink).ok());
  EXPECT_TRUE(eventually([&] { return fleet_->counters().cancelled == 1; }));
  expect_answered(submit(job(3)));
  EXPECT_EQ(sink->inner.tokens().size(), 1u);
  EXPECT_EQ(sink.use_count(), 1);  // The fleet has let go of it.
}

TEST_F(FleetTest, AModelThatCannotBeLoadedLeavesTheOthersAlone) {
  options_.models = {{"bad", "/models/bad"}, {"m", "/models/m"}};
  start("badload:bad");
  jobs::GenerateJob early = job(3);
  early.model = "bad";
  const Submitted refused{early, jobs::JobId{0}, std::make_shared<RecordingSink>()};
  static_cast<void>(fleet_->submit(early, refused.sink));  // Before or after the load has failed.
  expect_answered(submit(job(3)));
  const Status status = fleet_->submit(early, refused.sink).status();
  EXPECT_EQ(status.code(), Code::kUnavailable);
  EXPECT_THAT(status.message(), HasSubstr("layer 3 is cut short"));
  EXPECT_TRUE(reaches(CardState::kReady));
  EXPECT_EQ(fleet_->models()[0].state, ModelState::kFailed);
  EXPECT_EQ(fleet_->models()[1].state, ModelState::kLoaded);
  EXPECT_EQ(fleet_->models()[1].loaded.context_tokens, 100);
}

TEST_F(FleetTest, AHotCardPausesUntilItIsCool) {
  write_state("celsius", "85");
  start("ok");
  ASSERT_TRUE(reaches(CardState::kHot));
  EXPECT_TRUE(fleet_->health().paused);
  EXPECT_THAT(fleet_->health().reason, HasSubstr("85.0 C"));
  const Submitted waiting = submit(job(3));
  write_state("celsius", "76");
  ASSERT_TRUE(eventually([&] { return fleet_->health().readings->temperature_celsius == 76.0; }));
  EXPECT_EQ(waiting.sink->log(), "accepted 0");
  write_state("celsius", "74");
  expect_answered(waiting);
  EXPECT_TRUE(reaches(CardState::kReady));
}

TEST_F(FleetTest, StopLetsRunningJobsFinish) {
  start("ok");
  const Submitted running = submit(job(2'000));
  ASSERT_TRUE(running.sink->wait_for_tokens(1));
  fleet_->stop(std::chrono::minutes(1));
  expect_answered(running);
  const auto refused = fleet_->submit(job(1), std::make_shared<RecordingSink>());
  EXPECT_EQ(refused.status().code(), Code::kUnavailable);
  EXPECT_EQ(fleet_->health().state, CardState::kStopped);
  EXPECT_EQ(fleet_->health().reason, "the server is stopping");
}

TEST_F(FleetTest, StopFailsWhatDoesNotFinishInTime) {
  start("hold");
  const Submitted running = submit(job(3));
  ASSERT_TRUE(eventually([&] { return fleet_->health().running == 1; }));
  fleet_->stop(milliseconds(1));
  EXPECT_THAT(running.sink->log(), HasSubstr("failed unavailable"));
}

TEST_F(FleetTest, LeavesNoProcessAndNoDescriptorBehind) {
  const auto descriptors = [] {
    const std::filesystem::directory_iterator all("/proc/self/fd");
    return std::distance(begin(all), end(all));
  };
  const auto before = descriptors();
  start("die:3;ok");
  expect_answered(submit(job(5)));
  EXPECT_EQ(fleet_->health().card->library, "0 1 2 3 ");  // What the child has open.
  const int pid = fleet_->health().pid;
  EXPECT_EQ(::kill(pid, 0), 0);
  fleet_.reset();
  EXPECT_EQ(::kill(pid, 0), -1);
  EXPECT_EQ(descriptors(), before);
}

}  // namespace
}  // namespace axle::fleet
