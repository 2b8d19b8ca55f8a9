// Real card processes with a tiny model on the software card, and everything that can go wrong
// with them: the answers must be those of an undisturbed run.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <stdlib.h>

#include <chrono>
#include <filesystem>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "fleet/fleet.h"
#include "fleet/recording_sink.h"
#include "package/testing/tiny_gguf.h"

namespace axle {
namespace {

using fleet::RecordingSink;
using std::chrono::milliseconds;
using testing::HasSubstr;

using Answers = std::vector<std::vector<jobs::TokenId>>;
constexpr int kJobs = 10;
constexpr std::int32_t kTokens = 40;

class CardFaultTest : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    folder_ = std::make_unique<package::testing::TemporaryFolder>();
    package::testing::TinyPackageOptions options;
    options.cells = 1023;
    const auto package = package::testing::make_tiny_package(folder_->path(), "tiny", options);
    ASSERT_TRUE(package.ok()) << package.status();
    package_ = *package;
    expected_ = std::make_unique<Answers>();
    set_profile("");
    const auto fleet = start();
    *expected_ = answers(*fleet, submit_all(*fleet));
    EXPECT_EQ(fleet->counters().restarts, 0);
  }
  static void TearDownTestSuite() {
    expected_.reset();
    folder_.reset();
  }

  // A machine of its own for each test, whose software card is as `profile` (TOML) says.
  static void set_profile(const std::string& profile) {
    static int count = 0;
    const std::string machine = "machine-" + std::to_string(++count);
    ::setenv("AXLE_SOFTCARD_STATE", (folder_->path() / machine).c_str(), 1);
    const std::string card = "[[card]]\ndead_open_seconds = 0.1\n";
    ::setenv("AXLE_SOFTCARD", ("toml:threads = 1\n" + card + profile).c_str(), 1);
  }
  static std::string fault(const std::string& keys) { return "[[fault]]\nonce = true\n" + keys; }

