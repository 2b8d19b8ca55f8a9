#pragma once

#include <cstdint>
#include <vector>

#include "image/picture.h"
#include "image/resize.h"

// Private to this room: the arithmetic of resize.h.
namespace axle::image {

// For one side: which pixels of the source each pixel of the target is made of, and how much of
// each.
struct Taps {
  struct Range {
    int first = 0;  // Pixel of the source.
    int count = 0;
  };
  std::vector<Range> ranges;          // [target]
  std::vector<std::int32_t> weights;  // [target, stride], in units of 2^-22.
  int stride = 0;                     // The most weights that a pixel can have.
};

// Taps for the part [begin, end) of a side of `source` pixels that becomes `target` pixels.
// REQUIRES: 0 <= begin < end <= source, 1 <= target, a filter other than kNearest.
Taps make_taps(int source, float begin, float end, int target, Filter filter);

// `rows` rows of the picture from `first` on, each resampled to the width that `taps` have.
Result<Picture> resample_rows(const Picture& picture, const Taps& taps, int first, int rows);

// Columns of the picture resampled to the height that `taps` have; their ranges count from row
// `first`, which is the first that the picture has.
Result<Picture> resample_columns(const Picture& picture, const Taps& taps, int first);

// The part `box` of the picture, each target pixel being the source pixel around its middle.
Result<Picture> sample_nearest(const Picture& picture, const Box& box, Size size);

// The picture with its colours multiplied by alpha, and back. REQUIRES: 4 channels.
void premultiply(Picture& picture);
void unpremultiply(Picture& picture);

}  // namespace axle::image
