#include <cstring>
#include <utility>

#include "image/codecs.h"

namespace axle::image {
namespace {

struct Point {
  int x;
  int y;
};

// Where the pixel at (x, y) of the upright picture stands in one of `size` that is stored as
// `orientation` says.
Point stored_at(int orientation, Size size, int x, int y) {
  const int right = size.width - 1;
  const int bottom = size.height - 1;
  switch (orientation) {
    case 2:
      return {right - x, y};
    case 3:
      return {right - x, bottom - y};
    case 4:
      return {x, bottom - y};
    case 5:
      return {y, x};
    case 6:
      return {y, bottom - x};
    case 7:
      return {right - y, bottom - x};
    case 8:
      return {right - y, x};
    default:
      return {x, y};
  }
}

}  // namespace

Result<Picture> apply_orientation(Picture picture, int orientation) {
  if (orientation < 2 || orientation > 8) return picture;
  const Size stored = picture.size();
  const bool swapped = orientation >= 5;
  const Size upright = swapped ? Size{stored.height, stored.width} : stored;
  AXLE_TRY_ASSIGN(Picture result, make_picture(upright, picture.channels));
  const auto channels = static_cast<std::size_t>(picture.channels);
  std::uint8_t* target = result.pixels.data();
  for (int y = 0; y < upright.height; ++y) {
    for (int x = 0; x < upright.width; ++x) {
      const Point from = stored_at(orientation, stored, x, y);
      const std::size_t pixel = static_cast<std::size_t>(from.y) * picture.row_bytes() +
                                static_cast<std::size_t>(from.x) * channels;
      std::memcpy(target, picture.pixels.data() + pixel, channels);
      target += channels;
    }
  }
  return result;
}

}  // namespace axle::image
