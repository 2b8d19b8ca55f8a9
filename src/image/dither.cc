#include "image/dither.h"

#include <algorithm>
#include <cstddef>
#include <vector>

namespace axle::image {
namespace {

std::size_t count(int a) { return static_cast<std::size_t>(a); }

void take_nearest(Picture& picture, const Levels& levels) {
  const std::size_t channels = count(picture.channels);
  for (std::size_t i = 0; i < picture.pixels.size(); ++i) {
    const int steps = levels[i % channels] - 1;
    picture.pixels[i] = static_cast<std::uint8_t>((picture.pixels[i] * steps + 127) / 255);
  }
}

// The place of (x, y) in the order of Bayer's pattern, 0 to 63: the bits of x ^ y and of y, the
// lowest ones first, in turns.
int bayer(int x, int y) {
  int place = 0;
  for (int bit = 0; bit < 3; ++bit) {
    place = place << 2 | ((x ^ y) >> bit & 1) << 1 | (y >> bit & 1);
  }
  return place;
}

void apply_pattern(Picture& picture, const Levels& levels) {
  for (int y = 0; y < picture.height; ++y) {
    std::uint8_t* value = picture.row(y).data();
    for (int x = 0; x < picture.width; ++x) {
      // The part of a step above which this pixel takes the next level, in 128ths: 1, 3, ... 127.
      const int threshold = 2 * bayer(x & 7, y & 7) + 1;
      for (int c = 0; c < picture.channels; ++c, ++value) {
        const int scaled = *value * (levels[count(c)] - 1);
        const int above = scaled % 255 * 128 > threshold * 255 ? 1 : 0;
        *value = static_cast<std::uint8_t>(scaled / 255 + above);
      }
    }
  }
}

// One channel. Values and errors are counted in units of 1/16 of 1/255 of a step, so that all is
// exact; what a division leaves over goes to the last neighbour.
void diffuse(Picture& picture, int channel, int levels) {
  constexpr int kStep = 255 * 16;
  const int width = picture.width;
  // Errors for this row and the next, with a place beyond either end.
  std::vector<int> current(count(width) + 2), next(count(width) + 2);
  for (int y = 0; y < picture.height; ++y) {
    std::uint8_t* row = picture.row(y).data();
    const int direction = y % 2 == 0 ? 1 : -1;
    std::fill(next.begin(), next.end(), 0);
    for (int i = 0; i < width; ++i) {
      const int x = direction > 0 ? i : width - 1 - i;
      std::uint8_t& value = row[x * picture.channels + channel];
      const int wanted = value * (levels - 1) * 16 + current[count(x + 1)];
      const int level = std::clamp((wanted + kStep / 2) / kStep, 0, levels - 1);
      const int error = wanted - level * kStep;
      const int ahead = error * 7 / 16, back_below = error * 3 / 16, below = error * 5 / 16;
      current[count(x + 1 + direction)] += ahead;
      next[count(x + 1 - direction)] += back_below;
      next[count(x + 1)] += below;
      next[count(x + 1 + direction)] += error - ahead - back_below - below;
      value = static_cast<std::uint8_t>(level);
    }
    std::swap(current, next);
  }
}

}  // namespace

void quantise(Picture& picture, const Levels& levels, Dither dither) {
  switch (dither) {
    case Dither::kNone:
      return take_nearest(picture, levels);
    case Dither::kBayer8:
      return apply_pattern(picture, levels);
    case Dither::kFloydSteinberg:
      for (int c = 0; c < picture.channels; ++c) diffuse(picture, c, levels[count(c)]);
  }
}

}  // namespace axle::image
