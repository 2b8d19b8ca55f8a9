#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "api/automatic1111/request.h"
#include "base/result.h"
#include "pictures/infotext.h"

// From what a client asks for to what a model has: pure functions.
namespace axle::api::automatic1111 {

struct ModelSize {
  std::int32_t width = 0;     // Pixels.
  std::int32_t height = 0;    // Pixels.
  bool from_picture = false;  // Can a picture of this size begin with another one?
};

// What there is to know of a model before painting.
struct PaintModel {
  std::string name;
  std::vector<ModelSize> sizes;  // Never empty; the first is painted where none is asked for.
  std::vector<std::int32_t> timesteps;  // That it knows; a run of some number of steps is possible.
  std::int32_t usual_steps = 4;  // Painted where no number is asked for, or the nearest to it.
  double most_guidance = 2.0;    // LCM models are distilled for 1 to 2.
};

// What is painted for a request.
struct PaintPlan {
  std::int32_t width = 0;
  std::int32_t height = 0;
  std::int32_t steps = 0;               // Of a whole run; the LCM schedule of as many.
  std::vector<std::int32_t> timesteps;  // Those of them that are done, falling.
  bool from_picture = false;
  double strength = 1.0;           // The share of the steps that is done.
  double guidance = 1.0;           // Above 1 only with a negative prompt: each step then costs two.
  std::vector<std::string> notes;  // Of the request and of what was replaced here.
};

// What `model` paints for `request`: the nearest of what it has, every difference noted.
//
// Errors: kUnsupported  a model without sizes, or whose timesteps make no run.
Result<PaintPlan> plan_painting(const Request& request, const PaintModel& model);

// Seeds for a request that asks for any; below 2^32 each.
struct AnySeeds {
  std::uint64_t seed = 0;
  std::uint64_t subseed = 0;
};

struct PictureSeeds {
  std::uint64_t seed = 0;
  pictures::Variation variation;
};

// The seeds of all pictures of a request, batch_size times n_iter: rising by one, or, where the
// request has a variation strength, all the same with rising variation seeds.
// Source: modules/processing.py, process_images_inner.
std::vector<PictureSeeds> picture_seeds(const Request& request, const AnySeeds& any);

// The text of the k-th picture of a request. `version`: of this program, "axle 0.1.0".
pictures::Infotext infotext_of(const Request& request, const PaintPlan& plan,
                               const PictureSeeds& seeds, const std::string& model_name,
                               const std::string& version);

}  // namespace axle::api::automatic1111
