#include "softcard/executor/crew.h"

#include <sched.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <string>

namespace axle::softcard {
namespace {

// How long a worker without a job spins before it sleeps. Long enough for the caller's work between
// two layers and for sampling between two tokens, short enough to cost an idle process nothing.
constexpr std::chrono::microseconds kIdleSpin{400};
// Spins at a barrier before giving the processor away: somebody else may need it to arrive.
constexpr int kBarrierSpins = 500;

void pause_processor() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

int usable_processors() {
  cpu_set_t set;
  CPU_ZERO(&set);
  if (::sched_getaffinity(0, sizeof(set), &set) != 0) return 1;
  return std::max(1, CPU_COUNT(&set));
}

}  // namespace

int crew_size(int wanted) {
  if (wanted <= 0) {
    const char* text = std::getenv("AXLE_SOFTCARD_THREADS");
    wanted = text == nullptr ? 0 : std::atoi(text);
  }
  if (wanted <= 0) wanted = usable_processors();
  return std::min(wanted, Crew::kMaxThreads);
}

int Worker::count() const { return crew_.threads_; }

void Worker::barrier() { crew_.arrive_and_wait(); }

std::size_t Worker::next(std::size_t stage) {
  return crew_.stages_[stage].value.fetch_add(1, std::memory_order_relaxed);
}

std::shared_ptr<Crew> Crew::shared(int threads) {
  static Mutex mutex;
  static std::weak_ptr<Crew> current;
  const MutexLock lock(mutex);
  std::shared_ptr<Crew> crew = current.lock();
  if (!crew) {
    crew = std::make_shared<Crew>(threads);
    current = crew;
  }
  return crew;
}

Crew::Crew(int threads) : threads_(std::clamp(threads, 1, kMaxThreads)) {
  for (int index = 1; index < threads_; ++index) {
    workers_.emplace_back([this, index](const std::stop_token& stop) { work(stop, index); });
  }
}

Crew::~Crew() {
  ending_.store(true);
  epoch_.fetch_add(1);
  epoch_.notify_all();
}

void Crew::reserve(std::size_t bytes) {
  const MutexLock lock(turn_);
  if (bytes > scratch_.size_bytes()) scratch_ = AlignedArray<std::byte>(bytes);
}

void Crew::run_erased(Call call, void* context) {
  const MutexLock lock(turn_);
  call_ = call;
  context_ = context;
  for (Counter& stage : stages_) stage.value.store(0, std::memory_order_relaxed);
  epoch_.fetch_add(1);
  if (sleepers_.load() > 0) epoch_.notify_all();
  Worker caller(*this, 0);
  call(context, caller, scratch_.data());
  arrive_and_wait();
}

// Waits for another epoch than `seen`; false when the crew ends.
bool Crew::await_job(std::uint32_t seen) const {
  const auto deadline = std::chrono::steady_clock::now() + kIdleSpin;
  for (std::uint32_t spins = 1; epoch_.load(std::memory_order_acquire) == seen; ++spins) {
    pause_processor();
    if (spins % 64 == 0 && std::chrono::steady_clock::now() > deadline) {
      sleepers_.fetch_add(1);
      epoch_.wait(seen);
      sleepers_.fetch_sub(1);
    }
  }
  return !ending_.load();
}

void Crew::work(std::stop_token stop, int index) {
  Worker worker(*this, index);
  std::uint32_t seen = 0;
  while (!stop.stop_requested() && await_job(seen)) {
    // The caller cannot start another job before this one's last barrier.
    seen = epoch_.load(std::memory_order_acquire);
    call_(context_, worker, scratch_.data());
    arrive_and_wait();
  }
}

void Crew::arrive_and_wait() {
  if (threads_ == 1) return;
  const std::uint32_t generation = generation_.load(std::memory_order_acquire);
  if (arrived_.fetch_add(1, std::memory_order_acq_rel) + 1 == threads_) {
    arrived_.store(0, std::memory_order_relaxed);
    generation_.fetch_add(1, std::memory_order_acq_rel);
    return;
  }
  for (int spins = 0; generation_.load(std::memory_order_acquire) == generation; ++spins) {
    if (spins < kBarrierSpins) {
      pause_processor();
    } else {
      ::sched_yield();
    }
  }
}

}  // namespace axle::softcard
