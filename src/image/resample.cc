#include "image/resample.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <numbers>
#include <utility>

// Compiled without contraction of multiplications and additions (CMakeLists.txt): the coefficients
// are rounded, and on some processors the contracted ones would round otherwise.
namespace axle::image {
namespace {

// Bits behind the point: 32 less 8 for the pixel and 2 for the sign and filters above 1.
constexpr int kPrecisionBits = 32 - 8 - 2;
constexpr std::int32_t kHalf = std::int32_t{1} << (kPrecisionBits - 1);

double sinc(double x) {
  if (x == 0.0) return 1.0;
  x *= std::numbers::pi;
  return std::sin(x) / x;
}

double box_filter(double x) { return x > -0.5 && x <= 0.5 ? 1.0 : 0.0; }

double bilinear_filter(double x) {
  x = std::fabs(x);
  return x < 1.0 ? 1.0 - x : 0.0;
}

double hamming_filter(double x) {
  x = std::fabs(x);
  if (x == 0.0) return 1.0;
  if (x >= 1.0) return 0.0;
  x *= std::numbers::pi;
  return std::sin(x) / x * (0.54 + 0.46 * std::cos(x));
}

// Keys' cubic with a = -0.5.
double bicubic_filter(double x) {
  constexpr double kA = -0.5;
  x = std::fabs(x);
  if (x < 1.0) return ((kA + 2.0) * x - (kA + 3.0)) * x * x + 1.0;
  if (x < 2.0) return (((x - 5.0) * x + 8.0) * x - 4.0) * kA;
  return 0.0;
}

double lanczos_filter(double x) { return x >= -3.0 && x < 3.0 ? sinc(x) * sinc(x / 3.0) : 0.0; }

struct FilterShape {
  double (*weight)(double);
  double support;  // Pixels to each side at scale 1.
};

FilterShape shape_of(Filter filter) {
  switch (filter) {
    case Filter::kBilinear:
      return {bilinear_filter, 1.0};
    case Filter::kHamming:
      return {hamming_filter, 1.0};
    case Filter::kBicubic:
      return {bicubic_filter, 2.0};
    case Filter::kLanczos:
      return {lanczos_filter, 3.0};
    case Filter::kNearest:
    case Filter::kBox:
      break;
  }
  return {box_filter, 0.5};
}

std::size_t count(int a) { return static_cast<std::size_t>(a); }

std::int32_t fixed_point(double weight) {
  const double scaled = weight * (1 << kPrecisionBits);
  return static_cast<std::int32_t>(weight < 0 ? scaled - 0.5 : scaled + 0.5);
}

std::uint8_t to_pixel(std::int32_t sum) {
  return static_cast<std::uint8_t>(std::clamp(sum >> kPrecisionBits, 0, 255));
}

template <std::size_t kChannels>
void resample_row(const std::uint8_t* source, const Taps& taps, std::uint8_t* target) {
  for (std::size_t x = 0; x < taps.ranges.size(); ++x, target += kChannels) {
    const Taps::Range range = taps.ranges[x];
    const std::int32_t* weight = taps.weights.data() + x * count(taps.stride);
    const std::uint8_t* pixel = source + count(range.first) * kChannels;
    std::array<std::int32_t, kChannels> sums;
    sums.fill(kHalf);
    for (int i = 0; i < range.count; ++i, pixel += kChannels) {
      for (std::size_t c = 0; c < kChannels; ++c) sums[c] += pixel[c] * weight[i];
    }
    for (std::size_t c = 0; c < kChannels; ++c) target[c] = to_pixel(sums[c]);
  }
}

// The source pixel for each target pixel of a side. The position is summed up, as Pillow does it.
std::vector<int> nearest_of(int source, float begin, float end, int target) {
  const double step = static_cast<double>(end - begin) / target;
  double position = static_cast<double>(begin) + step * 0.5;
  std::vector<int> pixels;
  pixels.reserve(count(target));
  for (int i = 0; i < target; ++i, position += step) {
    pixels.push_back(std::clamp(static_cast<int>(position), 0, source - 1));
  }
  return pixels;
}

}  // namespace

Taps make_taps(int source, float begin, float end, int target, Filter filter) {
  const FilterShape shape = shape_of(filter);
  const double scale = static_cast<double>(end - begin) / target;
  const double filter_scale = std::max(scale, 1.0);
  const double support = shape.support * filter_scale;
  Taps taps;
  taps.stride = static_cast<int>(std::ceil(support)) * 2 + 1;
  taps.ranges.resize(count(target));
  taps.weights.resize(count(target) * count(taps.stride));
  std::vector<double> weights(count(taps.stride));
  for (int i = 0; i < target; ++i) {
    const double centre = static_cast<double>(begin) + (i + 0.5) * scale;
    const int first = std::max(static_cast<int>(centre - support + 0.5), 0);
    const int last = std::min(static_cast<int>(centre + support + 0.5), source);
    double sum = 0.0;
    for (int j = first; j < last; ++j) {
      const double weight = shape.weight((j - centre + 0.5) * (1.0 / filter_scale));
      weights[count(j - first)] = weight;
      sum += weight;
    }
    std::int32_t* out = taps.weights.data() + count(i) * count(taps.stride);
    for (int j = 0; j < last - first; ++j) {
      const double weight = weights[count(j)];
      out[j] = fixed_point(sum != 0.0 ? weight / sum : weight);
    }
    taps.ranges[count(i)] = {first, last - first};
  }
  return taps;
}

Result<Picture> resample_rows(const Picture& picture, const Taps& taps, int first, int rows) {
  const int width = static_cast<int>(taps.ranges.size());
  AXLE_TRY_ASSIGN(Picture result, make_picture({width, rows}, picture.channels));
  for (int y = 0; y < rows; ++y) {
    const std::uint8_t* source = picture.row(first + y).data();
    std::uint8_t* target = result.row(y).data();
    if (picture.channels == 1) resample_row<1>(source, taps, target);
    if (picture.channels == 3) resample_row<3>(source, taps, target);
    if (picture.channels == 4) resample_row<4>(source, taps, target);
  }
  return result;
}

Result<Picture> resample_columns(const Picture& picture, const Taps& taps, int first) {
  const int height = static_cast<int>(taps.ranges.size());
  AXLE_TRY_ASSIGN(Picture result, make_picture({picture.width, height}, picture.channels));
  std::vector<std::int32_t> sums(picture.row_bytes());
  for (int y = 0; y < height; ++y) {
    const Taps::Range range = taps.ranges[count(y)];
    const std::int32_t* weights = taps.weights.data() + count(y) * count(taps.stride);
    std::fill(sums.begin(), sums.end(), kHalf);
    for (int i = 0; i < range.count; ++i) {
      const std::uint8_t* source = picture.row(range.first - first + i).data();
      const std::int32_t weight = weights[i];
      for (std::size_t x = 0; x < sums.size(); ++x) sums[x] += source[x] * weight;
    }
    std::transform(sums.begin(), sums.end(), result.row(y).begin(), to_pixel);
  }
  return result;
}

Result<Picture> sample_nearest(const Picture& picture, const Box& box, Size size) {
  AXLE_TRY_ASSIGN(Picture result, make_picture(size, picture.channels));
  const std::vector<int> columns = nearest_of(picture.width, box.left, box.right, size.width);
  const std::vector<int> rows = nearest_of(picture.height, box.top, box.bottom, size.height);
  std::uint8_t* target = result.pixels.data();
  for (const int y : rows) {
    const std::uint8_t* source = picture.row(y).data();
    for (const int x : columns) {
      target = std::copy_n(source + x * picture.channels, picture.channels, target);
    }
  }
  return result;
}

void premultiply(Picture& picture) {
  for (std::size_t i = 0; i + 3 < picture.pixels.size(); i += 4) {
    for (std::size_t c = i; c < i + 3; ++c) {
      const unsigned product = picture.pixels[c] * unsigned{picture.pixels[i + 3]} + 128;
      picture.pixels[c] = static_cast<std::uint8_t>(((product >> 8) + product) >> 8);
    }
  }
}

void unpremultiply(Picture& picture) {
  for (std::size_t i = 0; i + 3 < picture.pixels.size(); i += 4) {
    const unsigned alpha = picture.pixels[i + 3];
    if (alpha == 0 || alpha == 255) continue;
    for (std::size_t c = i; c < i + 3; ++c) {
      picture.pixels[c] =
          static_cast<std::uint8_t>(std::min(255u * picture.pixels[c] / alpha, 255u));
    }
  }
}

}  // namespace axle::image
