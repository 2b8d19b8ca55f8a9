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

// "1, 2 and 4"
std::string listed(std::span<const std::int32_t> numbers) {
  if (numbers.size() < 2) return fmt::format("{}", fmt::join(numbers, ""));
  return fmt::format("{} and {}", fmt::join(numbers.first(numbers.size() - 1), ", "),
                     numbers.back());
}

void choose_start(const Request& request, const pictures::ServedPictures& model, PaintPlan& plan) {
  if (request.task != Task::kImg2img) return;
  plan.from_picture = model.begins_with(pictures::Start::kPicture);
  if (!plan.from_picture) {
    plan.notes.emplace_back("init_images: not used: the model cannot begin with a picture");
  }
}

void choose_size(const Request& request, const pictures::ServedPictures& model, PaintPlan& plan) {
  const auto start = plan.from_picture ? pictures::Start::kPicture : pictures::Start::kNoise;
  const image::Size asked{request.width.value_or(kDefaultSide),
                          request.height.value_or(kDefaultSide)};
  const package::PictureVariant& chosen = model.nearest_size(asked, start);
  plan.order.width = static_cast<std::int32_t>(chosen.width);
  plan.order.height = static_cast<std::int32_t>(chosen.height);
  const bool is_it = plan.order.width == asked.width && plan.order.height == asked.height;
  if (is_it || (!request.width && !request.height)) return;
  std::vector<std::string_view> sizes;
  for (const package::PictureVariant& variant : model.package.variants) {
    if (!plan.from_picture || variant.vae_encoder) sizes.push_back(variant.id);
  }
  plan.notes.push_back(fmt::format("size: {}x{} asked, {} done: the model has {}", asked.width,
                                   asked.height, chosen.id, fmt::join(sizes, ", ")));
}

void choose_steps(const Request& request, const pictures::ServedPictures& model, PaintPlan& plan) {
  plan.order.steps = model.nearest_steps(request.steps.value_or(pictures::kUsualSteps));
  if (request.steps && *request.steps != plan.order.steps) {
    plan.notes.push_back(fmt::format("steps: {} asked, {} done: the model has {}", *request.steps,
                                     plan.order.steps, listed(model.step_counts)));
  }
}

// Only whole steps can be left out.
void choose_strength(const Request& request, PaintPlan& plan) {
  const double asked = request.denoising_strength;
  const std::int32_t steps = plan.order.steps;
  plan.order.strength = pictures::nearest_strength(steps, asked);
  if (std::abs(plan.order.strength - asked) > 1e-6) {
    plan.notes.push_back(fmt::format(
        "denoising_strength: {} asked, {} done: {} of {} steps", asked, plan.order.strength,
        diffusion::kept_timesteps(steps, plan.order.strength).size(), steps));
  }
}

void choose_guidance(const Request& request, PaintPlan& plan) {
  if (!request.cfg_scale && request.negative_prompt.empty()) return;
  // A1111 paints with 7 where none is asked for, which an LCM model cannot.
  const double asked = request.cfg_scale.value_or(pictures::kMostGuidance);
  double done = std::clamp(asked, 1.0, pictures::kMostGuidance);
  std::string reason = fmt::format("the model takes 1 to {}", pictures::kMostGuidance);
  if (request.negative_prompt.empty()) {
    done = 1.0;
    reason = "there is no negative prompt to lead away from";
  }
  plan.order.guidance = done;
  if (done != asked) {
    plan.notes.push_back(fmt::format("cfg_scale: {} asked, {} done: {}", asked, done, reason));
  }
  if (done == 1.0 && !request.negative_prompt.empty()) {
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

void note_length(std::string_view name, const std::string& text,
                 const pictures::ServedPictures& model, PaintPlan& plan) {
  const Result<text::ClipPrompt> prompt = model.tokenizer.encode(text);
  if (!prompt.ok() || !prompt->truncated()) return;  // What is wrong with it is told later.
  plan.notes.push_back(fmt::format("{}: {} tokens asked, the first {} done", name, prompt->tokens,
                                   text::ClipTokenizer::kLength - 2));
}

void choose_seeds(const Request& request, const AnySeeds& any, pictures::Order& order) {
  const auto chosen = [](std::int64_t asked, std::uint64_t other) {
    return asked < 0 ? other : static_cast<std::uint64_t>(asked);
  };
  order.count = request.batch_size * request.n_iter;
  order.seed = chosen(request.seed, any.seed);
  order.variation_seed = chosen(request.subseed, any.variation_seed);
  order.variation = request.subseed_strength;
}

// The picture in a file. What is wrong with it is said as A1111 says it.
Result<image::Picture> read(const std::string& file, const pictures::SourceRules& sources) {
  Result<image::Picture> picture = pictures::source_picture(file, sources);
  if (picture.ok() || picture.status().code() == Code::kExhausted) return picture;
  return corrupt("Invalid encoded image: " + picture.status().message());
}

}  // namespace

PaintPlan plan_painting(const Request& request, const pictures::ServedPictures& model,
                        const AnySeeds& any) {
  PaintPlan plan;
  plan.notes = request.notes;
  plan.order.prompt = request.prompt;
  plan.order.negative_prompt = request.negative_prompt;
  plan.order.priority = request.priority;
  choose_start(request, model, plan);
  choose_size(request, model, plan);
  choose_steps(request, model, plan);
  if (plan.from_picture) choose_strength(request, plan);
  choose_guidance(request, plan);
  note_sampler(request, plan);
  note_length("prompt", request.prompt, model, plan);
  if (plan.order.guidance > 1.0) {
    note_length("negative_prompt", request.negative_prompt, model, plan);
  }
  choose_seeds(request, any, plan.order);
  return plan;
}

Result<pictures::Order> order_of(const Request& request, const PaintPlan& plan,
                                 const pictures::SourceRules& sources) {
  pictures::Order order = plan.order;
  if (!plan.from_picture) return order;
  const image::Size size{order.width, order.height};
  AXLE_TRY_ASSIGN(const image::Picture picture, read(request.init_images.front(), sources));
  AXLE_TRY_ASSIGN(order.image, pictures::fit_source(picture, size, request.fit));
  if (!request.mask) return order;
  AXLE_TRY_ASSIGN(const image::Picture mask, read(request.mask->file, sources));
  const pictures::MaskRules rules{request.fit, pictures::MaskAlpha::kOpaqueIsPainted,
                                  request.mask->inverted, request.mask->blur_x,
                                  request.mask->blur_y};
  AXLE_TRY_ASSIGN(order.mask, pictures::fit_mask(mask, size, rules));
  AXLE_TRY_ASSIGN(order.keep, pictures::kept_part(*order.image, *order.mask));
  return order;
}

}  // namespace axle::api::automatic1111
