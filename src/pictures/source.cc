#include "pictures/source.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <span>
#include <utility>
#include <vector>

#include "image/convert.h"
#include "image/data_uri.h"
#include "image/resize.h"

namespace axle::pictures {
namespace {

constexpr image::Colour kWhite{255, 255, 255, 255};
constexpr image::Colour kBlack{0, 0, 0, 255};
constexpr double kMaxBlur = 64.0;
constexpr image::Filter kFilter = image::Filter::kLanczos;

bool is_address(std::string_view text) {
  return text.starts_with("http://") || text.starts_with("https://");
}

// The whole picture within `size`, and around it its outermost rows or columns.
Result<image::Picture> fill_edges(const image::Picture& picture, image::Size size) {
  const double scale = std::min(static_cast<double>(size.width) / picture.width,
                                static_cast<double>(size.height) / picture.height);
  const auto side = [scale](int length, int most) {
    return std::clamp(static_cast<int>(std::lround(length * scale)), 1, most);
  };
  AXLE_TRY_ASSIGN(
      const image::Picture inner,
      image::resize(picture, {side(picture.width, size.width), side(picture.height, size.height)},
                    kFilter));
  AXLE_TRY_ASSIGN(image::Picture filled, image::make_picture(size, inner.channels));
  const int left = (size.width - inner.width) / 2;
  const int top = (size.height - inner.height) / 2;
  for (int y = 0; y < size.height; ++y) {
    const auto from = inner.row(std::clamp(y - top, 0, inner.height - 1));
    auto to = filled.row(y).begin();
    for (int x = 0; x < size.width; ++x) {
      const auto pixel = from.begin() + std::clamp(x - left, 0, inner.width - 1) * inner.channels;
      to = std::copy_n(pixel, inner.channels, to);
    }
  }
  return filled;
}

Result<image::Picture> fitted(const image::Picture& picture, image::Size size, SourceFit fit) {
  if (picture.size() == size) return picture;
  switch (fit) {
    case SourceFit::kStretch:
      return image::resize(picture, size, kFilter);
    case SourceFit::kCrop:
      return image::fit_cover(picture, size, kFilter);
    case SourceFit::kPadBlack:
      return image::fit_contain(picture, size, kFilter, kBlack);
    case SourceFit::kFillEdges:
      break;
  }
  return fill_edges(picture, size);
}

// 255 where the mask says that it is painted anew.
Result<image::Picture> painted_part(const image::Picture& mask, MaskAlpha alpha) {
  AXLE_TRY_ASSIGN(image::Picture grey, image::to_grey(mask));
  if (mask.channels != 4) return grey;
  bool uses_alpha = false;
  for (std::size_t i = 3; i < mask.pixels.size(); i += 4) uses_alpha |= mask.pixels[i] != 255;
  if (!uses_alpha) return grey;
  const bool opaque = alpha == MaskAlpha::kOpaqueIsPainted;
  for (std::size_t i = 0; i < grey.pixels.size(); ++i) {
    const std::uint8_t value = mask.pixels[i * 4 + 3];
    grey.pixels[i] = opaque ? value : static_cast<std::uint8_t>(255 - value);
  }
  return grey;
}

// Weights of a Gaussian up to two and a half sigma on both sides, which add up to 1.
std::vector<double> gaussian(double sigma) {
  const int reach = static_cast<int>(2.5 * sigma + 0.5);
  std::vector<double> weights;
  double sum = 0.0;
  for (int x = -reach; x <= reach; ++x) {
    weights.push_back(std::exp(-0.5 * x * x / (sigma * sigma)));
    sum += weights.back();
  }
  for (double& weight : weights) weight /= sum;
  return weights;
}

// Blurs lines of `length` numbers that are `step` apart, `lines` of them `line_step` apart; what
// lies outside of a line is like its ends.
void blur_lines(std::vector<std::uint8_t>& grey, int length, int step, int lines, int line_step,
                double sigma) {
  if (sigma <= 0.0) return;
  const std::vector<double> weights = gaussian(sigma);
  const int reach = static_cast<int>(weights.size()) / 2;
  std::vector<double> line(static_cast<std::size_t>(length));
  for (int n = 0; n < lines; ++n) {
    const auto at = [&](int i) -> std::uint8_t& {
      return grey[static_cast<std::size_t>(n * line_step + std::clamp(i, 0, length - 1) * step)];
    };
    for (int i = 0; i < length; ++i) {
      double sum = 0.0;
      for (int k = -reach; k <= reach; ++k)
        sum += weights[static_cast<std::size_t>(k + reach)] * at(i + k);
      line[static_cast<std::size_t>(i)] = sum;
    }
    for (int i = 0; i < length; ++i)
      at(i) = static_cast<std::uint8_t>(std::lround(line[static_cast<std::size_t>(i)]));
  }
}

}  // namespace

Result<std::string> source_file(std::string_view text, const SourceRules& rules) {
  if (!is_address(text)) return image::decode_picture_text(text, rules.limits.max_bytes);
  if (!rules.fetch) {
    return unsupported(
        "pictures are not fetched from addresses here (pictures.fetch is off); send the picture as "
        "base64 or as a data URI");
  }
  return rules.fetch(std::string(text));
}

Result<image::Picture> source_picture(std::string_view file, const SourceRules& rules) {
  AXLE_TRY_ASSIGN(image::Picture picture,
                  image::decode(std::as_bytes(std::span(file)), rules.limits));
  if (picture.channels != 1) return picture;
  return image::to_rgb(picture);
}

Result<image::Picture> fit_source(const image::Picture& picture, image::Size size, SourceFit fit) {
  AXLE_TRY_ASSIGN(const image::Picture flat, image::flatten(picture, kWhite));
  return fitted(flat, size, fit);
}

Result<image::Picture> fit_mask(const image::Picture& mask, image::Size size,
                                const MaskRules& rules) {
  if (!(rules.blur_x >= 0.0 && rules.blur_x <= kMaxBlur && rules.blur_y >= 0.0 &&
        rules.blur_y <= kMaxBlur)) {
    return invalid_argument(fmt::format("the blur of a mask: wanted 0 to {}, found {} and {}",
                                        kMaxBlur, rules.blur_x, rules.blur_y));
  }
  AXLE_TRY_ASSIGN(const image::Picture part, painted_part(mask, rules.alpha));
  AXLE_TRY_ASSIGN(image::Picture grey, fitted(part, size, rules.fit));
  if (rules.inverted) {
    for (std::uint8_t& value : grey.pixels) value = static_cast<std::uint8_t>(255 - value);
  }
  blur_lines(grey.pixels, grey.width, 1, grey.height, grey.width, rules.blur_x);
  blur_lines(grey.pixels, grey.height, grey.width, grey.width, 1, rules.blur_y);
  return grey;
}

Result<image::Picture> kept_part(const image::Picture& picture, const image::Picture& mask) {
  if (picture.channels != 3 || mask.channels != 1 || picture.size() != mask.size()) {
    return invalid_argument(fmt::format(
        "wanted 3 channels and a grey mask of the same size, found {}x{} of {} and {}x{} of {}",
        picture.width, picture.height, picture.channels, mask.width, mask.height, mask.channels));
  }
  AXLE_TRY_ASSIGN(image::Picture kept, image::make_picture(picture.size(), 4));
  for (std::size_t i = 0; i < mask.pixels.size(); ++i) {
    std::copy_n(picture.pixels.begin() + static_cast<std::ptrdiff_t>(i * 3), 3,
                kept.pixels.begin() + static_cast<std::ptrdiff_t>(i * 4));
    kept.pixels[i * 4 + 3] = static_cast<std::uint8_t>(255 - mask.pixels[i]);
  }
  return kept;
}

}  // namespace axle::pictures
