#include "api/automatic1111/paint_plan.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <span>
#include <utility>

#include "diffusion/schedule.h"

namespace axle::api::automatic1111 {
namespace {

constexpr std::int32_t kDefaultSide = 512;  // Of A1111.
constexpr double kAreaWeight = 0.25;        // Proportions matter more than the number of pixels.

// "1, 2 and 4"
std::string listed(std::span<const std::int32_t> numbers) {
  if (numbers.size() < 2) return fmt::format("{}", fmt::join(numbers, ""));
  return fmt::format("{} and {}", fmt::join(numbers.first(numbers.size() - 1), ", "),
                     numbers.back());
}

// How unlike two sizes are; 0 for the same.
double distance(const ModelSize& size, double width, double height) {
  const double proportions = std::log(size.width * height / (size.height * width));
  const double area = std::log(size.width * 1.0 * size.height / (width * height));
  return std::abs(proportions) + kAreaWeight * std::abs(area);
}

void choose_size(const Request& request, const PaintModel& model, PaintPlan& plan) {
  std::vector<ModelSize> sizes = model.sizes;
  if (plan.from_picture) std::erase_if(sizes, [](const ModelSize& s) { return !s.from_picture; });
  ModelSize chosen = sizes.front();
  if (request.width || request.height) {
    const std::int32_t width = request.width.value_or(kDefaultSide);
    const std::int32_t height = request.height.value_or(kDefaultSide);
    chosen = *std::ranges::min_element(
        sizes, {}, [&](const ModelSize& size) { return distance(size, width, height); });
    if (chosen.width != width || chosen.height != height) {
      std::string all;
      for (const ModelSize& size : sizes) {
        all += fmt::format("{}{}x{}", all.empty() ? "" : ", ", size.width, size.height);
      }
      plan.notes.push_back(fmt::format("size: {}x{} asked, {}x{} done: the model has {}", width,
                                       height, chosen.width, chosen.height, all));
    }
  }
  plan.width = chosen.width;
  plan.height = chosen.height;
}

// The nearest of the numbers of steps; of two the larger.
std::int32_t nearest(std::span<const std::int32_t> counts, std::int32_t wanted) {
  return *std::ranges::min_element(counts, {}, [wanted](std::int32_t count) {
    return std::pair(std::abs(count - wanted), -count);
  });
}

void choose_steps(const Request& request, const PaintModel& model,
                  std::span<const std::int32_t> counts, PaintPlan& plan) {
  plan.steps = nearest(counts, request.steps.value_or(model.usual_steps));
  if (request.steps && *request.steps != plan.steps) {
    plan.notes.push_back(fmt::format("steps: {} asked, {} done: the model has {}", *request.steps,
                                     plan.steps, listed(counts)));
  }
  plan.timesteps = diffusion::lcm_timesteps(plan.steps);
}

// Only whole steps can be left out: the nearest share of them, one at least.
void choose_strength(const Request& request, PaintPlan& plan) {
  const double asked = request.denoising_strength;
  const auto done =
      std::max<std::int32_t>(1, static_cast<std::int32_t>(std::lround(plan.steps * asked)));
  // A little more than the share itself, which a fraction might miss.
  plan.timesteps = diffusion::kept_timesteps(plan.steps, (done + 0.01) / plan.steps);
  plan.strength = static_cast<double>(done) / plan.steps;
  if (std::abs(plan.strength - asked) > 1e-6) {
    plan.notes.push_back(fmt::format("denoising_strength: {} asked, {} done: {} of {} steps", asked,
                                     plan.strength, done, plan.steps));
  }
}

void choose_guidance(const Request& request, const PaintModel& model, PaintPlan& plan) {
  if (!request.cfg_scale && request.negative_prompt.empty()) return;
  // A1111 paints with 7 where none is asked for, which an LCM model cannot.
  const double asked = request.cfg_scale.value_or(model.most_guidance);
  plan.guidance = std::clamp(asked, 1.0, model.most_guidance);
  std::string reason = fmt::format("the model takes 1 to {}", model.most_guidance);
  if (request.negative_prompt.empty()) {
    plan.guidance = 1.0;
    reason = "there is no negative prompt to lead away from";
  }
  if (plan.guidance != asked) {
    plan.notes.push_back(
        fmt::format("cfg_scale: {} asked, {} done: {}", asked, plan.guidance, reason));
  }
  if (plan.guidance == 1.0 && !request.negative_prompt.empty()) {
    plan.notes.emplace_back("negative_prompt: not used: it needs a cfg_scale above 1");
  }
}

void note_sampler(const Request& request, PaintPlan& plan) {
  if (!request.sampler.empty() && request.sampler != "LCM") {
    plan.notes.push_back(fmt::format("sampler_name: {} asked, LCM done", request.sampler));
  }
  if (!request.scheduler.empty() && request.scheduler != "Automatic" &&
      request.scheduler != "automatic") {
    plan.notes.push_back(fmt::format("scheduler: {} asked, that of LCM done", request.scheduler));
  }
}

}  // namespace

Result<PaintPlan> plan_painting(const Request& request, const PaintModel& model) {
  const std::vector<std::int32_t> counts = diffusion::step_counts(model.timesteps);
  if (model.sizes.empty() || counts.empty()) {
    return unsupported(
        fmt::format("model '{}' has {} sizes and {} numbers of steps: wanted one of each at least",
                    model.name, model.sizes.size(), counts.size()));
  }
  PaintPlan plan;
  plan.notes = request.notes;
  if (request.task == Task::kImg2img) {
    plan.from_picture = std::ranges::any_of(model.sizes, &ModelSize::from_picture);
    if (!plan.from_picture) {
      plan.notes.emplace_back("init_images: not used: the model cannot begin with a picture");
    }
  }
  choose_size(request, model, plan);
  choose_steps(request, model, counts, plan);
  if (plan.from_picture) choose_strength(request, plan);
  choose_guidance(request, model, plan);
  note_sampler(request, plan);
  return plan;
}

std::vector<PictureSeeds> picture_seeds(const Request& request, const AnySeeds& any) {
  const auto first = [](std::int64_t asked, std::uint64_t other) {
    return asked < 0 ? other : static_cast<std::uint64_t>(asked);
  };
  const std::uint64_t seed = first(request.seed, any.seed);
  const std::uint64_t subseed = first(request.subseed, any.subseed);
  const bool varies = request.subseed_strength > 0.0;
  std::vector<PictureSeeds> all;
  const auto count =
      static_cast<std::uint64_t>(request.batch_size) * static_cast<std::uint64_t>(request.n_iter);
  for (std::uint64_t k = 0; k < count; ++k) {
    all.push_back({varies ? seed : seed + k, {subseed + k, request.subseed_strength}});
  }
  return all;
}

pictures::Infotext infotext_of(const Request& request, const PaintPlan& plan,
                               const PictureSeeds& seeds, const std::string& model_name,
                               const std::string& version) {
  pictures::Infotext text;
  text.prompt = request.prompt;
  text.negative_prompt = request.negative_prompt;
  text.steps = plan.steps;
  text.cfg_scale = plan.guidance;
  text.seed = seeds.seed;
  text.width = plan.width;
  text.height = plan.height;
  text.model = model_name;
  if (seeds.variation.strength > 0.0) text.variation = seeds.variation;
  if (plan.from_picture) text.denoising_strength = plan.strength;
  text.version = version;
  return text;
}

}  // namespace axle::api::automatic1111
