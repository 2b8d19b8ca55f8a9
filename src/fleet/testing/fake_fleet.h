#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <utility>
#include <variant>
#include <vector>

#include "base/mutex.h"
#include "fleet/fleet.h"

namespace axle::fleet::testing {

// Records jobs; the test plays the card. Events happen on the thread that gives them.
//
// Threading: safe from any thread.
class FakeFleet : public Fleet {
 public:
  Result<jobs::JobId> submit(jobs::Job job, std::shared_ptr<JobSink> sink,
                             std::optional<Time> deadline) override {
    const MutexLock lock(mutex_);
    if (refusal_ && jobs_.size() >= refuse_from_) return *refusal_;
    deadline_ = deadline;
    jobs_.push_back({std::move(job), std::move(sink)});
    return id(jobs_.size() - 1);
  }
  void cancel(jobs::JobId id) override {
    const MutexLock lock(mutex_);
    cancelled_.push_back(id);
  }
  void interrupt(jobs::JobId id) override {
    const MutexLock lock(mutex_);
    interrupted_.push_back(id);
  }
  std::optional<QueuePlace> queue_place(jobs::JobId) const override {
    const MutexLock lock(mutex_);
    return place_;
  }
  std::chrono::seconds retry_after() const override { return std::chrono::seconds(3); }
  Health health() const override {
    const MutexLock lock(mutex_);
    return health_;
  }
  std::vector<ModelHealth> models() const override { return {}; }
  Counters counters() const override { return {}; }
  void stop(std::chrono::milliseconds) override {}

  // What every job's place in the queue is from now on.
  void set_place(std::optional<QueuePlace> place) {
    const MutexLock lock(mutex_);
    place_ = place;
  }
  void set_health(Health health) {
    const MutexLock lock(mutex_);
    health_ = std::move(health);
  }
  void refuse(Status status) { refuse_after(0, std::move(status)); }
  void refuse_after(std::size_t jobs, Status status) {
    const MutexLock lock(mutex_);
    refuse_from_ = jobs;
    refusal_ = std::move(status);
  }
  std::size_t size() const {
    const MutexLock lock(mutex_);
    return jobs_.size();
  }
  std::optional<Time> deadline() const {  // Of the newest job.
    const MutexLock lock(mutex_);
    return deadline_;
  }
  jobs::GenerateJob job(std::size_t index) const {
    const MutexLock lock(mutex_);
    return std::get<jobs::GenerateJob>(jobs_.at(index).first);
  }
  jobs::PictureJob picture(std::size_t index) const {
    const MutexLock lock(mutex_);
    return std::get<jobs::PictureJob>(jobs_.at(index).first);
  }
  jobs::JobId id(std::size_t index) const { return jobs::JobId{index + 1}; }
  std::vector<jobs::JobId> cancelled() const {
    const MutexLock lock(mutex_);
    return cancelled_;
  }
  std::vector<jobs::JobId> interrupted() const {
    const MutexLock lock(mutex_);
    return interrupted_;
  }

  void tokens(std::size_t index, std::vector<jobs::TokenId> ids) {
    event(index, jobs::Tokens{std::move(ids), 0});
  }
  void done(std::size_t index, jobs::Finish finish) { event(index, jobs::Done{finish, {}, {}}); }
  void fail(std::size_t index, Status status) {
    event(index, jobs::Failed{std::move(status), false});
  }
  // A step of a picture, with a preview of one pixel for eight by eight where the job wants it.
  void step(std::size_t index, std::int32_t done) {
    const jobs::PictureJob wanted = picture(index);
    jobs::PictureStep step;
    step.steps_done = done;
    step.steps_total = static_cast<std::int32_t>(wanted.timesteps.size());
    if (wanted.previews) {
      step.preview_width = wanted.width / 8;
      step.preview_height = wanted.height / 8;
      step.preview.assign(pixels(step.preview_width, step.preview_height),
                          static_cast<std::uint8_t>(done));
    }
    event(index, std::move(step));
  }
  // A picture of one grey, done in all its steps, or in as many as are told.
  void paint(std::size_t index, std::uint8_t grey, std::optional<std::int32_t> steps = {}) {
    const jobs::PictureJob wanted = picture(index);
    jobs::PictureDone done;
    done.width = wanted.width;
    done.height = wanted.height;
    done.pixels.assign(pixels(wanted.width, wanted.height), grey);
    done.steps = steps.value_or(static_cast<std::int32_t>(wanted.timesteps.size()));
    done.interrupted = steps.has_value();
    event(index, std::move(done));
  }
  void event(std::size_t index, const jobs::JobEvent& event) {
    std::shared_ptr<JobSink> sink;
    {
      const MutexLock lock(mutex_);
      sink = jobs_.at(index).second;
    }
    sink->on_event(id(index), event);
  }

 private:
  static std::size_t pixels(std::int32_t width, std::int32_t height) {
    return static_cast<std::size_t>(width) * static_cast<std::size_t>(height) * 3;
  }

  mutable Mutex mutex_;
  std::vector<std::pair<jobs::Job, std::shared_ptr<JobSink>>> jobs_ AXLE_GUARDED_BY(mutex_);
  std::optional<Time> deadline_ AXLE_GUARDED_BY(mutex_);
  Health health_ AXLE_GUARDED_BY(mutex_);
  std::optional<QueuePlace> place_ AXLE_GUARDED_BY(mutex_);
  std::vector<jobs::JobId> cancelled_ AXLE_GUARDED_BY(mutex_);
  std::vector<jobs::JobId> interrupted_ AXLE_GUARDED_BY(mutex_);
  std::optional<Status> refusal_ AXLE_GUARDED_BY(mutex_);
  std::size_t refuse_from_ AXLE_GUARDED_BY(mutex_) = 0;
};

}  // namespace axle::fleet::testing
