#include "api/openai/keep_alive.h"

#include <fmt/format.h>

#include <algorithm>

namespace axle::api {

KeepAlive::KeepAlive(std::chrono::milliseconds interval) : interval_(interval) {
  if (interval_.count() > 0)
    thread_ = std::jthread([this](const std::stop_token& stop) { run(stop); });
}

KeepAlive::~KeepAlive() {
  const MutexLock lock(mutex_);
  thread_.request_stop();
  condition_.notify_all();
}

void KeepAlive::watch(const std::shared_ptr<LongAnswer>& answer) {
  if (interval_.count() <= 0) return;
  const MutexLock lock(mutex_);
  watched_.push_back(answer);
}

void KeepAlive::run(const std::stop_token& stop) {
  while (!stop.stop_requested()) {
    std::vector<std::weak_ptr<LongAnswer>> round;
    {
      const MutexLock lock(mutex_);
      if (stop.stop_requested()) return;  // Set under the lock: the wait below misses no end.
      condition_.wait_until(mutex_, std::chrono::steady_clock::now() + interval_ / 4);
      round.swap(watched_);
    }
    std::erase_if(round, [this](const std::weak_ptr<LongAnswer>& weak) {
      const auto answer = weak.lock();
      return answer == nullptr || !answer->keep_alive(interval_);
    });
    const MutexLock lock(mutex_);
    watched_.insert(watched_.end(), round.begin(), round.end());
  }
}

std::string QueueNews::tell(const std::optional<fleet::QueuePlace>& place) {
  if (!place || place->ahead == told_ahead_) return {};
  told_ahead_ = place->ahead;
  const auto seconds = std::chrono::ceil<std::chrono::seconds>(place->wait).count();
  return fmt::format("queued, {} ahead{}", place->ahead,
                     seconds == 0 ? "" : fmt::format(", about {} s", seconds));
}

}  // namespace axle::api
