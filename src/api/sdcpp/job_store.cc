#include "api/sdcpp/job_store.h"

#include <fmt/format.h>

#include <algorithm>
#include <random>
#include <utility>
#include <vector>

namespace axle::api::sdcpp {

std::string JobStore::new_id() {
  std::random_device device;
  return fmt::format("job_{:08x}{:08x}", device(), device());
}

void JobStore::add(std::shared_ptr<Job> job) {
  const MutexLock lock(mutex_);
  clean();
  const std::string id = job->id();
  jobs_.emplace(id, std::move(job));
}

std::shared_ptr<Job> JobStore::find(const std::string& id) {
  const MutexLock lock(mutex_);
  clean();
  const auto found = jobs_.find(id);
  return found == jobs_.end() ? nullptr : found->second;
}

bool JobStore::is_gone(const std::string& id) const {
  const MutexLock lock(mutex_);
  return gone_names_.contains(id);
}

void JobStore::clean() {
  struct Ended {
    Job::Clock::time_point when;
    std::string id;
    std::size_t bytes;
  };
  std::vector<Ended> ended;
  std::size_t bytes = 0;
  for (const auto& [id, job] : jobs_) {
    if (const auto when = job->ended()) {
      ended.push_back({*when, id, job->bytes()});
      bytes += ended.back().bytes;
    }
  }
  std::ranges::sort(ended, {}, &Ended::when);
  std::size_t left = ended.size();
  const auto oldest = Job::Clock::now() - limits_.keep;
  for (const Ended& one : ended) {
    if (one.when >= oldest && left <= limits_.ended && bytes <= limits_.bytes) return;
    jobs_.erase(one.id);
    gone_.push_back(one.id);
    gone_names_.insert(one.id);
    --left;
    bytes -= one.bytes;
    if (gone_.size() > limits_.remembered) {
      gone_names_.erase(gone_.front());
      gone_.pop_front();
    }
  }
}

}  // namespace axle::api::sdcpp
