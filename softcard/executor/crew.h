#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <stop_token>
#include <thread>
#include <type_traits>
#include <vector>

#include "base/mutex.h"
#include "softcard/executor/aligned.h"

// The worker threads that all executors of a process share.
namespace axle::softcard {

class Crew;

// One thread's part in a running job.
class Worker {
 public:
  Worker(Crew& crew, int index) : crew_(crew), index_(index) {}

  int index() const { return index_; }
  int count() const;
  // Waits until every worker is here.
  void barrier();
  // The next piece of work of stage `stage` that nobody has taken: 0, 1, 2, ... Each stage number
  // may be used once in a job.
  std::size_t next(std::size_t stage);

 private:
  Crew& crew_;
  int index_;
};

// A fixed set of threads that run one job at a time, the caller being the first of them. Between
// jobs the others spin for a moment, because the next layer's call mostly follows at once, and then
// sleep: an idle process uses no processor time.
//
// Threading: run() may be called from any thread; calls take turns.
// Lifetime:  shared by the executors; the last one's end joins the threads. No thread of the crew
// may
//            hold it.
class Crew {
 public:
  static constexpr std::size_t kStages = 16;
  static constexpr int kMaxThreads = 64;

  // The crew of this process; made with `threads` (1 to kMaxThreads, the caller included) when
  // there is none. Shared, because executors come and go in any order.
  static std::shared_ptr<Crew> shared(int threads);

  explicit Crew(int threads);
  Crew(const Crew&) = delete;
  Crew& operator=(const Crew&) = delete;
  ~Crew();

  int threads() const { return threads_; }

  // Makes the scratch that jobs share at least `bytes` long, at a multiple of 64. Throws
  // std::bad_alloc.
  void reserve(std::size_t bytes) AXLE_EXCLUDES(turn_);

  // Runs `job(worker, scratch)` on every thread and returns when all are done. `job` must not
  // throw.
  template <typename Job>
  void run(Job&& job) {
    run_erased(
        [](void* context, Worker& worker, std::byte* scratch) {
          (*static_cast<std::remove_reference_t<Job>*>(context))(worker, scratch);
        },
        &job);
  }

 private:
  friend class Worker;
  using Call = void (*)(void* context, Worker& worker, std::byte* scratch);
  struct alignas(64) Counter {
    std::atomic<std::uint64_t> value{0};
  };

  void run_erased(Call call, void* context) AXLE_EXCLUDES(turn_);
  void work(std::stop_token stop, int index);
  bool await_job(std::uint32_t seen) const;
  void arrive_and_wait();

  const int threads_;
  Mutex turn_;
  Call call_ = nullptr;      // Published by epoch_.
  void* context_ = nullptr;  // As call_.
  AlignedArray<std::byte> scratch_;
  Counter stages_[kStages];
  alignas(64) std::atomic<std::uint32_t> epoch_{0};
  alignas(64) mutable std::atomic<int> sleepers_{0};
  alignas(64) std::atomic<int> arrived_{0};
  alignas(64) std::atomic<std::uint32_t> generation_{0};
  std::atomic<bool> ending_{false};
  std::vector<std::jthread> workers_;  // Last: the threads use everything above.
};

// The number of threads an executor should ask for: `wanted` when positive, else the environment's
// AXLE_SOFTCARD_THREADS, else the processors that this process may use; at most Crew::kMaxThreads.
int crew_size(int wanted);

}  // namespace axle::softcard
