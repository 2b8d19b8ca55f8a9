#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "base/result.h"
#include "image/picture.h"

namespace axle::image {

// The kinds of picture files that this room reads. (It writes all but GIF.)
enum class Kind : std::uint8_t { kPng, kJpeg, kWebp, kGif };

// "PNG", "JPEG", "WebP" or "GIF", for messages.
std::string_view kind_name(Kind kind);

// "image/png", "image/jpeg", "image/webp" or "image/gif".
std::string_view media_type(Kind kind);

// What `file` is by its first bytes; nothing where it is none of the kinds.
std::optional<Kind> sniff(std::span<const std::byte> file);

// What a picture from elsewhere may cost.
struct DecodeLimits {
  std::size_t max_bytes = std::size_t{64} << 20;  // Of the file.
  // Of the picture, as its header has it: 64 million are 192 MiB as RGB. At most kMaxPixels.
  std::int64_t max_pixels = 64'000'000;
};

// The picture in `file`, a whole PNG, JPEG, WebP or GIF, whose kind is told by its content.
//
// - 8 bits for each channel: 16-bit PNG is rounded. Palettes become RGB.
// - 4 channels where the file has alpha, a transparent colour, or a first frame smaller than its
//   canvas; 1 where it is grey without these; else 3.
// - Of several frames the first, on its canvas.
// - The orientation that EXIF tells (JPEG, WebP, PNG) is applied; one that cannot be read is not.
// - CMYK and YCCK become RGB by the plain formula; inverted where an Adobe marker is present.
// - Colour profiles and gamma are not applied.
//
// The limits are checked against the headers before memory for pixels is taken.
//
// Errors: kInvalidArgument  none of the four kinds; a limit is passed.
//         kCorrupt          the file breaks the rules of its kind, or ends too soon.
//         kUnsupported      a variant that is not read: JPEG of 12 bits or lossless.
//         kExhausted        no memory.
Result<Picture> decode(std::span<const std::byte> file, const DecodeLimits& limits = {});

}  // namespace axle::image
