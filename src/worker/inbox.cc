#include "worker/inbox.h"

#include <iterator>
#include <utility>

namespace axle::worker {

bool Inbox::push(jobs::Message message) {
  const MutexLock lock(mutex_);
  while (!closed_ && messages_.size() >= limit_) changed_.wait(mutex_);
  if (closed_) return false;
  messages_.push_back(std::move(message));
  changed_.notify_all();
  return true;
}

void Inbox::close(Status why) {
  const MutexLock lock(mutex_);
  if (closed_) return;
  closed_ = true;
  why_ = std::move(why);
  changed_.notify_all();
}

std::vector<jobs::Message> Inbox::take(Time deadline) {
  const MutexLock lock(mutex_);
  while (messages_.empty() && !closed_) {
    if (!changed_.wait_until(mutex_, deadline)) break;
  }
  std::vector<jobs::Message> taken(std::make_move_iterator(messages_.begin()),
                                   std::make_move_iterator(messages_.end()));
  messages_.clear();
  changed_.notify_all();
  return taken;
}

bool Inbox::finished() const {
  const MutexLock lock(mutex_);
  return closed_ && messages_.empty();
}

Status Inbox::why() const {
  const MutexLock lock(mutex_);
  return why_;
}

}  // namespace axle::worker
