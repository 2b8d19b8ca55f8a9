#pragma once

#include <cstdint>

#include "base/result.h"
#include "image/picture.h"

// Resizing with the very pixels that Pillow gives, so that axle feeds its models what the programs
// that they were trained and published with would.
//
// Two passes, horizontal first, each with the filter widened by the scale where it reduces,
// coefficients of 22 bits behind the point, and pixels rounded and clipped to 8 bits in between.
// Pictures with alpha are resized with premultiplied colours. Compared bit by bit with Pillow
// 12.3.0 (Image.resize, ImageOps.fit, ImageOps.pad). From 13.0.0 on Pillow begins with the vertical
// pass where that is less work, so that last bits differ there in some tall pictures.
namespace axle::image {

enum class Filter : std::uint8_t { kNearest, kBox, kBilinear, kHamming, kBicubic, kLanczos };

// A part of a picture in pixels, which may begin and end inside of them. In single precision, as
// Pillow has it: that shows in the last bits.
struct Box {
  float left = 0;
  float top = 0;
  float right = 0;
  float bottom = 0;
};

// The whole picture stretched to `size`.
//
// Errors: kInvalidArgument  not a picture (check()); a size that no picture can have.
//         kExhausted        no memory.
Result<Picture> resize(const Picture& picture, Size size, Filter filter);

// The part `box` of the picture stretched to `size`. Pixels around the box play no part where the
// filter does not reach over its edge; where it does, they do.
//
// Errors: kInvalidArgument  as resize(); a box that is empty or not inside the picture.
//         kExhausted        no memory.
Result<Picture> resize_box(const Picture& picture, const Box& box, Size size, Filter filter);

// The largest part from the middle of the picture that has the proportions of `size`, resized to
// it: nothing is empty, and what is too much of two sides is cut off. Errors as resize().
Result<Picture> fit_cover(const Picture& picture, Size size, Filter filter);

// The whole picture resized to fit into `size`, and centred in it on `background` (its alpha counts
// in a picture of 4 channels; for grey its brightness does). Errors as resize().
Result<Picture> fit_contain(const Picture& picture, Size size, Filter filter, Colour background);

}  // namespace axle::image
