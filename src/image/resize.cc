#include "image/resize.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <utility>

#include "image/convert.h"
#include "image/memory.h"
#include "image/resample.h"

namespace axle::image {
namespace {

Box whole(const Picture& picture) {
  return {0, 0, static_cast<float>(picture.width), static_cast<float>(picture.height)};
}

bool is_whole_side(float begin, float end, int source, int target) {
  return begin == 0.0f && end == static_cast<float>(target) && source == target;
}

// Both passes, or the one that is needed; the first only for the rows that the second looks at.
Result<Picture> resample(const Picture& picture, const Box& box, Size size, Filter filter) {
  const bool rows_stay = is_whole_side(box.left, box.right, picture.width, size.width);
  const bool columns_stay = is_whole_side(box.top, box.bottom, picture.height, size.height);
  if (rows_stay && columns_stay) return copy_of(picture);
  const auto across = [&] {
    return make_taps(picture.width, box.left, box.right, size.width, filter);
  };
  if (columns_stay) return resample_rows(picture, across(), 0, picture.height);
  const Taps down = make_taps(picture.height, box.top, box.bottom, size.height, filter);
  if (rows_stay) return resample_columns(picture, down, 0);
  const int first = down.ranges.front().first;
  const int end = down.ranges.back().first + down.ranges.back().count;
  AXLE_TRY_ASSIGN(const Picture narrow, resample_rows(picture, across(), first, end - first));
  return resample_columns(narrow, down, first);
}

// As resize_box(), for what it has checked.
Result<Picture> resize_checked(const Picture& picture, const Box& box, Size size, Filter filter) {
  if (filter == Filter::kNearest) return sample_nearest(picture, box, size);
  const bool unchanged = is_whole_side(box.left, box.right, picture.width, size.width) &&
                         is_whole_side(box.top, box.bottom, picture.height, size.height);
  if (picture.channels != 4 || unchanged) return resample(picture, box, size, filter);
  AXLE_TRY_ASSIGN(Picture multiplied, copy_of(picture));
  premultiply(multiplied);
  AXLE_TRY_ASSIGN(Picture result, resample(multiplied, box, size, filter));
  unpremultiply(result);
  return result;
}

// The size in which a picture of `picture` fits into `size`; halves are rounded to even, as Python
// does it.
Size contained(Size picture, Size size) {
  const double ratio = static_cast<double>(picture.width) / picture.height;
  const double wanted = static_cast<double>(size.width) / size.height;
  const auto side = [](double exact) {
    return std::max(static_cast<int>(std::nearbyint(exact)), 1);
  };
  if (ratio > wanted) {
    const double inverse = static_cast<double>(picture.height) / picture.width;
    return {size.width, side(inverse * size.width)};
  }
  if (ratio < wanted) return {side(ratio * size.height), size.height};
  return size;
}

// A picture all of `colour`.
Result<Picture> filled(Size size, int channels, Colour colour) {
  const Picture pixel{1, 1, 3, {colour.red, colour.green, colour.blue}};
  std::vector<std::uint8_t> values = pixel.pixels;
  if (channels == 4) values.push_back(colour.alpha);
  if (channels == 1) {
    AXLE_TRY_ASSIGN(const Picture grey, to_grey(pixel));
    values = grey.pixels;
  }
  AXLE_TRY_ASSIGN(Picture result, make_picture(size, channels));
  for (std::size_t i = 0; i < result.pixels.size(); i += values.size()) {
    std::copy(values.begin(), values.end(), result.pixels.begin() + static_cast<std::ptrdiff_t>(i));
  }
  return result;
}

// Half of what is left over, rounded as Python does it.
int margin(int outer, int inner) { return static_cast<int>(std::nearbyint((outer - inner) * 0.5)); }

}  // namespace

Result<Picture> resize(const Picture& picture, Size size, Filter filter) {
  return resize_box(picture, whole(picture), size, filter);
}

Result<Picture> resize_box(const Picture& picture, const Box& box, Size size, Filter filter) {
  AXLE_TRY(check(picture));
  AXLE_TRY(check_size(size));
  const Box all = whole(picture);
  const bool inside = box.left >= 0 && box.top >= 0 && box.left < box.right &&
                      box.top < box.bottom && box.right <= all.right && box.bottom <= all.bottom;
  if (!inside) {
    return invalid_argument(
        fmt::format("box from ({}, {}) to ({}, {}): wanted a part of a picture "
                    "of {} x {}",
                    box.left, box.top, box.right, box.bottom, picture.width, picture.height));
  }
  return or_exhausted([&] { return resize_checked(picture, box, size, filter); });
}

Result<Picture> fit_cover(const Picture& picture, Size size, Filter filter) {
  AXLE_TRY(check(picture));
  AXLE_TRY(check_size(size));
  const double width = picture.width, height = picture.height;
  const double ratio = width / height;
  const double wanted = static_cast<double>(size.width) / size.height;
  const double cut_width = ratio > wanted ? wanted * height : width;
  const double cut_height = ratio < wanted ? width / wanted : height;
  const double left = (width - cut_width) * 0.5;
  const double top = (height - cut_height) * 0.5;
  const Box all = whole(picture);
  const Box box{static_cast<float>(left), static_cast<float>(top),
                std::min(static_cast<float>(left + cut_width), all.right),
                std::min(static_cast<float>(top + cut_height), all.bottom)};
  return resize_box(picture, box, size, filter);
}

Result<Picture> fit_contain(const Picture& picture, Size size, Filter filter, Colour background) {
  AXLE_TRY(check(picture));
  AXLE_TRY(check_size(size));
  const Size inner = contained(picture.size(), size);
  AXLE_TRY_ASSIGN(Picture resized, resize(picture, inner, filter));
  if (inner == size) return resized;
  AXLE_TRY_ASSIGN(Picture result, filled(size, picture.channels, background));
  const auto left = static_cast<std::size_t>(margin(size.width, inner.width) * picture.channels);
  const int top = margin(size.height, inner.height);
  for (int y = 0; y < inner.height; ++y) {
    std::ranges::copy(resized.row(y), result.row(top + y).subspan(left).begin());
  }
  return result;
}

}  // namespace axle::image
