#include "pictures/order.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <random>
#include <string_view>
#include <utility>

#include "diffusion/schedule.h"

namespace axle::pictures {
namespace {

Status check_size(const Order& order, const ServedPictures& model) {
  const auto is_it = [&order](const package::PictureVariant& variant) {
    return std::cmp_equal(variant.width, order.width) &&
           std::cmp_equal(variant.height, order.height);
  };
  if (std::ranges::any_of(model.package.variants, is_it)) return {};
  std::vector<std::string_view> sizes;
  for (const auto& variant : model.package.variants) sizes.push_back(variant.id);
  return invalid_argument(fmt::format("size: {} has {}, found {}x{}", model.name,
                                      fmt::join(sizes, ", "), order.width, order.height));
}

Status check_picture(std::string_view field, const std::optional<image::Picture>& picture,
                     int channels, const Order& order) {
  if (!picture) return {};
  if (picture->width == order.width && picture->height == order.height &&
      picture->channels == channels)
    return {};
  return invalid_argument(fmt::format("{}: wanted {}x{} pixels of {} bytes, found {}x{} of {}",
                                      field, order.width, order.height, channels, picture->width,
                                      picture->height, picture->channels));
}

Status check_steps(const Order& order, const ServedPictures& model) {
  if (std::ranges::find(model.step_counts, order.steps) != model.step_counts.end()) return {};
  return invalid_argument(fmt::format("steps: {} can do {}, found {}", model.name,
                                      fmt::join(model.step_counts, ", "), order.steps));
}

Result<std::vector<jobs::TokenId>> encode(std::string_view field, const std::string& text,
                                          const ServedPictures& model) {
  Result<text::ClipPrompt> prompt = model.tokenizer.encode(text);
  if (!prompt.ok()) return prompt.status().with_context(field);
  return std::move(prompt->ids);
}

}  // namespace

double nearest_strength(std::int32_t steps, double wanted) {
  const double kept = std::max(1.0, std::round(steps * std::clamp(wanted, 0.0, 1.0)));
  double strength = kept / steps;
  // Steps are cut off, not rounded (diffusion::kept_timesteps): no share may be a bit too small.
  while (steps * strength < kept) strength = std::nextafter(strength, 2.0);
  return strength;
}

std::uint64_t seed_of(const Order& order, std::int32_t index) {
  return order.variation == 0.0 ? order.seed + static_cast<std::uint64_t>(index) : order.seed;
}

std::uint64_t random_seed() {
  thread_local std::random_device device;
  return device();
}

std::uint64_t variation_seed_of(const Order& order, std::int32_t index) {
  return order.variation_seed + static_cast<std::uint64_t>(index);
}

Result<std::vector<jobs::PictureJob>> make_jobs(const Order& order, const ServedPictures& model) {
  AXLE_TRY(check_size(order, model));
  AXLE_TRY(check_steps(order, model));
  AXLE_TRY(check_picture("image", order.image, 3, order));
  AXLE_TRY(check_picture("mask", order.mask, 1, order));
  AXLE_TRY(check_picture("what is kept", order.keep, 4, order));
  jobs::PictureJob job;
  job.model = model.name;
  job.width = order.width;
  job.height = order.height;
  AXLE_TRY_ASSIGN(job.prompt, encode("prompt", order.prompt, model));
  if (order.guidance > 1.0) {
    AXLE_TRY_ASSIGN(job.negative, encode("negative prompt", order.negative_prompt, model));
    job.guidance = order.guidance;
  }
  job.timesteps = order.image ? diffusion::kept_timesteps(order.steps, order.strength)
                              : diffusion::lcm_timesteps(order.steps);
  if (order.image) job.image = order.image->pixels;
  if (order.mask) job.mask = order.mask->pixels;
  job.variation = order.variation;
  job.noise = order.noise;
  job.previews = order.previews;
  job.priority = order.priority;
  std::vector<jobs::PictureJob> jobs(static_cast<std::size_t>(std::max(order.count, 0)), job);
  for (std::int32_t i = 0; i < order.count; ++i) {
    jobs[static_cast<std::size_t>(i)].seed = seed_of(order, i);
    jobs[static_cast<std::size_t>(i)].variation_seed = variation_seed_of(order, i);
  }
  return jobs;
}

}  // namespace axle::pictures