  // `more`: flags of the card process.
  static std::unique_ptr<fleet::Fleet> start(const std::vector<std::string>& more = {}) {
    const std::string program = CARD_PROCESS;
    const std::string library = AXLE_SOFTCARD_LIBRARY;
    fleet::FleetOptions options;
    options.command = {program, "--library", library};
    options.command.insert(options.command.end(), more.begin(), more.end());
    options.reboot_command = {program, "--library", library, "--reboot"};
    options.models = {{"tiny", package_.string()}};
    options.supervisor.software_call_deadline = milliseconds(3'000);
    options.supervisor.restart_delay_min = milliseconds(1);
    Result<std::unique_ptr<fleet::Fleet>> fleet = fleet::Fleet::start(options);
    EXPECT_TRUE(fleet.ok()) << fleet.status();
    return *std::move(fleet);
  }

  // Greedy and sampled ones, prompts of one and of several chunks.
  static std::vector<std::shared_ptr<RecordingSink>> submit_all(fleet::Fleet& fleet) {
    std::vector<std::shared_ptr<RecordingSink>> sinks;
    for (int i = 0; i < kJobs; ++i) {
      jobs::GenerateJob job;
      job.model = "tiny";
      for (int k = 0; k < 3 + 7 * i; ++k) job.prompt.push_back((i * 37 + k * 11) % 256);
      job.max_new_tokens = kTokens;
      job.sampling.temperature = i % 2 == 0 ? 0.0f : 1.0f;
      job.sampling.seed = static_cast<std::uint64_t>(i);
      sinks.push_back(std::make_shared<RecordingSink>());
      const auto id = fleet.submit(job, sinks.back());
      EXPECT_TRUE(id.ok()) << id.status();
    }
    return sinks;
  }
  static Answers answers(fleet::Fleet& fleet,
                         const std::vector<std::shared_ptr<RecordingSink>>& sinks) {
    Answers all;
    for (const auto& sink : sinks) {
      EXPECT_TRUE(sink->wait_for_end()) << fleet.health().reason;
      EXPECT_TRUE(sink->done()) << sink->log();
      EXPECT_THAT(sink->log(), testing::Not(HasSubstr("gap")));
      all.push_back(sink->tokens());
    }
    return all;
  }

  // All jobs under `profile`; returns the fleet for a look at what happened.
  std::unique_ptr<fleet::Fleet> expect_undisturbed(const std::string& profile) {
    set_profile(profile);
    std::unique_ptr<fleet::Fleet> fleet = start();
    EXPECT_EQ(answers(*fleet, submit_all(*fleet)), *expected_);
    EXPECT_GE(fleet->counters().restarts, 1);
    EXPECT_EQ(fleet->counters().failed, 0);
    return fleet;
  }
  static std::string errors(const fleet::Fleet& fleet) {
    std::string all;
    for (const fleet::PastError& error : fleet.health().last_errors)
      all += error.status.to_string() + "\n";
    return all;
  }

  static inline std::unique_ptr<package::testing::TemporaryFolder> folder_;
  static inline std::filesystem::path package_;
  static inline std::unique_ptr<Answers> expected_;
};

TEST_F(CardFaultTest, TheUndisturbedRunIsWorthComparing) {
  ASSERT_EQ(expected_->size(), static_cast<std::size_t>(kJobs));
  for (const auto& answer : *expected_) EXPECT_EQ(answer.size(), static_cast<std::size_t>(kTokens));
  EXPECT_NE((*expected_)[0], (*expected_)[1]);
}

TEST_F(CardFaultTest, KillingTheCardProcessAgainAndAgainChangesNoAnswer) {
  set_profile("");
  const auto fleet = start();
  const auto sinks = submit_all(*fleet);
  for (std::size_t tokens = 5; tokens <= 25; tokens += 10) {
    ASSERT_TRUE(sinks[kJobs - 1]->wait_for_tokens(tokens));
    const int pid = fleet->health().pid;
    if (pid > 0) ::kill(pid, SIGKILL);
  }
  EXPECT_EQ(answers(*fleet, sinks), *expected_);
  EXPECT_GE(fleet->counters().restarts, 1);
  EXPECT_EQ(fleet->counters().failed, 0);
}

TEST_F(CardFaultTest, ACardThatDiesIsRebooted) {
  const auto fleet = expect_undisturbed(
      fault("call = \"EngineExecute\"\naction = \"die\"\nafter_executes = 60\n"));
  EXPECT_GE(fleet->counters().reboots, 1);
}

TEST_F(CardFaultTest, ACallThatHangsIsEndedAtItsDeadline) {
  const auto fleet = expect_undisturbed(
      fault("call = \"EngineExecute\"\naction = \"hang\"\nafter_executes = 60\n"));
  EXPECT_THAT(errors(*fleet), HasSubstr("has been running for"));
}

TEST_F(CardFaultTest, ACrashInsideTheLibraryIsSurvived) {
  const auto fleet = expect_undisturbed(
      fault("call = \"EngineExecute\"\naction = \"crash\"\nafter_executes = 60\n"));
  EXPECT_THAT(errors(*fleet), HasSubstr("signal 9"));
}

TEST_F(CardFaultTest, RefusedPortsLeadToAReboot) {
  const auto fleet = expect_undisturbed(
      fault("call = \"SetDevice\"\naction = \"error\"\ncode = \"0x80300186\"\n"));
  EXPECT_THAT(errors(*fleet), HasSubstr("0x80300186"));
  EXPECT_EQ(fleet->counters().reboots, 1);
}

TEST_F(CardFaultTest, ACrashWhileLoadingIsSurvived) {
  expect_undisturbed(fault("call = \"EngineLoadFromFile\"\naction = \"crash\"\nat = 2\n"));
}

TEST_F(CardFaultTest, ACrashWhileTheCardIsProbedIsSurvived) {
  set_profile(fault("call = \"EngineExecute\"\naction = \"crash\"\nafter_executes = 40\n"));
  const auto fleet = start({"--probes", (folder_->path() / "probes").string()});
  EXPECT_EQ(answers(*fleet, submit_all(*fleet)), *expected_);
  EXPECT_EQ(fleet->counters().restarts, 1);
  const std::string probe = fleet->health().models.front().loaded.probe;
  EXPECT_THAT(probe, testing::StartsWith("probed in"));
  EXPECT_THAT(probe, testing::Not(HasSubstr("refused")));
}

TEST_F(CardFaultTest, ALibraryThatIsNotThereLosesTheCardWithAReason) {
  fleet::FleetOptions options;
  options.command = {CARD_PROCESS, "--library", "/nowhere/libaxcl_rt.so"};
  const auto fleet = fleet::Fleet::start(options);
  ASSERT_TRUE(fleet.ok());
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::minutes(1);
  while ((*fleet)->health().state != fleet::CardState::kLost &&
         std::chrono::steady_clock::now() < deadline)
    std::this_thread::sleep_for(milliseconds(1));
  EXPECT_EQ((*fleet)->health().state, fleet::CardState::kLost);
  EXPECT_THAT((*fleet)->health().reason, HasSubstr("/nowhere/libaxcl_rt.so"));
}

}  // namespace
}  // namespace axle
