#include "pictures/studio.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <limits>
#include <utility>

#include "pictures/infotext.h"

namespace axle::pictures {
namespace {

// Threads that finish pictures: encoding one of 512 x 512 takes a few hundredths of what painting
// it takes, so one would do; the second keeps a slow listener from holding up the others.
constexpr int kThreads = 2;
// Each run has one task at a time, and the fleet bounds the runs.
constexpr std::size_t kNoLimit = std::numeric_limits<std::size_t>::max();

std::string describe(const Order& order, const Painted& painted, const ServedPictures& model,
                     const std::string& version) {
  Infotext text;
  text.prompt = order.prompt;
  text.negative_prompt = order.negative_prompt;
  text.steps = order.steps;
  text.cfg_scale = order.guidance;
  text.seed = painted.seed;
  text.width = order.width;
  text.height = order.height;
  text.model_hash = short_hash(model.sha256);
  text.model = model.name;
  if (order.variation > 0.0) text.variation = {painted.variation_seed, order.variation};
  if (order.image) text.denoising_strength = order.strength;
  if (painted.interrupted) text.extras.emplace_back("Steps done", std::to_string(painted.steps));
  text.version = version;
  return write_infotext(text);
}

double seconds_of(const jobs::PictureTimings& timings) {
  return std::chrono::duration<double>(timings.text + timings.encode + timings.steps +
                                       timings.decode)
      .count();
}

}  // namespace

Studio::Studio(fleet::Fleet& fleet, std::vector<std::shared_ptr<const ServedPictures>> models,
               metrics::Registry& metrics, std::string version)
    : fleet_(fleet),
      models_(std::move(models)),
      version_(std::move(version)),
      pictures_painted_(metrics.counter("axle_pictures_total", "Pictures painted.")),
      picture_seconds_(metrics.histogram("axle_picture_seconds",
                                         "Time of the engines for a picture, without its waiting.",
                                         {0.1, 0.2, 0.5, 1, 2, 3, 5, 10, 20, 60})),
      pool_(kThreads, kNoLimit) {}

std::shared_ptr<const ServedPictures> Studio::find(std::string_view name) const {
  if (name.ends_with(":latest")) name.remove_suffix(std::string_view(":latest").size());
  if (name.empty()) return models_.empty() ? nullptr : models_.front();
  const auto found = std::ranges::find(
      models_, name, [](const auto& model) { return std::string_view(model->name); });
  return found == models_.end() ? nullptr : *found;
}

std::string Studio::known_names() const {
  std::vector<std::string> names;
  for (const auto& model : models_) names.push_back(fmt::format("\"{}\"", model->name));
  return fmt::format("{}", fmt::join(names, ", "));
}

Result<std::shared_ptr<Run>> Studio::start(Order order, std::shared_ptr<const ServedPictures> model,
                                           std::shared_ptr<RunListener> listener,
                                           const RunOptions& options) {
  order.previews = order.previews || feed_.previews_wanted();
  AXLE_TRY_ASSIGN(std::vector<jobs::PictureJob> jobs, make_jobs(order, *model));
  auto run = std::make_shared<Run>(fleet_, pool_, std::move(order), std::move(listener),
                                   hooks_for(std::move(model)));
  if (!options.replace_key.empty()) replace(options.replace_key, run);
  AXLE_TRY(run->start(std::move(jobs), options.deadline));
  return run;
}

Run::Hooks Studio::hooks_for(std::shared_ptr<const ServedPictures> model) {
  Run::Hooks hooks;
  hooks.describe = [this, model](const Order& order, const Painted& painted) {
    return describe(order, painted, *model, version_);
  };
  hooks.show_glimpse = [this, model](const Glimpse& glimpse) {
    if (feed_.previews_wanted()) feed_.show({0, false, model->name, glimpse.preview, {}});
  };
  hooks.show_picture = [this, model](const Painted& painted) {
    pictures_painted_.add();
    picture_seconds_.observe(seconds_of(painted.timings));
    feed_.show({0, true, model->name, painted.picture, painted.parameters});
  };
  return hooks;
}

void Studio::replace(const std::string& key, const std::shared_ptr<Run>& run) {
  std::shared_ptr<Run> older;
  {
    const MutexLock lock(mutex_);
    std::erase_if(keyed_, [](const auto& entry) { return entry.second.expired(); });
    older = std::exchange(keyed_[key], run).lock();
  }
  if (older != nullptr) older->replace();
}

}  // namespace axle::pictures
