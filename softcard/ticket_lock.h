#pragma once

#include <cstdint>

#include "base/mutex.h"

namespace axle::softcard {

// A mutual exclusion that serves its callers in the order in which they came: the card's one NPU,
// its one link. Taking it when it is free costs two short locks and no wake-up.
//
// Threading: lock() and unlock() from any thread; not recursive.
class AXLE_CAPABILITY("mutex") TicketLock {
 public:
  void lock() AXLE_ACQUIRE() AXLE_NO_THREAD_SAFETY_ANALYSIS {
    const MutexLock lock(mutex_);
    const std::uint64_t ticket = next_++;
    while (serving_ != ticket) turn_.wait(mutex_);
  }
  void unlock() AXLE_RELEASE() AXLE_NO_THREAD_SAFETY_ANALYSIS {
    bool waiting = false;
    {
      const MutexLock lock(mutex_);
      waiting = ++serving_ != next_;
    }
    if (waiting) turn_.notify_all();
  }

 private:
  Mutex mutex_;
  Condition turn_;
  std::uint64_t next_ = 0;
  std::uint64_t serving_ = 0;
};

class AXLE_SCOPED_CAPABILITY TicketGuard {
 public:
  explicit TicketGuard(TicketLock& lock) AXLE_ACQUIRE(lock) : lock_(lock) { lock_.lock(); }
  ~TicketGuard() AXLE_RELEASE() { lock_.unlock(); }
  TicketGuard(const TicketGuard&) = delete;
  TicketGuard& operator=(const TicketGuard&) = delete;

 private:
  TicketLock& lock_;
};

}  // namespace axle::softcard
