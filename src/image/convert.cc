#include "image/convert.h"

#include <fmt/format.h>

#include <utility>

namespace axle::image {
namespace {

// `value` over `below` as alpha (0 to 255) says, rounded to nearest.
std::uint8_t blend(unsigned value, unsigned below, unsigned alpha) {
  return static_cast<std::uint8_t>((value * alpha + below * (255 - alpha) + 127) / 255);
}

// A picture of `channels` made by `pixel(source, target)` for each pixel of `picture`.
template <typename PixelFunction>
Result<Picture> map_pixels(const Picture& picture, int channels, PixelFunction pixel) {
  AXLE_TRY_ASSIGN(Picture result, make_picture(picture.size(), channels));
  const std::uint8_t* source = picture.pixels.data();
  const std::uint8_t* const end = source + picture.pixels.size();
  std::uint8_t* target = result.pixels.data();
  for (; source != end; source += picture.channels, target += channels) pixel(source, target);
  return result;
}

Result<Picture> spread_grey(const Picture& picture) {
  return map_pixels(picture, 3, [](const std::uint8_t* source, std::uint8_t* target) {
    target[0] = target[1] = target[2] = source[0];
  });
}

}  // namespace

Result<Picture> flatten(const Picture& picture, Colour background) {
  AXLE_TRY(check(picture));
  if (picture.channels != 4) return to_rgb(picture);
  return map_pixels(picture, 3, [=](const std::uint8_t* source, std::uint8_t* target) {
    target[0] = blend(source[0], background.red, source[3]);
    target[1] = blend(source[1], background.green, source[3]);
    target[2] = blend(source[2], background.blue, source[3]);
  });
}

Result<Picture> to_rgb(const Picture& picture) {
  AXLE_TRY(check(picture));
  if (picture.channels == 3) return copy_of(picture);
  if (picture.channels == 1) return spread_grey(picture);
  return map_pixels(picture, 3, [](const std::uint8_t* source, std::uint8_t* target) {
    target[0] = source[0];
    target[1] = source[1];
    target[2] = source[2];
  });
}

Result<Picture> to_grey(const Picture& picture) {
  AXLE_TRY(check(picture));
  if (picture.channels == 1) return copy_of(picture);
  return map_pixels(picture, 1, [](const std::uint8_t* source, std::uint8_t* target) {
    // 0.299, 0.587 and 0.114 in units of 1 / 65536; they add up to 1.
    const unsigned sum = source[0] * 19595u + source[1] * 38470u + source[2] * 7471u + 0x8000u;
    target[0] = static_cast<std::uint8_t>(sum >> 16);
  });
}

Status lay_over(const Picture& above, Picture& below) {
  AXLE_TRY(check(above));
  AXLE_TRY(check(below));
  if (above.channels != 4 || below.channels != 3 || above.size() != below.size()) {
    return invalid_argument(fmt::format(
        "wanted 4 channels over 3 of the same size, found {}x{} of {} over {}x{} of {}",
        above.width, above.height, above.channels, below.width, below.height, below.channels));
  }
  const std::uint8_t* source = above.pixels.data();
  for (auto target = below.pixels.begin(); target != below.pixels.end(); source += 4, target += 3) {
    for (int i = 0; i < 3; ++i) target[i] = blend(source[i], target[i], source[3]);
  }
  return {};
}

}  // namespace axle::image
