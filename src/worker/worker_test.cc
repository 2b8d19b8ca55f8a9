#include "worker/worker.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>

#include <array>
#include <atomic>
#include <map>
#include <set>
#include <string>
#include <thread>
#include <vector>

namespace axle::worker {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

const Status kLost = card_lost("the card is gone", static_cast<std::int32_t>(0x8030040c));

// Counts: token i of a job is i. Its faults are set by the test before run().
class FakeHost final : public EngineHost {
 public:
  Result<jobs::Hello> open() override {
    if (!open_error.ok()) return open_error;
    return jobs::Hello{jobs::kProtocolVersion, "fake", true, 1, "AX650N", "V0"};
  }
  Result<jobs::ModelLoaded> load(const jobs::LoadJob& job, const LoadProgress& progress) override {
    if (job.folder == "/bad") return corrupt("layer 3 is cut short");
    if (job.folder == "/lost") return kLost;
    progress({job.model, 1, 2});
    models_.insert(job.model);
    jobs::ModelLoaded loaded;
    loaded.model = job.model;
    return loaded;
  }
  Status unload(const std::string& model, JobEvents& events) override {
    for (const auto& [id, job] : jobs_)
      events.on_event(id, jobs::Failed{unavailable("gone"), true});
    jobs_.clear();
    return models_.erase(model) == 1 ? Status() : not_found(model);
  }
  Status add(jobs::JobId id, const jobs::Job& job) override {
    if (const auto* picture = std::get_if<jobs::PictureJob>(&job)) {
      pictures.push_back(id);
      return picture->model == "m" ? Status() : not_found("no model " + picture->model);
    }
    const auto& text = std::get<jobs::GenerateJob>(job);
    if (!models_.contains(text.model)) return not_found("no model " + text.model);
    jobs_[id] = text;
    return Status();
  }
  void cancel(jobs::JobId id) override { jobs_.erase(id); }
  void interrupt(jobs::JobId id) override { interrupted.push_back(id); }
  bool idle() const override { return jobs_.empty(); }
  Status step(JobEvents& events) override {
    if (++steps == steps_until_loss) return kLost;
    auto& [id, job] = *jobs_.begin();
    const auto index = static_cast<std::int32_t>(job.generated.size());
    job.generated.push_back(index);
    events.on_event(id, jobs::Tokens{{index}, index});
    if (index + 1 < job.max_new_tokens) return Status();
    events.on_event(id, jobs::Done{});
    jobs_.erase(id);
    return Status();
  }
  Result<jobs::Readings> readings() override {
    if (!readings_error.ok()) return readings_error;
    jobs::Readings readings;
    readings.temperature_celsius = 48.5;
    return readings;
  }
  HostLoad load_figures() const override {
    return {static_cast<std::int32_t>(jobs_.size()), 0, 5, 10, 3, 4096, 0.25, 0.5, 0.4, 0.9};
  }
  void close() override { closed = true; }

  std::vector<jobs::JobId> pictures;
  std::vector<jobs::JobId> interrupted;
  Status open_error;
  Status readings_error;
  int steps = 0;
  int steps_until_loss = -1;
  bool closed = false;

 private:
  std::set<std::string> models_;
  std::map<jobs::JobId, jobs::GenerateJob> jobs_;
};

// The front's end, written by hand. Heartbeats are put aside.
class WorkerTest : public testing::Test {
 protected:
  ~WorkerTest() override { hang_up(); }

