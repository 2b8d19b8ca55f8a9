#include "softcard/stream.h"

#include <gtest/gtest.h>

#include <future>
#include <latch>
#include <vector>

#include "softcard/event.h"

namespace axle::softcard {
namespace {

using namespace std::chrono_literals;

class StreamTest : public testing::Test {
 protected:
  ~StreamTest() override { stream_->shut_down(Stream::Pending::kFinish); }

  // Queues work that ends when the returned promise is set.
  std::promise<void> block() {
    std::promise<void> gate;
    stream_->enqueue([wait = std::make_shared<std::future<void>>(gate.get_future())] {
      wait->wait();
      return kOk;
    });
    return gate;
  }
  std::shared_ptr<Stream> stream_ = std::make_shared<Stream>();
};

TEST_F(StreamTest, WorkIsDoneInTheOrderOfItsArrival) {
  std::vector<int> order;
  std::promise<void> gate = block();
  for (int i = 0; i < 100; ++i) {
    stream_->enqueue([&order, i] {
      order.push_back(i);
      return kOk;
    });
  }
  gate.set_value();
  EXPECT_EQ(stream_->run([&order] {
    order.push_back(100);
    return kOk;
  }),
            kOk);
  ASSERT_EQ(order.size(), 101u);
  for (int i = 0; i <= 100; ++i) EXPECT_EQ(order[static_cast<std::size_t>(i)], i);
}

TEST_F(StreamTest, SynchronousWorkGivesItsOwnAnswer) {
  EXPECT_EQ(stream_->run([] { return kMemoryExecute; }), kMemoryExecute);
  EXPECT_EQ(stream_->synchronize(std::nullopt), kOk);
}

TEST_F(StreamTest, TheFirstFailureOfQueuedWorkIsToldOnceAtTheSynchronisation) {
  stream_->enqueue([] { return kOk; });
  stream_->enqueue([] { return kEngineRefused; });
  stream_->enqueue([] { return kMemoryExecute; });
  EXPECT_EQ(stream_->synchronize(std::nullopt), kEngineRefused);
  EXPECT_EQ(stream_->synchronize(std::nullopt), kOk);
}

TEST_F(StreamTest, ASynchronisationThatTakesTooLongSaysSoAndTheWorkGoesOn) {
  std::promise<void> gate = block();
  EXPECT_EQ(stream_->synchronize(1ms), kStreamTimeout);
  EXPECT_EQ(stream_->synchronize(0ms), kStreamTimeout);
  gate.set_value();
  EXPECT_EQ(stream_->synchronize(std::nullopt), kOk);
}

TEST_F(StreamTest, DroppedWorkIsNotDone) {
  bool done = false;
  std::promise<void> gate = block();
  stream_->enqueue([&done] {
    done = true;
    return kOk;
  });
  std::future<void> closing =
      std::async(std::launch::async, [this] { stream_->shut_down(Stream::Pending::kDrop); });
  // The running piece holds the closing up; it ends only after the queue was dropped.
  while (stream_->enqueue([] { return kOk; }) == kOk) std::this_thread::yield();
  gate.set_value();
  closing.wait();
  EXPECT_FALSE(done);
}

TEST_F(StreamTest, SynchronousCallsOfManyThreadsNeverOverlap) {
  int inside = 0;
  int most = 0;
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 1000; ++i) {
        stream_->run([&] {
          most = std::max(most, ++inside);
          --inside;
          return kOk;
        });
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(most, 1);
}

TEST(EventTest, AWaiterGoesOnWhenTheMarkItSawIsReached) {
  Event event;
  const std::uint64_t first = event.record();
  const std::uint64_t second = event.record();
  EXPECT_FALSE(event.wait(first, 1ms));
  event.reach(first);
  EXPECT_TRUE(event.wait(first, 0ms));
  EXPECT_FALSE(event.wait(second, 1ms));
  EXPECT_TRUE(event.wait(0, 0ms));
}

}  // namespace
}  // namespace axle::softcard
