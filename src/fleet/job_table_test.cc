#include "fleet/job_table.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "fleet/recording_sink.h"

namespace axle::fleet {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class JobTableTest : public testing::Test {
 protected:
  jobs::GenerateJob job(std::int32_t priority = 0, std::string model = "m") {
    jobs::GenerateJob made;
    made.model = std::move(model);
    made.prompt = {1, 2, 3};
    made.max_new_tokens = 10;
    made.priority = priority;
    return made;
  }
  jobs::JobId add_with_deadline(milliseconds deadline) {
    sinks_.push_back(std::make_shared<RecordingSink>());
    return *table_.add(now_, job(), sinks_.back(), now_ + deadline);
  }
  jobs::JobId add(std::int32_t priority = 0, std::string model = "m") {
    sinks_.push_back(std::make_shared<RecordingSink>());
    const auto id = table_.add(now_, job(priority, std::move(model)), sinks_.back());
    EXPECT_TRUE(id.ok());
    return *id;
  }
  jobs::JobId add_picture() {
    jobs::PictureJob made;
    made.model = "m";
    made.width = 2;
    made.height = 1;
    made.prompt = {1, 2, 3};
    made.timesteps = {999, 759, 499, 259};
    sinks_.push_back(std::make_shared<RecordingSink>());
    const auto id = table_.add(now_, std::move(made), sinks_.back());
    EXPECT_TRUE(id.ok());
    return *id;
  }
  Status step(jobs::JobId id, std::int32_t done) {
    return table_.on_event(now_, id,
                           jobs::PictureStep{done, 4, {static_cast<float>(done)}, 0, 0, {}});
  }
  Status picture_done(jobs::JobId id, std::size_t bytes = 6) {
    jobs::PictureDone done;
    done.width = 2;
    done.height = 1;
    done.steps = 4;
    done.pixels.resize(bytes);
    return table_.on_event(now_, id, std::move(done));
  }
  void set_token_rates() {
    jobs::Heartbeat heartbeat;
    heartbeat.prompt_token_s = 0.01;
    heartbeat.new_token_s = 0.1;
    table_.set_rates(heartbeat);
  }
  std::vector<jobs::JobId> send() {
    std::vector<jobs::JobId> ids;
    for (const JobTable::Send& send :
         table_.take_sendable(now_, [](const std::string& model) { return model == "m"; })) {
      ids.push_back(send.id);
      last_sent_ = {};
      last_picture_ = {};
      if (const auto* text = std::get_if<jobs::GenerateJob>(&send.job)) last_sent_ = *text;
      if (const auto* picture = std::get_if<jobs::PictureJob>(&send.job)) last_picture_ = *picture;
      last_interrupt_ = send.interrupt;
    }
    return ids;
  }
  Status tokens(jobs::JobId id, std::vector<jobs::TokenId> ids, std::int32_t first) {
    return table_.on_event(now_, id, jobs::Tokens{std::move(ids), first});
  }
  void lose_process() { table_.on_process_lost(now_, unavailable("signal 9")); }
  // What the job's sink has heard, by name and figures.
  std::string heard(std::size_t sink) {
    for (const Delivery& delivery : table_.take_deliveries())
      delivery.ticket->deliver(delivery.event);
    return sinks_[sink]->log();
  }