  void start() {
    std::array<int, 2> ends{};
    ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()), 0);
    front_ = std::make_unique<FrontSocket>(ends[0]);
    Worker::Options options;
    options.socket = ends[1];
    options.heartbeat_interval = std::chrono::milliseconds(5);
    options.running_call = [] { return RunningCall{"axclrtFake", std::chrono::seconds(3)}; };
    thread_ = std::thread([this, options] {
      Worker worker(host_, options);
      exit_ = worker.run();
    });
  }
  void order(jobs::JobId id, jobs::Payload payload) {
    EXPECT_TRUE(front_->send({id, std::move(payload)}).ok());
  }
  void load(const std::string& model, const std::string& folder = "/good") {
    order(jobs::JobId{0}, jobs::LoadJob{model, folder});
  }
  void generate(std::uint64_t id, std::int32_t tokens, std::string model = "m") {
    jobs::GenerateJob job;
    job.model = std::move(model);
    job.prompt = {1};
    job.max_new_tokens = tokens;
    order(jobs::JobId{id}, job);
  }
  // The next message that is no heartbeat and no reading; none at the end of the stream.
  std::optional<jobs::Message> next() {
    for (;;) {
      while (read_.empty()) {
        const Result<bool> more = front_->receive(read_);
        if (!more.ok() || !*more) return std::nullopt;
      }
      jobs::Message message = read_.front();
      read_.erase(read_.begin());
      if (const auto* heartbeat = std::get_if<jobs::Heartbeat>(&message.payload)) {
        heartbeat_ = *heartbeat;
      } else if (std::holds_alternative<jobs::Readings>(message.payload)) {
        ++readings_;
      } else {
        return message;
      }
    }
  }
  // Types and ids of what comes until `last` has come.
  std::vector<std::string> heard_until(jobs::MessageType last) {
    std::vector<std::string> heard;
    while (std::optional<jobs::Message> message = next()) {
      heard.push_back(fmt::format("{} {}", jobs::type_name(message->type()),
                                  static_cast<std::uint64_t>(message->id)));
      if (const auto* lost = std::get_if<jobs::CardLost>(&message->payload)) reason_ = lost->status;
      if (const auto* bad = std::get_if<jobs::LoadFailed>(&message->payload)) reason_ = bad->status;
      if (const auto* bad = std::get_if<jobs::Failed>(&message->payload)) reason_ = bad->status;
      if (message->type() == last) break;
    }
    return heard;
  }
  ExitCode exit_code() {
    if (thread_.joinable()) thread_.join();
    return exit_;
  }
  void hang_up() {
    if (front_) front_->shut_down();
    exit_code();
  }

  FakeHost host_;
  std::unique_ptr<FrontSocket> front_;
  std::vector<jobs::Message> read_;
  std::thread thread_;
  ExitCode exit_ = ExitCode::kOk;
  jobs::Heartbeat heartbeat_;
  int readings_ = 0;
  Status reason_;
};

TEST_F(WorkerTest, SaysHelloLoadsAndGenerates) {
  start();
  load("m");
  EXPECT_THAT(heard_until(jobs::MessageType::kModelLoaded),
              ElementsAre("hello 0", "load_progress 0", "model_loaded 0"));
  generate(2, 2);
  EXPECT_THAT(heard_until(jobs::MessageType::kDone),
              ElementsAre("accepted 2", "tokens 2", "tokens 2", "done 2"));
  order(jobs::JobId{0}, jobs::Shutdown{});
  EXPECT_EQ(exit_code(), ExitCode::kOk);
  EXPECT_TRUE(host_.closed);
}

TEST_F(WorkerTest, AFailedLoadLeavesTheOthersRunning) {
  start();
  load("m");
  heard_until(jobs::MessageType::kModelLoaded);
  load("broken", "/bad");
  EXPECT_THAT(heard_until(jobs::MessageType::kLoadFailed), ElementsAre("load_failed 0"));
  EXPECT_THAT(reason_.message(), HasSubstr("layer 3"));
  generate(1, 1);
  EXPECT_THAT(heard_until(jobs::MessageType::kDone),
              ElementsAre("accepted 1", "tokens 1", "done 1"));
}

TEST_F(WorkerTest, AJobThatCannotRunFailsAndNothingElseDoes) {
  start();
  generate(1, 1, "unknown");
  heard_until(jobs::MessageType::kFailed);
  EXPECT_EQ(reason_.code(), Code::kNotFound);
  order(jobs::JobId{5}, jobs::Ping{});
  EXPECT_THAT(heard_until(jobs::MessageType::kPong), ElementsAre("pong 5"));
}

TEST_F(WorkerTest, ACancelledJobSaysNothingMore) {
  start();
  load("m");
  heard_until(jobs::MessageType::kModelLoaded);
  generate(1, 1'000'000);
  heard_until(jobs::MessageType::kTokens);
  order(jobs::JobId{1}, jobs::Cancel{});
  order(jobs::JobId{9}, jobs::Ping{});
  heard_until(jobs::MessageType::kPong);
  order(jobs::JobId{10}, jobs::Ping{});
  EXPECT_THAT(heard_until(jobs::MessageType::kPong), ElementsAre("pong 10"));
}

TEST_F(WorkerTest, APausedWorkerRunsNoStepButAnswers) {
  start();
  load("m");
  heard_until(jobs::MessageType::kModelLoaded);
  order(jobs::JobId{0}, jobs::Pause{true});
  generate(1, 1);
  order(jobs::JobId{7}, jobs::Ping{});
  EXPECT_THAT(heard_until(jobs::MessageType::kPong), ElementsAre("accepted 1", "pong 7"));
  order(jobs::JobId{0}, jobs::Pause{false});
  EXPECT_THAT(heard_until(jobs::MessageType::kDone), ElementsAre("tokens 1", "done 1"));
}

TEST_F(WorkerTest, ALostCardIsReportedAndJobsGetNoEvent) {
  host_.steps_until_loss = 2;
  start();
  load("m");
  heard_until(jobs::MessageType::kModelLoaded);
  generate(1, 5);
  EXPECT_THAT(heard_until(jobs::MessageType::kCardLost),
              ElementsAre("accepted 1", "tokens 1", "card_lost 0"));
  EXPECT_EQ(reason_, kLost);
  EXPECT_EQ(exit_code(), ExitCode::kCardLost);
  EXPECT_FALSE(host_.closed);
}

