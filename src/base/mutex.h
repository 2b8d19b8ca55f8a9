#pragma once

#include <condition_variable>
#include <mutex>

// Clang's thread-safety annotations (std::mutex of libstdc++ has none); nothing under other
// compilers. Source: clang.llvm.org, ThreadSafetyAnalysis.
#if defined(__clang__)
#define AXLE_THREAD_ANNOTATION(x) __attribute__((x))
#else
#define AXLE_THREAD_ANNOTATION(x)
#endif

#define AXLE_CAPABILITY(x) AXLE_THREAD_ANNOTATION(capability(x))
#define AXLE_SCOPED_CAPABILITY AXLE_THREAD_ANNOTATION(scoped_lockable)
#define AXLE_GUARDED_BY(x) AXLE_THREAD_ANNOTATION(guarded_by(x))
#define AXLE_REQUIRES(...) AXLE_THREAD_ANNOTATION(requires_capability(__VA_ARGS__))
#define AXLE_ACQUIRE(...) AXLE_THREAD_ANNOTATION(acquire_capability(__VA_ARGS__))
#define AXLE_RELEASE(...) AXLE_THREAD_ANNOTATION(release_capability(__VA_ARGS__))
#define AXLE_EXCLUDES(...) AXLE_THREAD_ANNOTATION(locks_excluded(__VA_ARGS__))
#define AXLE_NO_THREAD_SAFETY_ANALYSIS AXLE_THREAD_ANNOTATION(no_thread_safety_analysis)

namespace axle {

// std::mutex that clang can check. Use with MutexLock and AXLE_GUARDED_BY.
class AXLE_CAPABILITY("mutex") Mutex {
 public:
  void lock() AXLE_ACQUIRE() { mutex_.lock(); }
  void unlock() AXLE_RELEASE() { mutex_.unlock(); }

 private:
  std::mutex mutex_;
};

// Holds a Mutex for a scope.
class AXLE_SCOPED_CAPABILITY MutexLock {
 public:
  explicit MutexLock(Mutex& mutex) AXLE_ACQUIRE(mutex) : mutex_(mutex) { mutex_.lock(); }
  ~MutexLock() AXLE_RELEASE() { mutex_.unlock(); }
  MutexLock(const MutexLock&) = delete;
  MutexLock& operator=(const MutexLock&) = delete;

 private:
  Mutex& mutex_;
};

// A condition variable for Mutex: `while (!ready) condition.wait(mutex);` inside a MutexLock scope.
class Condition {
 public:
  void wait(Mutex& mutex) AXLE_REQUIRES(mutex) { condition_.wait(mutex); }
  // False when `deadline` passed without a wake-up.
  template <typename Clock, typename Duration>
  bool wait_until(Mutex& mutex, std::chrono::time_point<Clock, Duration> deadline)
      AXLE_REQUIRES(mutex) {
    return condition_.wait_until(mutex, deadline) == std::cv_status::no_timeout;
  }
  void notify_one() { condition_.notify_one(); }
  void notify_all() { condition_.notify_all(); }

 private:
  std::condition_variable_any condition_;
};

}  // namespace axle
