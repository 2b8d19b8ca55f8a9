#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "base/result.h"
#include "image/picture.h"

// Pictures as displays take them: bytes without any header, rows from top to bottom, pixels from
// left to right.
namespace axle::image {

// How a pixel is stored. Where pixels are smaller than a byte, the leftmost one is in the highest
// bits, and each row begins with a byte of its own; bits that are left over at its end are 0.
enum class PanelFormat : std::uint8_t {
  kRgb888,           // 3 bytes: red, green, blue.
  kRgb565BigEndian,  // 2 bytes: RRRRRGGG GGGBBBBB (ST7789, ILI9341 and their like).
  kMono,             // 1 bit: 0 black, 1 white.
  kGrey4,            // 2 bits: 0 black to 3 white.
  kGrey16,           // 4 bits: 0 black to 15 white.
};

// What becomes of what a level is too bright or too dark.
enum class Dither : std::uint8_t {
  kNone,            // Nothing: each pixel gets the level nearest to it.
  kFloydSteinberg,  // Given to the neighbours, in rows that run to and fro: best for pictures.
  kBayer8,          // Decided by a fixed pattern of 8 x 8: a pixel depends on no other, so that
                    // what stands still in a film does.
};

struct PanelOptions {
  PanelFormat format = PanelFormat::kRgb888;
  Dither dither = Dither::kNone;  // No effect on kRgb888.
  // Each value v of 0 to 1 becomes v^(1 / gamma) before all else: above 1 brighter, which the dull
  // white of e-paper wants (1.8 is usual), below 1 darker.
  double gamma = 1.0;     // 0.1 to 10.
  bool inverted = false;  // Light becomes dark, after gamma.
};

// Bytes that to_panel() gives for a picture of `size`. REQUIRES: a size that a picture can have.
std::size_t panel_bytes(Size size, PanelFormat format);

// The picture in the format of a display; colour becomes grey as in to_grey().
//
// Errors: kInvalidArgument  not a picture (check()); 4 channels (flatten() it first); a gamma that
//                           is out of its range.
//         kExhausted        no memory.
Result<std::string> to_panel(const Picture& picture, const PanelOptions& options);

}  // namespace axle::image
