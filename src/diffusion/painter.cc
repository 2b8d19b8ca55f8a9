#include "diffusion/painter.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "diffusion/pixels.h"

namespace axle::diffusion {
namespace {

using std::chrono::duration_cast;
using std::chrono::microseconds;

// How much the newest time counts in the moving averages.
constexpr double kNewestShare = 0.3;

void average(double& value, double newest) {
  value = value == 0.0 ? newest : value + kNewestShare * (newest - value);
}

double seconds(microseconds time) { return std::chrono::duration<double>(time).count(); }

}  // namespace

Painter::Painter(FindEngines find_engines, Clock clock)
    : find_engines_(std::move(find_engines)), clock_(std::move(clock)) {}

Status Painter::add(jobs::JobId id, jobs::PictureJob job) {
  if (find(id) != pictures_.end())
    return invalid_argument(
        fmt::format("picture {} is here already", static_cast<std::uint64_t>(id)));
  PictureEngines* engines = find_engines_(job.width, job.height);
  if (engines == nullptr)
    return not_found(
        fmt::format("{} has no engines for {}x{} pixels", job.model, job.width, job.height));
  AXLE_TRY(check_picture(job, *engines));
  Picture picture;
  picture.id = id;
  picture.painting = std::make_unique<Painting>(std::move(job), *engines, encoded_);
  picture.asked = clock_();
  pictures_.push_back(std::move(picture));
  return {};
}

Painter::Pictures::iterator Painter::find(jobs::JobId id) {
  return std::ranges::find(pictures_, id, &Picture::id);
}

void Painter::cancel(jobs::JobId id) {
  const auto found = find(id);
  if (found != pictures_.end()) pictures_.erase(found);
}

void Painter::interrupt(jobs::JobId id) {
  const auto found = find(id);
  if (found == pictures_.end()) return;
  found->painting->interrupt();
  // What an earlier run began has something to show.
  found->given_up = !found->begun && found->painting->steps_done() == 0;
}

// Of the highest priority one that was begun, else the oldest.
Painter::Pictures::iterator Painter::front() {
  const auto rank = [](const Picture& picture) {
    return std::pair(picture.painting->job().priority, picture.begun);
  };
  return std::ranges::max_element(pictures_, {}, rank);
}

std::int32_t Painter::priority() const {
  AXLE_CHECK(!idle());
  const auto priority_of = [](const Picture& picture) { return picture.painting->job().priority; };
  return priority_of(*std::ranges::max_element(pictures_, {}, priority_of));
}

Status Painter::step(PaintEvents& events) {
  AXLE_CHECK(!idle());
  if (const auto found = std::ranges::find_if(pictures_, &Picture::given_up);
      found != pictures_.end()) {
    const jobs::JobId id = found->id;
    pictures_.erase(found);
    events.given_up(id);
    return {};
  }
  const auto picture = front();
  Painting& painting = *picture->painting;
  const auto begin = clock_();
  if (!std::exchange(picture->begun, true))
    picture->timings.queued = duration_cast<microseconds>(begin - picture->asked);
  const Unit unit = painting.next();
  const std::size_t steps = painting.steps_done();
  AXLE_TRY(painting.run());
  measure(*picture, unit, duration_cast<microseconds>(clock_() - begin));
  if (painting.steps_done() > steps) report_step(*picture, events);
  if (painting.next() == Unit::kNone) finish(picture, events);
  return {};
}

void Painter::measure(Picture& picture, Unit unit, microseconds time) {
  jobs::PictureTimings& timings = picture.timings;
  if (unit == Unit::kText) timings.text += time;
  if (unit == Unit::kEncode) timings.encode += time;
  if (unit == Unit::kDecode) timings.decode += time;
  if (unit != Unit::kStep) return;
  timings.steps += time;
  average(load_.step_s, seconds(time));
}

void Painter::report_step(const Picture& picture, PaintEvents& events) const {
  const Painting& painting = *picture.painting;
  jobs::PictureStep event;
  event.steps_done = static_cast<std::int32_t>(painting.steps_done());
  event.steps_total = static_cast<std::int32_t>(painting.steps_total());
  event.latents.assign(painting.latents().begin(), painting.latents().end());
  if (painting.job().previews) {
    const PictureEngines& engines = *find_engines_(painting.job().width, painting.job().height);
    event.preview_width = painting.job().width / static_cast<std::int32_t>(kPixelsPerPoint);
    event.preview_height = painting.job().height / static_cast<std::int32_t>(kPixelsPerPoint);
    event.preview = preview(engines.shape(), engines.preview_factors(), painting.picture_latents());
  }
  events.step(picture.id, std::move(event));
}

void Painter::finish(Pictures::iterator picture, PaintEvents& events) {
  const jobs::PictureTimings& timings = picture->timings;
  average(load_.rest_s, seconds(timings.text + timings.encode + timings.decode));
  Painting& painting = *picture->painting;
  jobs::PictureDone event;
  event.width = painting.job().width;
  event.height = painting.job().height;
  event.pixels = painting.take_pixels();
  event.steps = static_cast<std::int32_t>(painting.steps_done());
  event.interrupted = painting.interrupted();
  event.timings = timings;
  const jobs::JobId id = picture->id;
  pictures_.erase(picture);
  events.done(id, std::move(event));
}

PainterLoad Painter::load() const {
  PainterLoad load = load_;
  load.running = static_cast<std::size_t>(std::ranges::count_if(pictures_, &Picture::begun));
  load.waiting = pictures_.size() - load.running;
  return load;
}

}  // namespace axle::diffusion
