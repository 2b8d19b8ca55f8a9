#include "pictures/feed.h"

#include <fmt/format.h>

#include <random>
#include <utility>
#include <vector>

namespace axle::pictures {
namespace {

std::string random_name() {
  std::random_device device;
  return fmt::format("{:08x}", device());
}

}  // namespace

Feed::Feed() : name_(random_name()) {}

void Feed::show(Frame frame) {
  const MutexLock showing(showing_);
  std::vector<Callback> callbacks;
  std::shared_ptr<const Frame> shown;
  {
    const MutexLock lock(mutex_);
    frame.number = ++last_number_;
    shown = std::make_shared<const Frame>(std::move(frame));
    if (shown->finished) newest_ = shown;
    for (const auto& [watcher, callback] : watchers_) callbacks.push_back(callback);
  }
  for (const Callback& callback : callbacks) callback(shown);
}

std::shared_ptr<const Frame> Feed::newest() const {
  const MutexLock lock(mutex_);
  return newest_;
}

std::uint64_t Feed::watch(Callback callback) {
  const MutexLock lock(mutex_);
  watchers_[++last_watcher_] = std::move(callback);
  return last_watcher_;
}

void Feed::unwatch(std::uint64_t watcher) {
  const MutexLock showing(showing_);
  const MutexLock lock(mutex_);
  watchers_.erase(watcher);
}

std::shared_ptr<const void> Feed::ask_for_previews() {
  const MutexLock lock(mutex_);
  std::shared_ptr<const void> token = previews_.lock();
  if (token == nullptr) token = std::make_shared<const char>();
  previews_ = token;
  return token;
}

bool Feed::previews_wanted() const {
  const MutexLock lock(mutex_);
  return !previews_.expired();
}

}  // namespace axle::pictures
