#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <set>
#include <string>

#include "api/sdcpp/job.h"
#include "base/mutex.h"

namespace axle::api::sdcpp {

// How long ended jobs are kept, and how many.
struct JobStoreLimits {
  std::chrono::seconds keep{600};
  std::size_t ended = 200;
  std::size_t bytes = std::size_t{256} << 20;  // Of their files together.
  std::size_t remembered = 10'000;             // Names of jobs that are gone.
};

// The jobs by name, from their order until some time after their end.
//
// Threading: safe from any thread.
class JobStore {
 public:
  explicit JobStore(const JobStoreLimits& limits = {}) : limits_(limits) {}

  // A name that no job had: "job_" and 16 random hexadecimal digits.
  std::string new_id();
  void add(std::shared_ptr<Job> job);

  // The job; null where there is none (see is_gone()).
  std::shared_ptr<Job> find(const std::string& id);
  // Was there a job of this name?
  bool is_gone(const std::string& id) const;

 private:
  // Drops ended jobs that are too old or too many, the oldest first.
  void clean() AXLE_REQUIRES(mutex_);

  const JobStoreLimits limits_;
  mutable Mutex mutex_;
  std::map<std::string, std::shared_ptr<Job>> jobs_ AXLE_GUARDED_BY(mutex_);
  std::deque<std::string> gone_ AXLE_GUARDED_BY(mutex_);  // The oldest first.
  std::set<std::string> gone_names_ AXLE_GUARDED_BY(mutex_);
};

}  // namespace axle::api::sdcpp
