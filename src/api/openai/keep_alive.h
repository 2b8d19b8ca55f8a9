#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "base/mutex.h"
#include "fleet/fleet.h"

namespace axle::api {

// An answer that may be silent for long while it is worked on.
class LongAnswer {
 public:
  virtual ~LongAnswer() = default;
  // Writes a comment to a stream: its place in the queue where that has changed, else ": ping" when
  // it has been silent for `silence`. False when the answer is complete.
  virtual bool keep_alive(std::chrono::milliseconds silence) = 0;
};

// Writes pings to streams that are silent, from one thread.
//
// Threading: safe from any thread.
class KeepAlive {
 public:
  // `interval`: the silence after which a ping comes; 0: never, and without a thread.
  explicit KeepAlive(std::chrono::milliseconds interval);
  ~KeepAlive();
  KeepAlive(const KeepAlive&) = delete;
  KeepAlive& operator=(const KeepAlive&) = delete;

  // Looks after an answer until it is complete or gone.
  void watch(const std::shared_ptr<LongAnswer>& answer);

 private:
  void run(const std::stop_token& stop);

  const std::chrono::milliseconds interval_;
  Mutex mutex_;
  Condition condition_;
  std::vector<std::weak_ptr<LongAnswer>> watched_ AXLE_GUARDED_BY(mutex_);
  std::jthread thread_;  // Last: uses all of the above.
};

// What a request that waits tells of its place in the queue.
//
// Threading: one thread at a time.
class QueueNews {
 public:
  // "queued, 3 ahead, about 12 s"; "" where it does not wait or the place is the one told before.
  std::string tell(const std::optional<fleet::QueuePlace>& place);

 private:
  std::optional<std::int32_t> told_ahead_;
};

}  // namespace axle::api
