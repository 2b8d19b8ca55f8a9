#pragma once

#include <cstddef>
#include <deque>
#include <functional>
#include <thread>
#include <vector>

#include "base/mutex.h"

namespace axle {

// Threads that run tasks from one bounded queue.
//
// Threading: safe from any thread; close() not from a task.
class WorkerPool {
 public:
  WorkerPool(int threads, std::size_t queue_limit);
  ~WorkerPool();
  WorkerPool(const WorkerPool&) = delete;
  WorkerPool& operator=(const WorkerPool&) = delete;

  // False when the queue is full or closed; the task was not taken. A task must not throw.
  bool try_push(std::function<void()> task) AXLE_EXCLUDES(mutex_);
  // Runs what is queued, then ends the threads and waits for them.
  void close() AXLE_EXCLUDES(mutex_);

 private:
  void work() AXLE_EXCLUDES(mutex_);

  const std::size_t queue_limit_;
  Mutex mutex_;
  Condition changed_;
  std::deque<std::function<void()>> queue_ AXLE_GUARDED_BY(mutex_);
  bool closed_ AXLE_GUARDED_BY(mutex_) = false;
  std::vector<std::thread> threads_;
};

}  // namespace axle
