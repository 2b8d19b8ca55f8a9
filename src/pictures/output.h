#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "image/panel.h"
#include "image/picture.h"

namespace axle::pictures {

// What a picture is handed out as: a file, or the bytes of a display without any header.
enum class Form : std::uint8_t {
  kPng,
  kJpeg,
  kWebp,
  kRgb888,
  kRgb565BigEndian,
  kMono,
  kGrey4,
  kGrey16,
};

// "png", "jpeg", "webp", "rgb888", "rgb565", "mono", "grey4", "grey16".
std::string_view form_name(Form form);
// The form of a name, upper or lower case: those above, also "jpg", "raw", "rgb", "rgb565-be",
// "1bit", "gray4", "gray16", and media types such as "image/png". Nothing for others.
std::optional<Form> form_named(std::string_view name);
// All names, for messages: "png, jpeg, ...".
std::string form_names();
// "image/png", "image/jpeg", "image/webp"; "application/octet-stream" for displays.
std::string_view media_type(Form form);

// How a picture of other proportions is made to fit.
enum class Fit : std::uint8_t {
  kStretch,
  kCrop,  // The middle of it.
  kPad,   // All of it, on black.
};
// "stretch", "crop", "pad". Nothing for others.
std::optional<Fit> fit_named(std::string_view name);

// "none", "floyd-steinberg", "bayer", upper or lower case. Nothing for others.
std::optional<image::Dither> dither_named(std::string_view name);

// How a picture is handed out.
struct Output {
  Form form = Form::kPng;
  int quality = 90;                      // 1 to 100, of JPEG and WebP.
  std::optional<image::Size> size = {};  // Of another one than was painted: resized (Lanczos).
  Fit fit = Fit::kCrop;
  image::Dither dither = image::Dither::kFloydSteinberg;  // These three of displays.
  double gamma = 1.0;                                     // 0.1 to 10; 1.8 is usual for e-paper.
  bool inverted = false;
  friend bool operator==(const Output&, const Output&) = default;
};

// The largest side that a picture is resized to.
inline constexpr int kMaxOutputSide = 8192;

// The picture (RGB) as `output` wants it; `parameters` is the text that files carry.
//
// Errors: kInvalidArgument  a size, quality or gamma that is out of its range, which.
//         kExhausted        no memory.
Result<std::string> write_picture(const image::Picture& picture, const std::string& parameters,
                                  const Output& output);

// A preview (a pixel for eight by eight) as large as the picture will be.
// Errors: those of image::resize().
Result<image::Picture> enlarged_preview(const image::Picture& preview);

// The size that write_picture() gives.
image::Size size_of(const image::Picture& picture, const Output& output);

}  // namespace axle::pictures
