#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "base/result.h"

namespace axle::image {

// The most pixels that any picture of this room may have: 16384 x 16384, 1 GiB with alpha.
inline constexpr std::int64_t kMaxPixels = std::int64_t{1} << 28;

// A width and a height in pixels.
struct Size {
  int width = 0;
  int height = 0;
  friend bool operator==(const Size&, const Size&) = default;
};

// A colour, 0 to 255 each; alpha 255 covers, 0 is nothing. Not premultiplied.
struct Colour {
  std::uint8_t red = 0;
  std::uint8_t green = 0;
  std::uint8_t blue = 0;
  std::uint8_t alpha = 255;
  friend bool operator==(const Colour&, const Colour&) = default;
};

// Pixels in memory.
//
// Threading: a value; distinct objects may be used by distinct threads.
struct Picture {
  int width = 0;   // Pixels.
  int height = 0;  // Pixels.
  // 1: grey. 3: red, green, blue. 4: red, green, blue, alpha (not premultiplied). sRGB, as it is
  // in nearly all files; colour profiles are not applied.
  int channels = 0;
  std::vector<std::uint8_t> pixels;  // [height, width, channels], row-major, no padding.

  Size size() const { return {width, height}; }
  std::size_t row_bytes() const;
  // Row `y` from the top: [width, channels]. REQUIRES: 0 <= y < height, check() ok.
  std::span<std::uint8_t> row(int y);
  std::span<const std::uint8_t> row(int y) const;

  friend bool operator==(const Picture&, const Picture&) = default;
};

// A picture whose pixels are all zero.
//
// Errors: kInvalidArgument  a side below 1, more than kMaxPixels, channels other than 1, 3, 4.
//         kExhausted        no memory for it.
Result<Picture> make_picture(Size size, int channels);

// A copy of `picture`.
//
// Errors: kInvalidArgument  not a picture (check()).
//         kExhausted        no memory for it.
Result<Picture> copy_of(const Picture& picture);

// Whether a picture can have this size: sides of at least 1, at most kMaxPixels.
//
// Errors: kInvalidArgument  it cannot.
Status check_size(Size size);

// Whether `picture` is one: sides of at least 1, at most kMaxPixels, 1, 3 or 4 channels, and just
// as many bytes as they need. Every function of this room that takes a picture checks it.
//
// Errors: kInvalidArgument  it is not.
Status check(const Picture& picture);

}  // namespace axle::image
