#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

#include "image/picture.h"

namespace axle::image::testing {

inline std::span<const std::byte> bytes_of(std::string_view file) {
  return std::as_bytes(std::span(file));
}

// The file of the decode vector `name` (decode_vectors.h).
std::string vector_file(std::string_view name);

// Lower-case hexadecimal SHA-256 of the pixels.
std::string pixel_hash(const Picture& picture);

// Noise: the bits 31 to 24 of x = 1664525 x + 1013904223 (mod 2^32), from x = 1 on.
Picture noise_picture(Size size, int channels);

// `file` with its first `from` replaced by `to`, which is as long. REQUIRES: `from` is in it.
std::string replaced(std::string file, std::string_view from, std::string_view to);

// A PNG chunk with its length and check sum.
std::string png_chunk(std::string_view name, std::string_view data);

// `text` as a zlib stream.
std::string zlib_packed(std::string_view text);

}  // namespace axle::image::testing
