#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "api/openai/image_request.h"
#include "pictures/order.h"
#include "pictures/served_pictures.h"
#include "pictures/source.h"

namespace axle::api {

// What is painted for a request, and what its answer says of that.
struct ImagePlan {
  pictures::Order order;
  std::int32_t input_tokens = 0;   // Of the prompts, as far as the model reads them.
  std::vector<std::string> notes;  // What a request asked for and does not get.
};

// Plans the painting of a request by `model`; reads, and where the rules allow fetches, what it
// starts from. `any_seed`: where the request has none.
//
// - Without `size`: the size nearest to the picture that it starts from, else to 512x512, for which
//   Stable Diffusion 1.x was trained.
// - Without `steps`: 4, or the nearest that the model can do.
// - A picture of other proportions is cut to those of the size, its mask with it.
// - Without `strength`: 0.75, with a mask 1; the nearest that leaves whole steps.
//
// Errors: kInvalidArgument  a size or number of steps that the model has not; a prompt that is no
//                           UTF-8; a picture that cannot be had or read, or is too large; a mask of
//                           another size than its picture, or that has nothing to paint.
//         kUnsupported      the model cannot start from a picture.
//         kExhausted        no memory.
Parsed<ImagePlan> plan_image(ImageTask task, const ImageRequest& request,
                             const pictures::ServedPictures& model,
                             const pictures::SourceRules& rules, std::uint64_t any_seed);

}  // namespace axle::api