  JobTable::Time now_{seconds(1'000)};
  JobTable table_{{.queue = 4, .running = 2, .strikes = 3}};
  std::vector<std::shared_ptr<RecordingSink>> sinks_;
  jobs::GenerateJob last_sent_;
  jobs::PictureJob last_picture_;
  bool last_interrupt_ = false;
};

TEST_F(JobTableTest, AJobHearsItsEventsInOrder) {
  const jobs::JobId id = add();
  EXPECT_THAT(send(), ElementsAre(id));
  EXPECT_TRUE(table_.on_event(now_, id, jobs::Accepted{7}).ok());  // Has been said.
  EXPECT_TRUE(table_.on_event(now_, id, jobs::Progress{2, 3}).ok());
  EXPECT_TRUE(tokens(id, {10, 11}, 0).ok());
  EXPECT_TRUE(table_.on_event(now_, id, jobs::Done{}).ok());
  EXPECT_EQ(heard(0), "accepted 0, progress 2/3, tokens 0: 10 11, done stop 3+2");
  EXPECT_TRUE(table_.empty());
  EXPECT_EQ(table_.counters().done, 1);
  EXPECT_EQ(table_.counters().generated_tokens, 2);
}

TEST_F(JobTableTest, HigherPriorityGoesFirstThenTheOlderJob) {
  const jobs::JobId first = add(0);
  const jobs::JobId second = add(0);
  const jobs::JobId urgent = add(5);
  const jobs::JobId idle = add(-1);
  EXPECT_EQ(heard(2), "accepted 0");
  EXPECT_EQ(heard(3), "accepted 3");
  EXPECT_THAT(send(), ElementsAre(urgent, first));
  EXPECT_THAT(send(), IsEmpty());  // As many run as may.
  EXPECT_TRUE(table_.on_event(now_, urgent, jobs::Done{}).ok());
  EXPECT_THAT(send(), ElementsAre(second));
  EXPECT_FALSE(table_.cancel(idle));
  EXPECT_EQ(table_.queued(), 0u);
}

TEST_F(JobTableTest, AFullQueueRefuses) {
  for (int i = 0; i < 6; ++i) add();  // Two of them run as soon as they are sent.
  const auto refused = table_.add(now_, job(), std::make_shared<RecordingSink>());
  EXPECT_EQ(refused.status().code(), Code::kExhausted);
  EXPECT_THAT(refused.status().message(), HasSubstr("0 requests run and 6 wait, at most 2 and 4"));
  const auto sent = send();
  EXPECT_EQ(table_.add(now_, job(), std::make_shared<RecordingSink>()).status().code(),
            Code::kExhausted);
  EXPECT_TRUE(table_.on_event(now_, sent[0], jobs::Done{}).ok());
  add();  // One has ended.
}

TEST_F(JobTableTest, JobsOfAModelThatIsNotThereLetOthersPass) {
  const jobs::JobId absent = add(9, "absent");
  const jobs::JobId present = add();
  EXPECT_THAT(send(), ElementsAre(present));
  table_.fail_model("absent", now_, unavailable("no"));
  EXPECT_EQ(heard(0), "accepted 0, failed unavailable");
  EXPECT_TRUE(table_.on_event(now_, absent, jobs::Done{}).ok());  // Unknown by now.
  EXPECT_EQ(heard(0), "accepted 0, failed unavailable");
}

TEST_F(JobTableTest, TellsHowManyJobsEachModelHas) {
  for (int i = 0; i < 3; ++i) add(0, "m");
  add(0, "n");
  send();
  EXPECT_EQ(table_.count_of("m"), (JobCount{.queued = 1, .running = 2}));
  EXPECT_EQ(table_.count_of("n"), (JobCount{.queued = 1, .running = 0}));
  EXPECT_EQ(table_.count_of("o"), JobCount());
}

TEST_F(JobTableTest, AReplayedJobHearsEachTokenOnce) {
  const jobs::JobId id = add();
  send();
  EXPECT_TRUE(tokens(id, {10, 11}, 0).ok());
  lose_process();
  EXPECT_THAT(send(), ElementsAre(id));
  EXPECT_THAT(last_sent_.generated, ElementsAre(10, 11));
  EXPECT_TRUE(table_.on_event(now_, id, jobs::Progress{3, 5}).ok());  // Its text goes on already.
  EXPECT_TRUE(tokens(id, {10, 11}, 0).ok());
  EXPECT_TRUE(tokens(id, {11, 12, 13}, 1).ok());
  EXPECT_TRUE(tokens(id, {14}, 4).ok());
  EXPECT_TRUE(table_.on_event(now_, id, jobs::Done{}).ok());
  EXPECT_EQ(heard(0), "accepted 0, tokens 0: 10 11, tokens 2: 12 13, tokens 4: 14, done stop 3+5");
  EXPECT_EQ(table_.counters().replayed, 1);
}

TEST_F(JobTableTest, LogprobsOfTokensThatWereHeardAreDroppedWithThem) {
  const jobs::JobId id = add();
  send();
  EXPECT_TRUE(tokens(id, {10, 11}, 0).ok());
  (void)table_.take_deliveries();
  const jobs::Tokens more{
      {11, 12, 13}, 1, {{11, -1.0f}, {5, -0.5f}, {12, -2.0f}, {6, -0.6f}, {13, -3.0f}, {7, 0.0f}}};
  EXPECT_TRUE(table_.on_event(now_, id, more).ok());
  const std::vector<Delivery> deliveries = table_.take_deliveries();
  ASSERT_EQ(deliveries.size(), 1u);
  const jobs::Tokens wanted{{12, 13}, 2, {{12, -2.0f}, {6, -0.6f}, {13, -3.0f}, {7, 0.0f}}};
  EXPECT_EQ(std::get<jobs::Tokens>(deliveries[0].event), wanted);
  EXPECT_EQ(table_.on_event(now_, id, jobs::Tokens{{14, 15}, 4, {{14, -1.0f}}}).code(),
            Code::kCorrupt);
}

TEST_F(JobTableTest, TokensThatLeaveAGapOrAreTooManyAreRefused) {
  const jobs::JobId id = add();
  send();
  EXPECT_EQ(tokens(id, {10}, 1).code(), Code::kCorrupt);
  EXPECT_EQ(tokens(id, {10}, -1).code(), Code::kCorrupt);
  EXPECT_EQ(tokens(id, std::vector<jobs::TokenId>(11, 1), 0).code(), Code::kCorrupt);
  EXPECT_TRUE(tokens(id, std::vector<jobs::TokenId>(10, 1), 0).ok());
}

TEST_F(JobTableTest, AJobThatHasAllItsTokensIsDoneWhenItsProcessDies) {
  const jobs::JobId id = add();
  send();
  EXPECT_TRUE(tokens(id, std::vector<jobs::TokenId>(10, 1), 0).ok());
  lose_process();
  EXPECT_THAT(heard(0), HasSubstr("done length 3+10"));
  EXPECT_TRUE(table_.empty());
}

TEST_F(JobTableTest, NothingIsHeardAfterACancel) {
  const jobs::JobId running = add();
  send();
  const jobs::JobId waiting = add();
  EXPECT_TRUE(table_.cancel(running));  // The card process must be told,
  EXPECT_FALSE(table_.cancel(waiting));
  EXPECT_FALSE(table_.cancel(running));
  EXPECT_TRUE(tokens(running, {1}, 0).ok());  // and what it still says has no meaning.
  EXPECT_EQ(heard(0), "");
  EXPECT_EQ(heard(1), "");
  EXPECT_EQ(table_.counters().cancelled, 2);
  sinks_.clear();
}

TEST_F(JobTableTest, AJobThatEndsThreeProcessesWithoutATokenFails) {
  const jobs::JobId id = add();
  for (int i = 0; i < 3; ++i) {
    EXPECT_THAT(send(), ElementsAre(id));
    lose_process();
  }
  EXPECT_THAT(send(), IsEmpty());
  EXPECT_EQ(heard(0), "accepted 0, failed internal");
}

TEST_F(JobTableTest, AJobThatGetsATokenInEachProcessGoesOnForEver) {
  const jobs::JobId id = add();
  for (int i = 0; i < 9; ++i) {
    EXPECT_THAT(send(), ElementsAre(id));
    EXPECT_TRUE(tokens(id, {i}, i).ok());
    lose_process();
  }
  EXPECT_EQ(table_.queued(), 1u);
}

TEST_F(JobTableTest, ASuspectRunsAloneUntilItHasAToken) {
  const jobs::JobId poison = add();
  const jobs::JobId innocent = add();
  for (int i = 0; i < 2; ++i) {
    EXPECT_THAT(send(), ElementsAre(poison, innocent));
    lose_process();
  }
  EXPECT_THAT(send(), ElementsAre(poison));
  EXPECT_THAT(send(), IsEmpty());
  lose_process();  // It was alone: no other can have done it.
  EXPECT_THAT(heard(0), HasSubstr("failed internal"));
  EXPECT_THAT(send(), ElementsAre(innocent));
  const jobs::JobId next = add();
  EXPECT_THAT(send(), IsEmpty());
  EXPECT_TRUE(tokens(innocent, {5}, 0).ok());
  EXPECT_THAT(send(), ElementsAre(next));
}

TEST_F(JobTableTest, AJobThatWaitsFailsWhenItsDeadlinePasses) {
  for (int i = 0; i < 3; ++i) add();
  send();
  add_with_deadline(seconds(2));
  EXPECT_EQ(table_.next_deadline(), now_ + seconds(2));
  now_ += milliseconds(1999);
  EXPECT_THAT(table_.expire(now_), IsEmpty());
  EXPECT_EQ(table_.queued(), 2u);
  now_ += milliseconds(1);
  EXPECT_THAT(table_.expire(now_), IsEmpty());  // The card process knows nothing of it.
  EXPECT_EQ(heard(3), "accepted 1, failed deadline_exceeded");
  EXPECT_THAT(sinks_[3]->failure()->message(),
              HasSubstr("deadline of 2.0 s passed while it waited with 1 ahead of it"));
  EXPECT_EQ(table_.queued(), 1u);
  EXPECT_EQ(table_.next_deadline(), std::nullopt);
}

TEST_F(JobTableTest, AJobThatRunsWithoutATokenFailsWhenItsDeadlinePasses) {
  const jobs::JobId id = add_with_deadline(seconds(2));
  send();
  now_ += seconds(2);
  EXPECT_THAT(table_.expire(now_), ElementsAre(id));
  heard(0);
  EXPECT_THAT(sinks_[0]->failure()->message(), HasSubstr("before its first token"));
  EXPECT_TRUE(table_.empty());
}

TEST_F(JobTableTest, AJobWithTokensIsDoneWithThemWhenItsDeadlinePasses) {
  const jobs::JobId id = add_with_deadline(seconds(2));
  now_ += milliseconds(100);
  send();
  now_ += milliseconds(400);
  EXPECT_TRUE(tokens(id, {10, 11}, 0).ok());
  now_ += seconds(9);
  EXPECT_THAT(table_.expire(now_), ElementsAre(id));
  EXPECT_TRUE(tokens(id, {12}, 2).ok());  // Was on its way.
  EXPECT_EQ(heard(0), "accepted 0, tokens 0: 10 11, done length 3+2");
  EXPECT_EQ(sinks_[0]->done()->timings.queued, milliseconds(100));
  EXPECT_EQ(sinks_[0]->done()->timings.prefill, milliseconds(400));
}

TEST_F(JobTableTest, AJobThatHasEndedHasNoDeadline) {
  const jobs::JobId cancelled = add_with_deadline(seconds(1));
  const jobs::JobId done = add_with_deadline(seconds(1));
  send();
  table_.cancel(cancelled);
  EXPECT_TRUE(table_.on_event(now_, done, jobs::Done{}).ok());
  EXPECT_EQ(table_.next_deadline(), std::nullopt);
  EXPECT_THAT(table_.expire(now_ + seconds(9)), IsEmpty());
}

TEST_F(JobTableTest, TheTimesOfAReplayedJobAreThoseOfItsClient) {
  const jobs::JobId id = add();
  now_ += milliseconds(1);
  send();
  now_ += milliseconds(10);
  EXPECT_TRUE(tokens(id, {1}, 0).ok());
  lose_process();
  now_ += milliseconds(100);
  send();
  EXPECT_TRUE(tokens(id, {2}, 1).ok());
  EXPECT_TRUE(table_.on_event(now_, id, jobs::Done{}).ok());
  heard(0);
  const jobs::Timings timings = sinks_[0]->done()->timings;
  EXPECT_EQ(timings.queued, milliseconds(1));
  EXPECT_EQ(timings.prefill, milliseconds(10));
  EXPECT_EQ(timings.decode, milliseconds(100));
}

TEST_F(JobTableTest, TheWaitIsEstimatedFromTheRateAtWhichJobsEnd) {
  EXPECT_EQ(table_.wait_of_next(), milliseconds(0));
  for (int i = 0; i < 2; ++i) {
    const jobs::JobId id = add();
    send();
    now_ += seconds(2);
    EXPECT_TRUE(table_.on_event(now_, id, jobs::Done{}).ok());
    now_ += seconds(100);  // Idle.
  }
  for (int i = 0; i < 5; ++i) {
    add();
    send();
  }
  EXPECT_EQ(table_.queued(), 3u);
  EXPECT_EQ(table_.wait_of_next(), seconds(8));
  EXPECT_EQ(table_.wait_for_room(), seconds(0));
  add();
  EXPECT_EQ(table_.wait_for_room(), seconds(2));
}

TEST_F(JobTableTest, TheWaitIsEstimatedFromTheWorkOfThoseBeforeWhereTheCardKnowsItsSpeed) {
  set_token_rates();
  const jobs::JobId running = add();                  // 3 tokens of prompt and 10 new ones: 1.03 s.
  EXPECT_EQ(table_.wait_of_next(), milliseconds(0));  // Of two places one is free.
  add();
  send();
  const jobs::JobId waiting = add();
  EXPECT_EQ(table_.queue_place(running), std::nullopt);
  EXPECT_EQ(table_.queue_place(waiting)->ahead, 0);
  EXPECT_EQ(table_.queue_place(waiting)->wait, milliseconds(2060));
  EXPECT_TRUE(tokens(running, {1, 2, 3, 4, 5}, 0).ok());  // 0.5 s are left.
  EXPECT_EQ(table_.queue_place(waiting)->wait, milliseconds(1000));
  EXPECT_TRUE(table_.on_event(now_, running, jobs::Done{}).ok());
  EXPECT_EQ(table_.queue_place(waiting)->wait, milliseconds(0));
}

TEST_F(JobTableTest, TextsThatEndEarlyMakeOthersExpectedToDoSo) {
  set_token_rates();
  for (int i = 0; i < 40; ++i) {
    const jobs::JobId id = add();
    send();
    EXPECT_TRUE(tokens(id, {1, 2}, 0).ok());
    EXPECT_TRUE(table_.on_event(now_, id, jobs::Done{}).ok());
  }
  for (int i = 0; i < 3; ++i) add();
  send();
  // 3 tokens of prompt and 2 of 10 new ones, of two texts side by side.
  EXPECT_NEAR(static_cast<double>(table_.queue_place(jobs::JobId{43})->wait.count()), 460, 5);
}

TEST_F(JobTableTest, APictureHearsItsStepsAndItsEnd) {
  const jobs::JobId id = add_picture();
  send();
  for (std::int32_t done = 1; done <= 4; ++done) EXPECT_EQ(step(id, done), Status());
  now_ += seconds(3);
  EXPECT_EQ(picture_done(id), Status());
  EXPECT_EQ(heard(0), "accepted 0, step 1/4, step 2/4, step 3/4, step 4/4, picture 2x1");
  EXPECT_TRUE(table_.empty());
  EXPECT_EQ(table_.counters().done, 1);
}

TEST_F(JobTableTest, APictureGoesOnWithTheStepsThatItHad) {
  const jobs::JobId id = add_picture();
  send();
  EXPECT_EQ(step(id, 1), Status());
  EXPECT_EQ(step(id, 2), Status());
  lose_process();
  EXPECT_THAT(send(), ElementsAre(id));
  EXPECT_EQ(last_picture_.steps_done, 2);
  EXPECT_THAT(last_picture_.latents, ElementsAre(2.0f));
  EXPECT_EQ(step(id, 2), Status()) << "Has been heard.";
  EXPECT_EQ(step(id, 3), Status());
  EXPECT_EQ(heard(0), "accepted 0, step 1/4, step 2/4, step 3/4");
}

TEST_F(JobTableTest, AnInterruptIsToldNowOrWithTheJob) {
  const jobs::JobId running = add_picture();
  send();
  EXPECT_FALSE(last_interrupt_);
  EXPECT_TRUE(table_.interrupt(running));
  const jobs::JobId waiting = add_picture();
  EXPECT_FALSE(table_.interrupt(waiting)) << "Nobody to tell yet.";
  send();
  EXPECT_TRUE(last_interrupt_);
  lose_process();
  send();
  EXPECT_TRUE(last_interrupt_) << "The next process is told too.";
  EXPECT_FALSE(table_.interrupt(jobs::JobId{99}));
}

TEST_F(JobTableTest, APictureThatIsGivenUpWasCancelledAndDidNotFail) {
  const jobs::JobId id = add_picture();
  send();
  EXPECT_TRUE(table_.on_event(now_, id, jobs::Failed{cancelled("not begun"), false}).ok());
  EXPECT_TRUE(table_.empty());
  EXPECT_EQ(table_.counters().cancelled, 1);
  EXPECT_EQ(table_.counters().failed, 0);
}

TEST_F(JobTableTest, StepsAndPicturesThatCannotBeAreNotBelieved) {
  const jobs::JobId picture = add_picture();
  const jobs::JobId text = add();
  send();
  EXPECT_EQ(step(picture, 5).code(), Code::kCorrupt);
  EXPECT_EQ(step(picture, 0).code(), Code::kCorrupt);
  EXPECT_EQ(picture_done(picture, 5).code(), Code::kCorrupt);
  EXPECT_EQ(step(text, 1).code(), Code::kCorrupt);
  EXPECT_EQ(picture_done(text).code(), Code::kCorrupt);
  EXPECT_EQ(tokens(picture, {1}, 0).code(), Code::kCorrupt);
  EXPECT_EQ(table_.on_event(now_, picture, jobs::Done{}).code(), Code::kCorrupt);
}

TEST_F(JobTableTest, APictureWhoseDeadlinePassesFailsHoweverFarItIs) {
  jobs::PictureJob made;
  made.model = "m";
  made.width = 2;
  made.height = 1;
  made.prompt = {1};
  made.timesteps = {999, 759, 499, 259};
  sinks_.push_back(std::make_shared<RecordingSink>());
  const jobs::JobId id = *table_.add(now_, made, sinks_.back(), now_ + seconds(1));
  send();
  EXPECT_EQ(step(id, 1), Status());
  now_ += seconds(2);
  EXPECT_THAT(table_.expire(now_), ElementsAre(id));
  EXPECT_EQ(heard(0), "accepted 0, step 1/4, failed deadline_exceeded");
}

TEST_F(JobTableTest, TheWaitBehindPicturesIsWhatTheirStepsTake) {
  add_picture();
  add_picture();
  send();
  jobs::Heartbeat heartbeat;
  heartbeat.picture_step_s = 0.5;
  heartbeat.picture_rest_s = 1.0;
  table_.set_rates(heartbeat);
  // Two of 3 s share the card: the first ends after 6 s.
  EXPECT_EQ(table_.wait_of_next(), seconds(6));
}

}  // namespace
}  // namespace axle::fleet
