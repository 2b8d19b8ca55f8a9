#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "base/mutex.h"
#include "fleet/fleet.h"
#include "jobs/job.h"

namespace axle::fleet {

// For tests: writes down what a job hears, and lets a test wait for its end.
class RecordingSink final : public JobSink {
 public:
  void on_event(jobs::JobId id, const jobs::JobEvent& event) override;

  // E.g. "accepted 0, tokens 0: 10 11, done stop 3+2"; "after the end" marks what must not be.
  std::string log() const;
  std::vector<jobs::TokenId> tokens() const;
  std::optional<jobs::Done> done() const;
  std::optional<jobs::PictureDone> picture() const;
  std::optional<Status> failure() const;
  // False when it takes longer than a minute.
  bool wait_for_end() const;
  bool wait_for_tokens(std::size_t count) const;

 private:
  bool ended() const AXLE_REQUIRES(mutex_) { return done_ || picture_ || failure_; }

  mutable Mutex mutex_;
  mutable Condition changed_;
  std::string log_ AXLE_GUARDED_BY(mutex_);
  std::vector<jobs::TokenId> tokens_ AXLE_GUARDED_BY(mutex_);
  std::optional<jobs::Done> done_ AXLE_GUARDED_BY(mutex_);
  std::optional<jobs::PictureDone> picture_ AXLE_GUARDED_BY(mutex_);
  std::optional<Status> failure_ AXLE_GUARDED_BY(mutex_);
};

}  // namespace axle::fleet
