#pragma once

#include <cstddef>
#include <span>
#include <string_view>

#include "base/result.h"
#include "image/decode.h"
#include "image/picture.h"

// Private to this room: what decode() is made of. Each decoder gets a file of its kind that is not
// above the limit on bytes, and gives the picture as it is stored, without orientation. Errors as
// decode().
namespace axle::image {

Result<Picture> decode_png(std::span<const std::byte> file, const DecodeLimits& limits);
Result<Picture> decode_jpeg(std::span<const std::byte> file, const DecodeLimits& limits);
Result<Picture> decode_webp(std::span<const std::byte> file, const DecodeLimits& limits);
Result<Picture> decode_gif(std::span<const std::byte> file, const DecodeLimits& limits);

// Memory for the picture that a header of `kind` promises, if the limits allow it.
Result<Picture> make_decoded(Kind kind, Size size, int channels, const DecodeLimits& limits);

// `picture` turned and mirrored as `orientation` (1 to 8; others change nothing) says.
// Source: EXIF 2.32, tag 0x0112 (Orientation).
Result<Picture> apply_orientation(Picture picture, int orientation);

}  // namespace axle::image
