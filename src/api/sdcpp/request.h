#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "pictures/order.h"
#include "pictures/output.h"
#include "pictures/served_pictures.h"
#include "pictures/source.h"

// What a client of sd-server asks for.
//
// Source: leejet/stable-diffusion.cpp, examples/server/api.md, "sdcpp API".
namespace axle::api::sdcpp {

struct Request {
  std::string model;  // Empty: the first. (sd-server has one.)
  std::string prompt;
  std::string negative_prompt;
  std::optional<std::int32_t> width;   // Pixels.
  std::optional<std::int32_t> height;  // Pixels.
  std::optional<std::int32_t> steps;   // sample_params.sample_steps
  std::optional<double> guidance;      // sample_params.guidance.txt_cfg
  double strength = 0.75;              // Of a picture that begins with another one, 0 to 1.
  std::int64_t seed = -1;              // Below 0: any.
  std::int32_t count = 1;              // batch_count, 1 to kMaxCount.
  std::string image;                   // init_image: bytes of a picture file; empty: none.
  std::string mask;                    // mask_image: the same; white is painted anew.
  pictures::Output output;             // output_format, output_compression.
  bool text = true;                    // embed_image_metadata
  std::int32_t priority = 0;
  std::string replace_key;
};

inline constexpr std::int32_t kMaxCount = 16;

// The request in `body`, the JSON of POST /sdcpp/v1/img_gen. Fields of what this server has not
// (LoRA, ControlNet, samplers, caches, ...) are taken and have no effect.
//
// Errors: kInvalidArgument  no JSON object; a field of another type or out of its range: which.
//         those of pictures::source_file().
Result<Request> parse_request(std::string_view body, const pictures::SourceRules& rules);

// What is painted, and what was done in place of what the model has not.
struct Plan {
  pictures::Order order;
  std::vector<std::string> notes;
};

// The nearest of what `model` can do for `request`; a seed below 0 becomes `any_seed`.
//
// Errors: kInvalidArgument, kCorrupt  a picture or mask that cannot be read.
//         kUnsupported                a picture to begin with, for a model that begins with none.
Result<Plan> make_plan(const Request& request, const pictures::ServedPictures& model,
                       const pictures::SourceRules& rules, std::uint64_t any_seed);

}  // namespace axle::api::sdcpp
