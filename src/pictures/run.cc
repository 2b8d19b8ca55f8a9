#include "pictures/run.h"

#include <algorithm>
#include <utility>
#include <variant>

#include "base/log.h"
#include "image/convert.h"

namespace axle::pictures {
namespace {

using Clock = std::chrono::steady_clock;

}  // namespace

// Takes one job's events to its run.
class Run::Sink : public fleet::JobSink {
 public:
  Sink(std::shared_ptr<Run> run, std::size_t index) : run_(std::move(run)), index_(index) {}
  void on_event(jobs::JobId id, const jobs::JobEvent& event) override {
    run_->on_event(index_, id, event);
  }

 private:
  const std::shared_ptr<Run> run_;  // Keeps the run alive while its job is there.
  const std::size_t index_;
};

Run::Run(fleet::Fleet& fleet, WorkerPool& pool, Order order, std::shared_ptr<RunListener> listener,
         Hooks hooks)
    : fleet_(fleet),
      pool_(pool),
      order_(std::move(order)),
      hooks_(std::move(hooks)),
      submitted_(Clock::now()),
      listener_(std::move(listener)) {
  order_.mask.reset();
}

Status Run::start(std::vector<jobs::PictureJob> jobs, std::optional<fleet::Fleet::Time> deadline) {
  {
    const MutexLock lock(mutex_);
    parts_.resize(jobs.size());
    for (std::size_t i = 0; i < jobs.size(); ++i) {
      parts_[i].steps = static_cast<std::int32_t>(jobs[i].timesteps.size());
      parts_[i].runs_of_step = jobs[i].negative.empty() ? 1 : 2;
    }
  }
  for (std::size_t i = 0; i < jobs.size(); ++i) {
    const Result<jobs::JobId> id =
        fleet_.submit(std::move(jobs[i]), std::make_shared<Sink>(shared_from_this(), i), deadline);
    std::vector<jobs::JobId> useless;
    {
      const MutexLock lock(mutex_);
      if (id.ok() && parts_[i].state != State::kEnded) parts_[i].id = *id;
      if (id.ok() && !end_) continue;
      if (!id.ok()) {
        end_ = id.status();
        listener_.reset();
      }
      useless = take_live_jobs();  // It was refused, or the run has ended meanwhile.
    }
    cancel_jobs(useless);
    if (!id.ok()) return id.status();
    break;
  }
  const MutexLock lock(mutex_);
  telling_ = false;
  if (!painted_.empty() || glimpse_ != nullptr || end_) schedule();
  return {};
}

void Run::on_event(std::size_t index, jobs::JobId id, const jobs::JobEvent& event) {
  std::vector<jobs::JobId> useless;
  {
    const MutexLock lock(mutex_);
    if (end_ || parts_[index].state == State::kEnded) return;
    parts_[index].id = id;
    if (const auto* step = std::get_if<jobs::PictureStep>(&event)) {
      take_step(index, *step);
    } else if (const auto* done = std::get_if<jobs::PictureDone>(&event)) {
      take_picture(index, *done);
    } else if (const auto* failed = std::get_if<jobs::Failed>(&event)) {
      parts_[index].state = State::kEnded;
      parts_[index].id = {};
      if (failed->status.code() == Code::kCancelled) {
        finish_if_all_ended();  // It was interrupted before it was begun.
      } else {
        finish(failed->status);
        useless = take_live_jobs();
      }
    }
  }
  cancel_jobs(useless);
}

void Run::take_step(std::size_t index, const jobs::PictureStep& step) {
  Part& part = parts_[index];
  part.state = State::kPaints;
  part.step = step.steps_done;
  part.steps = step.steps_total;
  if (!begun_) begun_ = Clock::now();
  glimpse_ = std::make_shared<const Glimpse>(
      Glimpse{static_cast<std::int32_t>(index), step.steps_done, step.steps_total,
              image::Picture{step.preview_width, step.preview_height, 3, step.preview}});
  if (!step.preview.empty()) seen_ = glimpse_;
  schedule();
}

void Run::take_picture(std::size_t index, const jobs::PictureDone& done) {
  Part& part = parts_[index];
  part.state = State::kEnded;
  part.id = {};
  ++done_;
  if (!begun_) begun_ = Clock::now();
  const auto number = static_cast<std::int32_t>(index);
  painted_.push_back({number,
                      seed_of(order_, number),
                      variation_seed_of(order_, number),
                      image::Picture{done.width, done.height, 3, done.pixels},
                      {},
                      done.steps,
                      done.interrupted,
                      done.timings});
  glimpse_.reset();  // The picture itself says more.
  finish_if_all_ended();
  schedule();
}

void Run::complete(Painted& painted) const {
  if (order_.keep) {
    // make_jobs() has compared the sizes.
    if (const Status status = image::lay_over(*order_.keep, painted.picture); !status.ok())
      AXLE_LOG_ERROR("pictures", "what was to be kept is not: {}", status.message());
  }
  painted.parameters = hooks_.describe(order_, painted);
}

void Run::finish_if_all_ended() {
  if (current() == parts_.size()) finish({});
}

void Run::finish(const Status& status) {
  if (end_) return;
  end_ = status;
  schedule();
}

void Run::schedule() {
  if (telling_ || listener_ == nullptr) return;
  telling_ = pool_.try_push([self = shared_from_this()] { self->tell(); });
  if (!telling_) AXLE_LOG_ERROR("pictures", "news of a run are lost: its threads have ended");
}

void Run::tell() {
  for (;;) {
    std::shared_ptr<RunListener> listener;
    std::shared_ptr<const Glimpse> glimpse;
    std::optional<Painted> painted;
    std::optional<Status> end;
    {
      const MutexLock lock(mutex_);
      listener = listener_;
      if (listener == nullptr || (painted_.empty() && glimpse_ == nullptr && !end_)) {
        telling_ = false;
        return;
      }
      if (!painted_.empty()) {
        painted = std::move(painted_.front());
        painted_.pop_front();
      } else if (glimpse_ != nullptr && !end_) {
        glimpse = std::exchange(glimpse_, nullptr);
      } else {
        end = end_;
        listener_.reset();
      }
    }
    if (painted) {
      complete(*painted);
      hooks_.show_picture(*painted);
      listener->on_picture(*std::move(painted));
    } else if (glimpse != nullptr) {
      if (!glimpse->preview.pixels.empty()) hooks_.show_glimpse(*glimpse);
      listener->on_glimpse(*glimpse);
    } else {
      listener->on_end(*end);
    }
  }
}

void Run::cancel() { end_all({}); }

void Run::replace() { end_all(cancelled("a newer request with the same replace_key came")); }

void Run::end_all(const std::optional<Status>& told) {
  std::vector<jobs::JobId> useless;
  {
    const MutexLock lock(mutex_);
    if (!end_) {
      if (told) {
        painted_.clear();
        finish(*told);
      } else {
        end_ = cancelled("the run was cancelled");
      }
    }
    if (!told) listener_.reset();
    useless = take_live_jobs();
  }
  cancel_jobs(useless);
}

void Run::interrupt() {
  std::vector<jobs::JobId> useless;
  jobs::JobId painted{};
  {
    const MutexLock lock(mutex_);
    if (end_) return;
    interrupted_ = true;
    const std::size_t first = current();
    const bool waits = fleet_.queue_place(parts_[first].id).has_value();
    if (!waits) painted = parts_[first].id;
    for (std::size_t i = waits ? first : first + 1; i < parts_.size(); ++i) {
      if (parts_[i].state == State::kEnded) continue;
      parts_[i].state = State::kEnded;
      useless.push_back(std::exchange(parts_[i].id, jobs::JobId{}));
    }
    finish_if_all_ended();
  }
  cancel_jobs(useless);
  if (painted != jobs::JobId{}) fleet_.interrupt(painted);
}

void Run::skip() {
  jobs::JobId painted{};
  {
    const MutexLock lock(mutex_);
    if (end_) return;
    skipped_ = true;
    painted = parts_[current()].id;
  }
  fleet_.interrupt(painted);
}

RunProgress Run::progress() const {
  const MutexLock lock(mutex_);
  RunProgress progress;
  progress.pictures = static_cast<std::int32_t>(parts_.size());
  progress.done = done_;
  progress.interrupted = interrupted_;
  progress.skipped = skipped_;
  progress.over = end_.has_value();
  progress.submitted = submitted_;
  progress.begun = begun_;
  progress.glimpse = seen_;
  if (end_) return progress;
  for (const Part& part : parts_) {
    if (part.state == State::kEnded) continue;
    progress.runs_left += part.runs_of_step * (part.steps - part.step);
  }
  const Part& part = parts_[current()];
  if (part.state == State::kPaints) {
    progress.step = part.step;
    progress.steps = part.steps;
  }
  progress.place = fleet_.queue_place(part.id);
  return progress;
}

std::size_t Run::current() const {
  const auto found =
      std::ranges::find_if(parts_, [](const Part& part) { return part.state != State::kEnded; });
  return static_cast<std::size_t>(found - parts_.begin());
}

std::vector<jobs::JobId> Run::take_live_jobs() {
  std::vector<jobs::JobId> ids;
  for (Part& part : parts_) {
    if (part.id != jobs::JobId{}) ids.push_back(std::exchange(part.id, jobs::JobId{}));
  }
  return ids;
}

void Run::cancel_jobs(const std::vector<jobs::JobId>& ids) {
  for (const jobs::JobId id : ids) {
    if (id != jobs::JobId{}) fleet_.cancel(id);
  }
}

}  // namespace axle::pictures
