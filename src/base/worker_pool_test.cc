#include "base/worker_pool.h"

#include <gtest/gtest.h>

#include <atomic>
#include <future>

namespace axle {
namespace {

TEST(WorkerPoolTest, RunsWhatIsQueuedBeforeItCloses) {
  std::atomic<int> ran = 0;
  WorkerPool pool(2, 100);
  for (int i = 0; i < 100; ++i) EXPECT_TRUE(pool.try_push([&ran] { ++ran; }));
  pool.close();
  EXPECT_EQ(ran, 100);
}

TEST(WorkerPoolTest, RefusesWhatItsQueueHasNoPlaceFor) {
  std::promise<void> begun;
  std::promise<void> go;
  WorkerPool pool(1, 1);
  ASSERT_TRUE(pool.try_push([&] {
    begun.set_value();
    go.get_future().wait();
  }));
  begun.get_future().wait();
  EXPECT_TRUE(pool.try_push([] {}));
  EXPECT_FALSE(pool.try_push([] {}));
  go.set_value();
}

TEST(WorkerPoolTest, RefusesEverythingOnceClosed) {
  WorkerPool pool(1, 10);
  pool.close();
  EXPECT_FALSE(pool.try_push([] {}));
}

}  // namespace
}  // namespace axle