TEST_F(WorkerTest, ACardThatIsLostWhileLoadingOrReadingEndsTheProcess) {
  start();
  load("m", "/lost");
  EXPECT_THAT(heard_until(jobs::MessageType::kCardLost), ElementsAre("hello 0", "card_lost 0"));
  EXPECT_EQ(exit_code(), ExitCode::kCardLost);
  host_.readings_error = kLost;
  start();
  EXPECT_THAT(heard_until(jobs::MessageType::kCardLost), ElementsAre("hello 0", "card_lost 0"));
  EXPECT_EQ(exit_code(), ExitCode::kCardLost);
}

TEST_F(WorkerTest, ACardThatCannotBeOpenedIsReportedInsteadOfHello) {
  host_.open_error = Status(Code::kUnavailable, "ports", static_cast<std::int32_t>(0x80300186));
  start();
  EXPECT_THAT(heard_until(jobs::MessageType::kCardLost), ElementsAre("card_lost 0"));
  EXPECT_EQ(reason_, host_.open_error);
  EXPECT_EQ(exit_code(), ExitCode::kCardAbsent);
}

TEST_F(WorkerTest, HeartbeatsTellTheRunningCallAndTheLoad) {
  start();
  load("m");
  heard_until(jobs::MessageType::kModelLoaded);
  order(jobs::JobId{0}, jobs::StatusRequest{});
  order(jobs::JobId{3}, jobs::Ping{});
  heard_until(jobs::MessageType::kPong);
  EXPECT_EQ(heartbeat_.call, "axclrtFake");
  EXPECT_EQ(heartbeat_.call_running_us, 3'000'000);
  EXPECT_EQ(heartbeat_.cells_used, 5);
  EXPECT_EQ(heartbeat_.cells_total, 10);
  EXPECT_EQ(heartbeat_.kv_banks, 3);
  EXPECT_EQ(heartbeat_.host_cache_bytes, 4096);
  EXPECT_EQ(heartbeat_.prompt_token_s, 0.25);
  EXPECT_EQ(heartbeat_.new_token_s, 0.5);
  EXPECT_EQ(heartbeat_.picture_step_s, 0.4);
  EXPECT_EQ(heartbeat_.picture_rest_s, 0.9);
  EXPECT_GE(readings_, 2);  // One at the start, one for the request.
}

TEST_F(WorkerTest, PicturesAndInterruptsReachTheHost) {
  start();
  jobs::PictureJob picture;
  picture.model = "m";
  order(jobs::JobId{2}, picture);
  order(jobs::JobId{2}, jobs::Interrupt{});
  picture.model = "other";
  order(jobs::JobId{3}, picture);
  EXPECT_THAT(heard_until(jobs::MessageType::kFailed),
              ElementsAre("hello 0", "accepted 2", "failed 3"));
  hang_up();
  EXPECT_THAT(host_.pictures, ElementsAre(jobs::JobId{2}, jobs::JobId{3}));
  EXPECT_THAT(host_.interrupted, ElementsAre(jobs::JobId{2}));
}

TEST_F(WorkerTest, UnloadingAModelFailsItsJobs) {
  start();
  load("m");
  heard_until(jobs::MessageType::kModelLoaded);
  order(jobs::JobId{0}, jobs::Pause{true});
  generate(1, 5);
  order(jobs::JobId{0}, jobs::UnloadJob{"m"});
  EXPECT_THAT(heard_until(jobs::MessageType::kUnloaded),
              ElementsAre("accepted 1", "failed 1", "unloaded 0"));
}

TEST_F(WorkerTest, EndsWhenTheFrontIsGoneOrSpeaksNonsense) {
  start();
  heard_until(jobs::MessageType::kHello);
  hang_up();
  EXPECT_EQ(exit_, ExitCode::kOk);
  start();
  heard_until(jobs::MessageType::kHello);
  order(jobs::JobId{0}, jobs::Hello{});  // Only a card process says hello.
  EXPECT_EQ(exit_code(), ExitCode::kProtocol);
}

TEST_F(WorkerTest, WithoutReadingsItGoesOnAndAsksNoMore) {
  host_.readings_error = unsupported("this library cannot say");
  start();
  order(jobs::JobId{0}, jobs::StatusRequest{});
  order(jobs::JobId{3}, jobs::Ping{});
  EXPECT_THAT(heard_until(jobs::MessageType::kPong), ElementsAre("hello 0", "pong 3"));
  EXPECT_EQ(readings_, 0);
}

}  // namespace
}  // namespace axle::worker
