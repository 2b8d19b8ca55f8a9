#include "image/picture.h"

#include <fmt/format.h>

#include <algorithm>
#include <new>
#include <utility>

namespace axle::image {
namespace {

Status check_form(Size size, int channels) {
  AXLE_TRY(check_size(size));
  if (channels != 1 && channels != 3 && channels != 4) {
    return invalid_argument(
        fmt::format("picture of {} channels: 1 (grey), 3 (RGB) and 4 (RGBA) exist", channels));
  }
  return {};
}

std::size_t count(int a) { return static_cast<std::size_t>(a); }

}  // namespace

Status check_size(Size size) {
  if (size.width < 1 || size.height < 1) {
    return invalid_argument(
        fmt::format("picture of {} x {}: both sides must be at least 1", size.width, size.height));
  }
  if (std::int64_t{size.width} * size.height > kMaxPixels) {
    return invalid_argument(fmt::format("picture of {} x {}: it may have {} pixels at most",
                                        size.width, size.height, kMaxPixels));
  }
  return {};
}

std::size_t Picture::row_bytes() const { return count(width) * count(channels); }

std::span<std::uint8_t> Picture::row(int y) {
  return std::span(pixels).subspan(count(y) * row_bytes(), row_bytes());
}

std::span<const std::uint8_t> Picture::row(int y) const {
  return std::span(pixels).subspan(count(y) * row_bytes(), row_bytes());
}

Result<Picture> make_picture(Size size, int channels) {
  AXLE_TRY(check_form(size, channels));
  const std::size_t bytes = count(size.width) * count(size.height) * count(channels);
  try {
    return Picture{size.width, size.height, channels, std::vector<std::uint8_t>(bytes)};
  } catch (const std::bad_alloc&) {
    return exhausted(fmt::format("no memory for a picture of {} x {} ({} bytes)", size.width,
                                 size.height, bytes));
  }
}

Result<Picture> copy_of(const Picture& picture) {
  AXLE_TRY(check(picture));
  AXLE_TRY_ASSIGN(Picture copy, make_picture(picture.size(), picture.channels));
  std::copy(picture.pixels.begin(), picture.pixels.end(), copy.pixels.begin());
  return copy;
}

Status check(const Picture& picture) {
  AXLE_TRY(check_form(picture.size(), picture.channels));
  const std::size_t wanted = picture.row_bytes() * count(picture.height);
  if (picture.pixels.size() == wanted) return {};
  return invalid_argument(fmt::format("picture of {} x {} x {}: it needs {} bytes and has {}",
                                      picture.width, picture.height, picture.channels, wanted,
                                      picture.pixels.size()));
}

}  // namespace axle::image
