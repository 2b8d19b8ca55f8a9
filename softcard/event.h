#pragma once

#include <chrono>
#include <cstdint>
#include <optional>

#include "base/mutex.h"

namespace axle::softcard {

// A mark in a stream that other streams can wait for. Recording again moves the mark.
//
// Threading: every function from any thread.
class Event {
 public:
  // A new mark; the number is handed to reach() when its stream gets there.
  std::uint64_t record() {
    const MutexLock lock(mutex_);
    return ++recorded_;
  }
  void reach(std::uint64_t mark) {
    {
      const MutexLock lock(mutex_);
      if (mark > reached_) reached_ = mark;
    }
    changed_.notify_all();
  }
  // The newest mark; 0 before the first.
  std::uint64_t newest() {
    const MutexLock lock(mutex_);
    return recorded_;
  }
  // Blocks until `mark` is reached; false when `timeout` is over first.
  bool wait(std::uint64_t mark, std::optional<std::chrono::milliseconds> timeout) {
    const auto deadline =
        std::chrono::steady_clock::now() + timeout.value_or(std::chrono::milliseconds(0));
    const MutexLock lock(mutex_);
    while (reached_ < mark) {
      if (!timeout.has_value()) {
        changed_.wait(mutex_);
      } else if (!changed_.wait_until(mutex_, deadline)) {
        return reached_ >= mark;
      }
    }
    return true;
  }

 private:
  Mutex mutex_;
  Condition changed_;
  std::uint64_t recorded_ AXLE_GUARDED_BY(mutex_) = 0;
  std::uint64_t reached_ AXLE_GUARDED_BY(mutex_) = 0;
};

}  // namespace axle::softcard
