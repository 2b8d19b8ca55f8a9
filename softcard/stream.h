#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <thread>

#include "base/mutex.h"
#include "softcard/codes.h"

namespace axle::softcard {

// Work in the order of its arrival. Synchronous work runs in the caller's own thread when its turn
// comes; asynchronous work in a thread of the stream, which begins with the first of it.
//
// Threading: every function from any thread.
// Lifetime: a stream whose thread hangs in its work outlives its owner (see shut_down()).
class Stream : public std::enable_shared_from_this<Stream> {
 public:
  using Work = std::function<axclError()>;

  Stream() = default;
  ~Stream();
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;

  // Runs `work` after everything that came before, here, and gives its answer.
  template <typename Callable>
  axclError run(const Callable& work) {
    begin_turn();
    const axclError code = work();
    end_turn();
    return code;
  }
  // Queues `work`. Its failure is kept until the next synchronize().
  // Answers kTaskExecute after shut_down().
  axclError enqueue(Work work);

  // Waits for everything that came before. Answers the first failure of queued work since the last
  // call, kStreamTimeout when `timeout` is over first.
  axclError synchronize(std::optional<std::chrono::milliseconds> timeout);

  // Takes no more work. kFinish: what is queued is done first; kDrop: it is forgotten.
  enum class Pending : std::uint8_t { kFinish, kDrop };
  void shut_down(Pending pending);
  // As kDrop, without waiting for the work that runs now.
  void abandon();

 private:
  struct Task {
    std::uint64_t ticket;
    Work work;
  };
  void begin_turn();
  void end_turn();
  void serve(const std::shared_ptr<Stream>& self);
  void stop_taking(Pending pending);

  Mutex mutex_;
  Condition changed_;
  std::uint64_t next_ AXLE_GUARDED_BY(mutex_) = 0;
  std::uint64_t serving_ AXLE_GUARDED_BY(mutex_) = 0;
  int waiting_ AXLE_GUARDED_BY(mutex_) = 0;  // Threads that wait on changed_.
  bool closed_ AXLE_GUARDED_BY(mutex_) = false;
  axclError failure_ AXLE_GUARDED_BY(mutex_) = kOk;
  std::deque<Task> queue_ AXLE_GUARDED_BY(mutex_);
  std::thread worker_ AXLE_GUARDED_BY(mutex_);
};

}  // namespace axle::softcard
