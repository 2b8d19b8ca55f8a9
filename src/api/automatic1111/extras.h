#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "image/picture.h"
#include "pictures/output.h"
#include "pictures/source.h"

// What A1111 does to pictures that are there already: its "extras" and "PNG info".
//
// Source: AUTOMATIC1111/stable-diffusion-webui 1.10, modules/api/models.py (ExtrasBaseRequest),
// modules/upscaler.py and scripts/postprocessing_upscale.py.
namespace axle::api::automatic1111 {

enum class Upscaler : std::uint8_t { kNone, kLanczos, kNearest };

// How pictures are made larger.
struct Upscaling {
  Upscaler upscaler = Upscaler::kNone;  // kNone: they stay as they are.
  bool to_size = false;                 // resize_mode 1: to `size`, else by `factor`.
  double factor = 2.0;                  // upscaling_resize: 1 to 8, as A1111 allows.
  image::Size size{512, 512};           // upscaling_resize_w, upscaling_resize_h.
  bool crop = true;                     // upscaling_crop: what is beyond `size` is cut off.
};

// The longest side that a picture is made, unless it has a longer one already.
inline constexpr int kMaxUpscaledSide = 4096;

// The picture made larger. As A1111 does, by the factor or by the one that covers `size`, to sides
// that are multiples of 8.
//
// Errors: kInvalidArgument  not a picture (image::check()). kExhausted  no memory.
Result<image::Picture> upscale(const image::Picture& picture, const Upscaling& upscaling);

// The answer of extra-single-image and of extra-batch-images to `body`: {"html_info","image"} and
// {"html_info","images"}, files of `form`, and "notes": what was done differently. Texts about how
// the pictures were made stay with them.
//
// Errors: kInvalidArgument  the body is no JSON object.
//         kCorrupt          a picture is none ("Invalid encoded image").
//         kUnsupported      a picture by its address, where `sources` fetch none.
//         kExhausted        no memory.
Result<std::string> extra_single_json(std::string_view body, const pictures::SourceRules& sources,
                                      pictures::Form form);
Result<std::string> extra_batch_json(std::string_view body, const pictures::SourceRules& sources,
                                     pictures::Form form);

// The answer of png-info to `body`. Errors: as above.
Result<std::string> png_info_answer(std::string_view body, const pictures::SourceRules& sources);

}  // namespace axle::api::automatic1111
