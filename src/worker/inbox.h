#pragma once

#include <chrono>
#include <cstddef>
#include <deque>
#include <vector>

#include "base/mutex.h"
#include "base/status.h"
#include "jobs/frame.h"

namespace axle::worker {

// The messages that have arrived and not been looked at, between the socket's reader and the engine
// thread. Bounded: a full one makes the reader wait, and through the socket the front.
//
// Threading: safe from any thread.
class Inbox {
 public:
  using Time = std::chrono::steady_clock::time_point;

  explicit Inbox(std::size_t limit) : limit_(limit) {}

  // Waits while it is full. False once it is closed.
  bool push(jobs::Message message);
  // No more messages: the front is gone (ok) or speaks nonsense (the error). Wakes everybody.
  void close(Status why);
  // Takes everything there is; waits for the first message until `deadline` or close().
  std::vector<jobs::Message> take(Time deadline);
  // Closed, and nothing left.
  bool finished() const;
  Status why() const;

 private:
  const std::size_t limit_;
  mutable Mutex mutex_;
  Condition changed_;
  std::deque<jobs::Message> messages_ AXLE_GUARDED_BY(mutex_);
  bool closed_ AXLE_GUARDED_BY(mutex_) = false;
  Status why_ AXLE_GUARDED_BY(mutex_);
};

}  // namespace axle::worker
