#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "image/decode.h"
#include "image/picture.h"

namespace axle::pictures {

// What a request may bring as a picture.
struct SourceRules {
  image::DecodeLimits limits;
  // Fetches an http or https address; empty where the configuration does not allow that.
  std::function<Result<std::string>(const std::string& url)> fetch;
};

// The bytes of the picture file that `text` stands for: base64, a data URI, or an http or https
// address.
//
// Errors: kInvalidArgument  none of these, or too many bytes.
//         kUnsupported      an address where none may be fetched.
//         what `fetch` says.
Result<std::string> source_file(std::string_view text, const SourceRules& rules);

// The picture in a file: RGB, or RGBA where the file has alpha.
// Errors: those of image::decode().
Result<image::Picture> source_picture(std::string_view file, const SourceRules& rules);

// How a picture of other proportions is made to fit a model's size.
enum class SourceFit : std::uint8_t {
  kStretch,
  kCrop,       // The middle of it.
  kPadBlack,   // All of it, on black.
  kFillEdges,  // All of it, its outermost rows or columns repeated around it.
};

// The picture in `size`, RGB: alpha over white, resized with Lanczos as A1111 does.
// Errors: kInvalidArgument  not a picture, or no size of one. kExhausted  no memory.
Result<image::Picture> fit_source(const image::Picture& picture, image::Size size, SourceFit fit);

// What a mask's alpha says, of which the interfaces think differently.
enum class MaskAlpha : std::uint8_t {
  kClearIsPainted,   // OpenAI: what is transparent is painted anew.
  kOpaqueIsPainted,  // A1111: what is opaque is.
};

// What a mask says: by its alpha where it has one that is not 255 everywhere, else by its
// brightness: white is painted anew.
struct MaskRules {
  SourceFit fit = SourceFit::kStretch;
  MaskAlpha alpha = MaskAlpha::kClearIsPainted;
  bool inverted = false;
  double blur_x = 0.0;  // Sigma of a Gaussian in pixels of the painted picture, 0 to 64.
  double blur_y = 0.0;
};

// The mask in `size`, grey: 255 is painted anew, 0 is kept, what is between is blended.
// Errors: as fit_source(); a blur that is out of its range.
Result<image::Picture> fit_mask(const image::Picture& mask, image::Size size,
                                const MaskRules& rules);

// What a masked picture keeps (Order::keep): `picture` (RGB) where `mask` (grey, same size) is
// dark.
// Errors: kInvalidArgument  other channels or sizes. kExhausted  no memory.
Result<image::Picture> kept_part(const image::Picture& picture, const image::Picture& mask);

}  // namespace axle::pictures
