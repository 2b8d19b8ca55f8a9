#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/mutex.h"
#include "base/worker_pool.h"
#include "fleet/fleet.h"
#include "image/picture.h"
#include "jobs/job.h"
#include "pictures/order.h"

namespace axle::pictures {

// How one picture of a run looks after a step.
struct Glimpse {
  std::int32_t index = 0;  // Of the picture, from 0.
  std::int32_t step = 0;   // Done, from 1.
  std::int32_t steps = 0;  // Of the picture.
  // RGB, about how it looks, a pixel for eight by eight. Without pixels where the order wants none.
  image::Picture preview;
};

// A finished picture of a run.
struct Painted {
  std::int32_t index = 0;  // From 0.
  std::uint64_t seed = 0;
  std::uint64_t variation_seed = 0;  // Of use where the order has a variation.
  image::Picture picture;            // RGB.
  std::string parameters;            // How it was made, for its file: write_infotext().
  std::int32_t steps = 0;            // As many as were done.
  bool interrupted = false;          // Fewer than were asked for.
  jobs::PictureTimings timings;
};

// Takes the news of a run: glimpses and pictures as they come, then exactly one end. A glimpse that
// came while the one before it was being looked at is left out. After Run::cancel() nothing begins.
//
// Threading: called on threads of the pool, never two at a time; it may encode and write files.
class RunListener {
 public:
  virtual ~RunListener() = default;
  virtual void on_glimpse(const Glimpse& glimpse) = 0;
  virtual void on_picture(Painted painted) = 0;
  // Ok: no more pictures come (after Run::interrupt() there may be fewer than ordered).
  // kCancelled: the run was replaced by a newer one. Else what the fleet says.
  virtual void on_end(const Status& status) = 0;
};

// How far a run is.
struct RunProgress {
  std::int32_t pictures = 0;  // Ordered.
  std::int32_t done = 0;
  std::int32_t step = 0;       // Of the picture being painted.
  std::int32_t steps = 0;      // 0: it has not begun.
  std::int32_t runs_left = 0;  // Of the U-Net, for all its pictures that are not done.
  bool interrupted = false;
  bool skipped = false;
  bool over = false;
  std::chrono::steady_clock::time_point submitted;
  std::optional<std::chrono::steady_clock::time_point> begun;  // Its first step was done.
  std::optional<fleet::QueuePlace> place;                      // While it waits.
  std::shared_ptr<const Glimpse> glimpse;  // The newest with a preview, or null.
};

// All pictures of one order, from their jobs to the last piece of news.
//
// Threading: safe from any thread.
// Lifetime: fleet and pool must outlive the fleet's events, i.e. the fleet is stopped first.
class Run : public std::enable_shared_from_this<Run> {
 public:
  // What is done with all pictures before the listener has them, on the same thread.
  struct Hooks {
    std::function<std::string(const Order&, const Painted&)> describe;  // Painted::parameters
    std::function<void(const Glimpse&)> show_glimpse;                   // Of those with a preview.
    std::function<void(const Painted&)> show_picture;
  };

  // What the jobs were made of; its image and mask are not kept.
  Run(fleet::Fleet& fleet, WorkerPool& pool, Order order, std::shared_ptr<RunListener> listener,
      Hooks hooks);

  // Submits the jobs. Call once. Errors: those of Fleet::submit; then no job is left and the
  // listener hears nothing.
  Status start(std::vector<jobs::PictureJob> jobs, std::optional<fleet::Fleet::Time> deadline);

  // Ends everything; the listener hears nothing more.
  void cancel();
  // Ends everything; the listener hears it as kCancelled.
  void replace();
  // Ends the picture that is being painted after its step, and paints no other: the run ends in
  // order with what there is, which is nothing where none was begun.
  void interrupt();
  // Ends the picture that is being painted after its step, or drops it where it was not begun;
  // those after it are painted.
  void skip();

  RunProgress progress() const;

 private:
  class Sink;
  enum class State : std::uint8_t { kWaits, kPaints, kEnded };
  struct Part {
    jobs::JobId id{};
    State state = State::kWaits;
    std::int32_t step = 0;
    std::int32_t steps = 0;
    std::int32_t runs_of_step = 1;  // Of the U-Net.
  };

  void on_event(std::size_t index, jobs::JobId id, const jobs::JobEvent& event);
  void take_step(std::size_t index, const jobs::PictureStep& step) AXLE_REQUIRES(mutex_);
  void take_picture(std::size_t index, const jobs::PictureDone& done) AXLE_REQUIRES(mutex_);
  // The picture as it is told: with what it shall keep of another one, and its text.
  void complete(Painted& painted) const;
  void finish(const Status& status) AXLE_REQUIRES(mutex_);
  void finish_if_all_ended() AXLE_REQUIRES(mutex_);
  // Hands the news to the listener on a thread of the pool.
  void schedule() AXLE_REQUIRES(mutex_);
  void tell();
  void end_all(const std::optional<Status>& told);
  std::vector<jobs::JobId> take_live_jobs() AXLE_REQUIRES(mutex_);
  void cancel_jobs(const std::vector<jobs::JobId>& ids);
  // The first part that has not ended; parts_.size(): none.
  std::size_t current() const AXLE_REQUIRES(mutex_);

  fleet::Fleet& fleet_;
  WorkerPool& pool_;
  Order order_;
  const Hooks hooks_;
  const std::chrono::steady_clock::time_point submitted_;

  mutable Mutex mutex_;
  std::shared_ptr<RunListener> listener_ AXLE_GUARDED_BY(mutex_);  // Null once all is told.
  std::vector<Part> parts_ AXLE_GUARDED_BY(mutex_);
  std::deque<Painted> painted_ AXLE_GUARDED_BY(mutex_);             // Not told yet.
  std::shared_ptr<const Glimpse> glimpse_ AXLE_GUARDED_BY(mutex_);  // The newest, not told yet.
  std::shared_ptr<const Glimpse> seen_ AXLE_GUARDED_BY(mutex_);     // The newest with a preview.
  std::optional<Status> end_ AXLE_GUARDED_BY(mutex_);  // Set: no event counts any more.
  bool telling_ AXLE_GUARDED_BY(mutex_) = true;        // Until all jobs are submitted nobody tells.
  bool interrupted_ AXLE_GUARDED_BY(mutex_) = false;
  bool skipped_ AXLE_GUARDED_BY(mutex_) = false;
  std::int32_t done_ AXLE_GUARDED_BY(mutex_) = 0;
  std::optional<std::chrono::steady_clock::time_point> begun_ AXLE_GUARDED_BY(mutex_);
};

}  // namespace axle::pictures
