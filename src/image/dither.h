#pragma once

#include <array>

#include "image/panel.h"
#include "image/picture.h"

// Private to this room: fewer levels for the values of a picture.
namespace axle::image {

// How many levels each channel has, 2 to 256; level i of n stands for the value 255 i / (n - 1).
using Levels = std::array<int, 3>;

// Replaces each value by the number of its level. REQUIRES: 1 or 3 channels.
//
// Sources: R. W. Floyd, L. Steinberg, An Adaptive Algorithm for Spatial Greyscale, 1976;
// B. E. Bayer, An optimum method for two-level rendition of continuous-tone pictures, 1973.
void quantise(Picture& picture, const Levels& levels, Dither dither);

}  // namespace axle::image
