#include "softcard/stream.h"

#include <utility>

namespace axle::softcard {

Stream::~Stream() {
  // The thread holds a reference, so it has ended, or this is it.
  if (worker_.joinable()) worker_.detach();
}

void Stream::begin_turn() {
  const MutexLock lock(mutex_);
  const std::uint64_t ticket = next_++;
  ++waiting_;
  while (serving_ != ticket) changed_.wait(mutex_);
  --waiting_;
}

void Stream::end_turn() {
  bool wake = false;
  {
    const MutexLock lock(mutex_);
    ++serving_;
    wake = waiting_ > 0;
  }
  if (wake) changed_.notify_all();
}

axclError Stream::enqueue(Work work) {
  const MutexLock lock(mutex_);
  if (closed_) return kTaskExecute;
  queue_.push_back({next_++, std::move(work)});
  if (!worker_.joinable()) {
    worker_ = std::thread([self = shared_from_this()] { self->serve(self); });
  } else if (waiting_ > 0) {
    changed_.notify_all();
  }
  return kOk;
}

void Stream::serve(const std::shared_ptr<Stream>& /*self*/) {
  while (true) {
    Work work;
    {
      const MutexLock lock(mutex_);
      ++waiting_;
      while (queue_.empty() ? !closed_ : queue_.front().ticket != serving_) changed_.wait(mutex_);
      --waiting_;
      if (queue_.empty()) return;
      work = std::move(queue_.front().work);
      queue_.pop_front();
    }
    const axclError code = work();
    work = nullptr;  // What it held must be free before somebody who waits goes on.
    bool wake = false;
    {
      const MutexLock lock(mutex_);
      if (failure_ == kOk) failure_ = code;
      ++serving_;
      wake = waiting_ > 0;
    }
    if (wake) changed_.notify_all();
  }
}

axclError Stream::synchronize(std::optional<std::chrono::milliseconds> timeout) {
  const auto deadline =
      std::chrono::steady_clock::now() + timeout.value_or(std::chrono::milliseconds(0));
  const MutexLock lock(mutex_);
  const std::uint64_t target = next_;
  ++waiting_;
  bool in_time = true;
  while (serving_ < target && in_time) {
    if (timeout.has_value()) {
      in_time = changed_.wait_until(mutex_, deadline) || serving_ >= target;
    } else {
      changed_.wait(mutex_);
    }
  }
  --waiting_;
  if (!in_time) return kStreamTimeout;
  return std::exchange(failure_, kOk);
}

void Stream::stop_taking(Pending pending) {
  const MutexLock lock(mutex_);
  closed_ = true;
  if (pending == Pending::kDrop) {
    // The dropped tickets are the last ones only if nobody came after; their turns pass empty.
    for (Task& task : queue_) task.work = [] { return kOk; };
  }
  changed_.notify_all();
}

void Stream::shut_down(Pending pending) {
  stop_taking(pending);
  std::thread worker;
  {
    const MutexLock lock(mutex_);
    worker = std::move(worker_);
  }
  if (!worker.joinable()) return;
  if (worker.get_id() == std::this_thread::get_id()) {
    worker.detach();
  } else {
    worker.join();
  }
}

void Stream::abandon() {
  stop_taking(Pending::kDrop);
  const MutexLock lock(mutex_);
  if (worker_.joinable()) worker_.detach();
}

}  // namespace axle::softcard
