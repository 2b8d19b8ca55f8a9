#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "base/result.h"
#include "diffusion/engines.h"
#include "diffusion/painting.h"
#include "jobs/job.h"

namespace axle::diffusion {

// Takes the events of a Painter. Calls come from step() only.
class PaintEvents {
 public:
  virtual ~PaintEvents() = default;
  virtual void step(jobs::JobId id, jobs::PictureStep event) = 0;
  virtual void done(jobs::JobId id, jobs::PictureDone event) = 0;
  // It was interrupted before it was begun: there is nothing to show.
  virtual void given_up(jobs::JobId id) = 0;
};

// How much there is to do, and how long it takes: moving averages, 0 where nothing was measured.
struct PainterLoad {
  std::size_t running = 0;  // Pictures that were begun.
  std::size_t waiting = 0;
  double step_s = 0.0;  // One run of the U-Net.
  double rest_s = 0.0;  // All other engine runs of a picture.
};

// Paints the pictures of many requests with one model, one engine run at a time: those of the
// highest priority first, of these the oldest. A picture that was begun is finished before the next
// of its priority; one of a higher priority is painted between its steps.
//
// Threading: one thread at a time.
// Lifetime: the engines outlive it.
class Painter {
 public:
  // The engines of a size, or null.
  using FindEngines = std::function<PictureEngines*(std::int32_t width, std::int32_t height)>;
  using Clock = std::function<std::chrono::steady_clock::time_point()>;

  explicit Painter(FindEngines find_engines, Clock clock = std::chrono::steady_clock::now);

  // Errors: kInvalidArgument  as check_picture(), or an id that is here already. kNotFound  no such
  // size.
  Status add(jobs::JobId id, jobs::PictureJob job);

  // Forgets a picture; no event follows. Unknown ids are ignored.
  void cancel(jobs::JobId id);
  // Ends a picture early, with how it looks by then; one that was not begun is given up at the next
  // step(), which then runs no engine. Unknown ids are ignored.
  void interrupt(jobs::JobId id);

  bool idle() const { return pictures_.empty(); }
  // The highest priority of those that wait. REQUIRES: !idle().
  std::int32_t priority() const;

  // Runs one engine, or gives up a picture. REQUIRES: !idle().
  // Errors: as Painting::run(), after which the painter is of no use: engines may hold anything.
  Status step(PaintEvents& events);

  PainterLoad load() const;

 private:
  struct Picture {
    jobs::JobId id{};
    std::unique_ptr<Painting> painting;
    std::chrono::steady_clock::time_point asked{};
    bool begun = false;
    bool given_up = false;
    jobs::PictureTimings timings;
  };
  using Pictures = std::vector<Picture>;

  Pictures::iterator find(jobs::JobId id);
  Pictures::iterator front();
  void measure(Picture& picture, Unit unit, std::chrono::microseconds time);
  void report_step(const Picture& picture, PaintEvents& events) const;
  void finish(Pictures::iterator picture, PaintEvents& events);

  FindEngines find_engines_;
  Clock clock_;
  EncodedPictures encoded_;
  Pictures pictures_;  // In order of arrival.
  PainterLoad load_;   // Only the times.
};

}  // namespace axle::diffusion
