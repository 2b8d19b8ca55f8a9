#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/mutex.h"
#include "pictures/output.h"
#include "pictures/run.h"

namespace axle::api::sdcpp {

// One job from its order to its files.
//
// Threading: safe from any thread.
class Job : public pictures::RunListener {
 public:
  using Clock = std::chrono::system_clock;

  Job(std::string id, const pictures::Output& output, bool with_text,
      std::vector<std::string> notes);

  // What paints it; set once, when it has begun. The fleet alone keeps the run, which keeps the
  // job.
  void set_run(const std::shared_ptr<pictures::Run>& run);

  const std::string& id() const { return id_; }
  // "queued", "generating", "completed", "failed" or "cancelled".
  std::string status() const;
  Clock::time_point created() const { return created_; }
  // Nothing before its end.
  std::optional<Clock::time_point> ended() const;
  // Of its files.
  std::size_t bytes() const;

  // The JSON that GET /sdcpp/v1/jobs/{id} answers.
  std::string json() const;

  // Ends it. False where it has ended.
  bool cancel();

  void on_glimpse(const pictures::Glimpse& glimpse) override;
  void on_picture(pictures::Painted painted) override;
  void on_end(const Status& status) override;

 private:
  struct File {
    std::int32_t index = 0;
    std::uint64_t seed = 0;
    std::string base64;
  };

  std::string status_locked() const AXLE_REQUIRES(mutex_);

  const std::string id_;
  const pictures::Output output_;
  const bool with_text_;
  const std::vector<std::string> notes_;
  const Clock::time_point created_;

  mutable Mutex mutex_;
  std::weak_ptr<pictures::Run> run_ AXLE_GUARDED_BY(mutex_);
  std::vector<File> files_ AXLE_GUARDED_BY(mutex_);
  std::optional<Clock::time_point> begun_ AXLE_GUARDED_BY(mutex_);
  std::optional<Clock::time_point> ended_ AXLE_GUARDED_BY(mutex_);
  Status end_ AXLE_GUARDED_BY(mutex_);
  std::int32_t step_ AXLE_GUARDED_BY(mutex_) = 0;
  std::int32_t steps_ AXLE_GUARDED_BY(mutex_) = 0;
};

}  // namespace axle::api::sdcpp
