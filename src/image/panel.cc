#include "image/panel.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <utility>

#include "image/convert.h"
#include "image/dither.h"
#include "image/memory.h"

namespace axle::image {
namespace {

struct Form {
  int channels;
  int bits;  // Of a pixel.
  Levels levels;
};

Form form_of(PanelFormat format) {
  switch (format) {
    case PanelFormat::kRgb565BigEndian:
      return {3, 16, {32, 64, 32}};
    case PanelFormat::kMono:
      return {1, 1, {2}};
    case PanelFormat::kGrey4:
      return {1, 2, {4}};
    case PanelFormat::kGrey16:
      return {1, 4, {16}};
    case PanelFormat::kRgb888:
      break;
  }
  return {3, 24, {256, 256, 256}};
}

std::size_t row_bytes(int width, int bits) {
  return (static_cast<std::size_t>(width) * static_cast<unsigned>(bits) + 7) / 8;
}

void adjust(Picture& picture, const PanelOptions& options) {
  std::array<std::uint8_t, 256> table;
  for (std::size_t i = 0; i < table.size(); ++i) {
    const double value = std::pow(static_cast<double>(i) / 255.0, 1.0 / options.gamma);
    const auto level = static_cast<std::uint8_t>(std::lround(255.0 * value));
    table[i] = options.inverted ? static_cast<std::uint8_t>(255 - level) : level;
  }
  for (std::uint8_t& value : picture.pixels) value = table[value];
}

// Rows of level numbers to rows of bytes. REQUIRES: `target` has room for them, all 0.
void pack(const Picture& levels, PanelFormat format, int bits, char* target) {
  const std::size_t stride = row_bytes(levels.width, bits);
  for (int y = 0; y < levels.height; ++y, target += stride) {
    const std::uint8_t* source = levels.row(y).data();
    if (format == PanelFormat::kRgb565BigEndian) {
      for (int x = 0; x < levels.width; ++x, source += 3) {
        const int pixel = source[0] << 11 | source[1] << 5 | source[2];
        target[2 * x] = static_cast<char>(pixel >> 8);
        target[2 * x + 1] = static_cast<char>(pixel & 0xff);
      }
    } else {
      for (int x = 0; x < levels.width; ++x) {
        const int position = x * bits;
        char& byte = target[position / 8];
        byte = static_cast<char>(byte | source[x] << (8 - bits - position % 8));
      }
    }
  }
}

// As to_panel(), for what it has checked.
Result<std::string> convert(const Picture& picture, const PanelOptions& options) {
  const Form form = form_of(options.format);
  AXLE_TRY_ASSIGN(Picture values, form.channels == 1 ? to_grey(picture) : to_rgb(picture));
  adjust(values, options);
  std::string bytes(panel_bytes(picture.size(), options.format), '\0');
  if (options.format == PanelFormat::kRgb888) {
    std::copy(values.pixels.begin(), values.pixels.end(), bytes.begin());
    return bytes;
  }
  quantise(values, form.levels, options.dither);
  pack(values, options.format, form.bits, bytes.data());
  return bytes;
}

}  // namespace

std::size_t panel_bytes(Size size, PanelFormat format) {
  return row_bytes(size.width, form_of(format).bits) * static_cast<std::size_t>(size.height);
}

Result<std::string> to_panel(const Picture& picture, const PanelOptions& options) {
  AXLE_TRY(check(picture));
  if (picture.channels == 4) {
    return invalid_argument("a display has no alpha: flatten the picture first");
  }
  if (!(options.gamma >= 0.1 && options.gamma <= 10.0)) {
    return invalid_argument(fmt::format("gamma {}: wanted 0.1 to 10", options.gamma));
  }
  return or_exhausted([&] { return convert(picture, options); });
}

}  // namespace axle::image
