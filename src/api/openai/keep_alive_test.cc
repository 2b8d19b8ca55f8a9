#include "api/openai/keep_alive.h"

#include <gtest/gtest.h>

namespace axle::api {
namespace {

using std::chrono::milliseconds;

// Is complete after it has been looked at so many times.
class CountedAnswer : public LongAnswer {
 public:
  explicit CountedAnswer(int looks) : looks_(looks) {}
  bool keep_alive(milliseconds silence) override {
    const MutexLock lock(mutex_);
    silence_ = silence;
    ++looked_;
    changed_.notify_all();
    return looked_ < looks_;
  }
  // Waits a minute at most for all looks.
  bool complete() {
    const MutexLock lock(mutex_);
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::minutes(1);
    while (looked_ < looks_) {
      if (!changed_.wait_until(mutex_, deadline)) return false;
    }
    return silence_ == milliseconds(1);
  }
  int looked() {
    const MutexLock lock(mutex_);
    return looked_;
  }

 private:
  const int looks_;
  Mutex mutex_;
  Condition changed_;
  int looked_ AXLE_GUARDED_BY(mutex_) = 0;
  milliseconds silence_ AXLE_GUARDED_BY(mutex_){0};
};

TEST(KeepAliveTest, AnAnswerIsLookedAtUntilItIsComplete) {
  const auto short_one = std::make_shared<CountedAnswer>(1);
  const auto long_one = std::make_shared<CountedAnswer>(3);
  KeepAlive keep_alive(milliseconds(1));
  keep_alive.watch(short_one);
  keep_alive.watch(long_one);
  EXPECT_TRUE(long_one->complete());
  EXPECT_TRUE(short_one->complete());
  EXPECT_EQ(short_one->looked(), 1);
}

TEST(KeepAliveTest, WithoutAnIntervalNobodyIsLookedAt) {
  const auto answer = std::make_shared<CountedAnswer>(1);
  {
    KeepAlive keep_alive(milliseconds(0));
    keep_alive.watch(answer);
  }
  EXPECT_EQ(answer->looked(), 0);
}

TEST(QueueNewsTest, EachPlaceIsToldOnce) {
  QueueNews news;
  EXPECT_EQ(news.tell({}), "");
  EXPECT_EQ(news.tell(fleet::QueuePlace{3, milliseconds(11'500)}), "queued, 3 ahead, about 12 s");
  EXPECT_EQ(news.tell(fleet::QueuePlace{3, milliseconds(9'000)}), "");
  EXPECT_EQ(news.tell(fleet::QueuePlace{2, milliseconds(0)}), "queued, 2 ahead");
  EXPECT_EQ(news.tell({}), "");
}

}  // namespace
}  // namespace axle::api
