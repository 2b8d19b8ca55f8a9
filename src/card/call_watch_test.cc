#include "card/call_watch.h"

#include <gtest/gtest.h>

#include <latch>
#include <thread>
#include <vector>

namespace axle::card {
namespace {

TEST(CallWatchTest, SeesNothingWhileNoCallRuns) {
  CallWatch watch;
  EXPECT_FALSE(watch.oldest().has_value());
  { const CallWatch::Scope scope(watch, "a"); }
  EXPECT_FALSE(watch.oldest().has_value());
  EXPECT_EQ(watch.calls(), 1u);
}

TEST(CallWatchTest, ReportsTheOldestOfSeveralCalls) {
  CallWatch watch;
  const auto before = std::chrono::steady_clock::now();
  const CallWatch::Scope first(watch, "first");
  const CallWatch::Scope second(watch, "second");
  const auto oldest = watch.oldest();
  ASSERT_TRUE(oldest.has_value());
  EXPECT_EQ(oldest->name, "first");
  EXPECT_GE(oldest->since, before);
  EXPECT_LE(oldest->since, std::chrono::steady_clock::now());
}

TEST(CallWatchTest, SeesACallOfAnotherThreadThatDoesNotReturn) {
  CallWatch watch;
  std::latch inside(1);
  std::latch leave(1);
  std::jthread stuck([&] {
    const CallWatch::Scope scope(watch, "axclrtEngineExecute");
    inside.count_down();
    leave.wait();
  });
  inside.wait();
  ASSERT_TRUE(watch.oldest().has_value());
  EXPECT_EQ(watch.oldest()->name, "axclrtEngineExecute");
  leave.count_down();
  stuck.join();
  EXPECT_FALSE(watch.oldest().has_value());
}

TEST(CallWatchTest, MoreCallsThanSlotsAreCountedAndLeaveNothingBehind) {
  CallWatch watch;
  {
    std::vector<std::unique_ptr<CallWatch::Scope>> scopes;
    for (int i = 0; i < 20; ++i) scopes.push_back(std::make_unique<CallWatch::Scope>(watch, "x"));
    EXPECT_TRUE(watch.oldest().has_value());
  }
  EXPECT_FALSE(watch.oldest().has_value());
  EXPECT_EQ(watch.calls(), 20u);
}

TEST(CallWatchTest, NeverReportsATimeFromBeforeTheCallWhileThreadsComeAndGo) {
  CallWatch watch;
  const auto start = std::chrono::steady_clock::now();
  std::atomic<bool> stop = false;
  std::vector<std::jthread> threads;
  for (int i = 0; i < 2; ++i) {
    threads.emplace_back([&] {
      while (!stop) const CallWatch::Scope scope(watch, "x");
    });
  }
  for (int i = 0; i < 20000; ++i) {
    const auto oldest = watch.oldest();
    if (oldest) {
      ASSERT_GE(oldest->since, start);
    }
  }
  stop = true;
}

}  // namespace
}  // namespace axle::card
