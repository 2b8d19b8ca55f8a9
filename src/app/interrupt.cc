#include "app/interrupt.h"

#include <pthread.h>
#include <unistd.h>

#include <csignal>
#include <ctime>
#include <semaphore>
#include <thread>

namespace axle::app {
namespace {

sigset_t watched_signals() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGINT);
  sigaddset(&set, SIGTERM);
  return set;
}

}  // namespace

class InterruptSource::Impl {
 public:
  Impl() {
    const sigset_t set = watched_signals();
    ::pthread_sigmask(SIG_BLOCK, &set, &old_);
    thread_ = std::jthread([this](const std::stop_token& stop) { watch(stop); });
  }
  ~Impl() {
    thread_.request_stop();
    thread_.join();
    ::pthread_sigmask(SIG_SETMASK, &old_, nullptr);
  }

  std::stop_source source;
  mutable std::binary_semaphore arrived{0};

 private:
  void watch(const std::stop_token& stop) {
    const sigset_t set = watched_signals();
    const timespec interval{0, 100'000'000};
    while (!stop.stop_requested()) {
      if (::sigtimedwait(&set, nullptr, &interval) < 0) continue;
      if (source.stop_requested()) ::_exit(130);
      source.request_stop();
      arrived.release();
    }
  }

  sigset_t old_{};
  std::jthread thread_;  // Last: uses all of the above.
};

InterruptSource::InterruptSource() : impl_(std::make_unique<Impl>()) {}
InterruptSource::~InterruptSource() = default;
std::stop_token InterruptSource::token() const { return impl_->source.get_token(); }
void InterruptSource::wait() const { impl_->arrived.acquire(); }

}  // namespace axle::app
