#include "worker/inbox.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>
#include <variant>

namespace axle::worker {
namespace {

using Clock = std::chrono::steady_clock;

jobs::Message message(std::uint64_t id) { return {jobs::JobId{id}, jobs::Ping{}}; }

TEST(InboxTest, GivesMessagesInOrderOnce) {
  Inbox inbox(8);
  EXPECT_TRUE(inbox.push(message(1)));
  EXPECT_TRUE(inbox.push(message(2)));
  const auto taken = inbox.take(Clock::now());
  ASSERT_EQ(taken.size(), 2u);
  EXPECT_EQ(taken[0].id, jobs::JobId{1});
  EXPECT_EQ(taken[1].id, jobs::JobId{2});
  EXPECT_TRUE(inbox.take(Clock::now()).empty());
}

TEST(InboxTest, AFullOneMakesTheReaderWaitUntilThereIsRoom) {
  Inbox inbox(1);
  EXPECT_TRUE(inbox.push(message(1)));
  std::atomic<bool> pushed = false;
  std::thread reader([&] { pushed = inbox.push(message(2)); });
  EXPECT_EQ(inbox.take(Clock::now()).size(), 1u);
  const auto later = inbox.take(Clock::now() + std::chrono::minutes(1));
  reader.join();
  EXPECT_TRUE(pushed);
  ASSERT_EQ(later.size(), 1u);
  EXPECT_EQ(later[0].id, jobs::JobId{2});
}

TEST(InboxTest, ClosingWakesBothEndsAndKeepsTheFirstReason) {
  Inbox inbox(1);
  EXPECT_TRUE(inbox.push(message(1)));
  std::atomic<bool> refused = false;
  std::thread reader([&] { refused = !inbox.push(message(2)); });
  inbox.close(corrupt("magic"));
  inbox.close(Status());
  reader.join();
  EXPECT_TRUE(refused);
  EXPECT_FALSE(inbox.finished());  // What came before still counts.
  EXPECT_EQ(inbox.take(Clock::now() + std::chrono::minutes(1)).size(), 1u);
  EXPECT_TRUE(inbox.finished());
  EXPECT_EQ(inbox.why().code(), Code::kCorrupt);
}

}  // namespace
}  // namespace axle::worker
