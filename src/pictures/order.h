#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "image/picture.h"
#include "jobs/job.h"
#include "pictures/served_pictures.h"

namespace axle::pictures {

// One request for pictures as every wire format means it in the end. Sizes and steps are those of a
// model: a wire format asks for them, or takes the nearest and says so.
struct Order {
  std::string prompt;
  std::string negative_prompt;
  double guidance = 1.0;  // Above 1: away from `negative_prompt`, at twice the price of a step.
  std::int32_t width = 0;
  std::int32_t height = 0;
  std::int32_t steps = 0;  // Of a run from noise; `strength` leaves the last of them.
  std::int32_t count = 1;  // Pictures.
  std::uint64_t seed = 0;  // Of the first one.
  std::uint64_t variation_seed = 0;
  double variation = 0.0;  // 0 to 1.
  jobs::NoiseOrder noise = jobs::NoiseOrder::kVendor;
  std::optional<image::Picture> image;  // To start from: RGB of that size.
  std::optional<image::Picture> mask;   // Grey of that size: 128 and more is painted anew.
  double strength = 1.0;                // How much of `image` is painted anew, 0 to 1.
  // What the finished picture keeps of another one: RGBA of that size, laid over it. The painted
  // part is coarser than a pixel at its edge and changes a little outside of it; this mends both.
  std::optional<image::Picture> keep;
  bool previews = false;
  std::int32_t priority = 0;
};

// LCM models are distilled for a guidance of 1 to 2; more than that burns the colours.
// Source: Luo et al. 2023 (LCM-LoRA), and the vendor's models.
inline constexpr double kMostGuidance = 2.0;
// Steps of a picture for which no number is asked: what LCM models are made for.
inline constexpr std::int32_t kUsualSteps = 4;

// The strength nearest to `wanted` that leaves whole steps of `steps`, one at least: an order with
// it does exactly that share of them. REQUIRES: steps >= 1.
double nearest_strength(std::int32_t steps, double wanted);

// The seed, or the variation seed, of picture `index`: as A1111 counts on.
// Source: AUTOMATIC1111/stable-diffusion-webui, processing.py, all_seeds and all_subseeds.
std::uint64_t seed_of(const Order& order, std::int32_t index);
std::uint64_t variation_seed_of(const Order& order, std::int32_t index);

// A seed for orders that name none: below 2^32, so that every program can read it and PyTorch's
// generator takes all of it.
std::uint64_t random_seed();

// A job for each picture.
// Errors: kInvalidArgument  which field, wanted and found: a size or number of steps that the model
// has not, a
//                           prompt that is no UTF-8, pictures of another size.
//         kExhausted        a prompt that is too long to be read (8 MiB).
Result<std::vector<jobs::PictureJob>> make_jobs(const Order& order, const ServedPictures& model);

}  // namespace axle::pictures
