#include "api/automatic1111/caller_runs.h"

#include <algorithm>
#include <string_view>
#include <vector>

namespace axle::api::automatic1111 {

std::string caller_of(const http::Request& request) {
  std::string caller = request.remote_address;
  for (const std::string_view name : {"authorization", "x-api-key"}) {
    caller += '\n';
    caller += request.header(name).value_or("");
  }
  return caller;
}

CallerRuns::Ticket::~Ticket() { runs_->leave(place_); }

void CallerRuns::Ticket::set_run(const std::shared_ptr<pictures::Run>& run) {
  const MutexLock lock(runs_->mutex_);
  place_->run = run;
}

std::unique_ptr<CallerRuns::Ticket> CallerRuns::enter(Entry entry) {
  const MutexLock lock(mutex_);
  const auto place = places_.insert(places_.end(), {std::move(entry), {}});
  return std::unique_ptr<Ticket>(new Ticket(shared_from_this(), place));
}

void CallerRuns::leave(std::list<Ticket::Place>::iterator place) {
  const MutexLock lock(mutex_);
  if (!place->entry.task_id.empty()) over_.emplace_back(place->entry.caller, place->entry.task_id);
  if (over_.size() > kRemembered) over_.pop_front();
  places_.erase(place);
}

std::optional<CallerRuns::Current> CallerRuns::current(const std::string& caller,
                                                       const std::string& task_id) const {
  std::vector<Current> found;
  {
    const MutexLock lock(mutex_);
    for (const Ticket::Place& place : places_) {
      const bool is_asked = task_id.empty() || place.entry.task_id == task_id;
      if (place.entry.caller != caller || !is_asked) continue;
      if (auto run = place.run.lock()) found.push_back({place.entry, std::move(run), {}});
    }
  }
  // A run has a lock of its own, and lets go of its listener, which has a ticket, under it.
  for (Current& one : found) one.progress = one.run->progress();
  std::erase_if(found, [](const Current& one) { return one.progress.over; });
  if (found.empty()) return std::nullopt;
  const auto painted = std::ranges::find_if(
      found, [](const Current& one) { return !one.progress.place.has_value(); });
  return painted == found.end() ? found.front() : *painted;
}

bool CallerRuns::is_over(const std::string& caller, const std::string& task_id) const {
  const MutexLock lock(mutex_);
  return std::ranges::find(over_, std::pair(caller, task_id)) != over_.end();
}

}  // namespace axle::api::automatic1111
