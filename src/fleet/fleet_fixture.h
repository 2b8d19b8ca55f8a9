#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "fleet/fake_tokens.h"
#include "fleet/fleet.h"
#include "fleet/recording_sink.h"

namespace axle::fleet {

// A fleet with fake card processes.
class FleetTest : public testing::Test {
 protected:
  FleetTest() {
    std::string pattern = (std::filesystem::temp_directory_path() / "axle-fleet-XXXXXX").string();
    state_ = ::mkdtemp(pattern.data());
    options_.models = {{"m", "/models/m"}};
    options_.supervisor.hello_timeout = std::chrono::milliseconds(20'000);
    options_.supervisor.heartbeat_timeout = std::chrono::milliseconds(5'000);
    options_.supervisor.restart_delay_min = std::chrono::milliseconds(1);
    options_.supervisor.restart_delay_max = std::chrono::milliseconds(10);
  }
  ~FleetTest() override {
    fleet_.reset();
    std::filesystem::remove_all(state_);
  }

  void start(const std::string& scripts) {
    options_.command = {FAKE_CARD_PROCESS, "--state", state_.string(), "--scripts", scripts};
    Result<std::unique_ptr<Fleet>> started = Fleet::start(options_);
    ASSERT_TRUE(started.ok()) << started.status();
    fleet_ = *std::move(started);
  }

  // `answer` tokens long.
  static jobs::GenerateJob job(std::int32_t answer, jobs::TokenId first = 1) {
    jobs::GenerateJob made;
    made.model = "m";
    made.prompt = {first, answer, 3};
    made.max_new_tokens = 1'000'000;
    return made;
  }

  struct Submitted {
    jobs::GenerateJob job;
    jobs::JobId id{0};
    std::shared_ptr<RecordingSink> sink;
  };
  Submitted submit(const jobs::GenerateJob& job) {
    Submitted submitted{job, jobs::JobId{0}, std::make_shared<RecordingSink>()};
    const Result<jobs::JobId> id = fleet_->submit(job, submitted.sink);
    EXPECT_TRUE(id.ok()) << id.status();
    if (id.ok()) submitted.id = *id;
    return submitted;
  }
  static void expect_answered(const Submitted& submitted) {
    ASSERT_TRUE(submitted.sink->wait_for_end());
    EXPECT_EQ(submitted.sink->tokens(), fake_answer(submitted.job)) << submitted.sink->log();
    EXPECT_TRUE(submitted.sink->done()) << submitted.sink->log();
    EXPECT_THAT(submitted.sink->log(), testing::Not(testing::HasSubstr("gap")));
  }

  // Looks again and again, for at most a minute.
  template <typename Condition>
  static bool eventually(Condition condition) {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::minutes(1);
    while (!condition()) {
      if (std::chrono::steady_clock::now() > deadline) return false;
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    return true;
  }
  bool reaches(CardState state) {
    return eventually([&] { return fleet_->health().state == state; });
  }
  void write_state(const std::string& name, const std::string& text) {
    std::ofstream(state_ / (name + ".new")) << text;
    std::filesystem::rename(state_ / (name + ".new"), state_ / name);
  }
  std::string read_state(const std::string& name) {
    std::ifstream file(state_ / name);
    return {std::istreambuf_iterator<char>(file), {}};
  }

  std::filesystem::path state_;
  FleetOptions options_;
  std::unique_ptr<Fleet> fleet_;
};

}  // namespace axle::fleet
