#include "image/testing/files.h"

#include <zlib.h>

#include "base/base64.h"
#include "base/file.h"
#include "image/testing/decode_vectors.h"

namespace axle::image::testing {
namespace {

std::string big_endian(unsigned long value) {
  std::string out;
  for (int shift = 24; shift >= 0; shift -= 8) out += static_cast<char>(value >> shift & 0xffu);
  return out;
}

}  // namespace

std::string vector_file(std::string_view name) {
  for (const DecodeVector& vector : kDecodeVectors) {
    if (vector.name == name) return *decode_base64(vector.base64);
  }
  AXLE_CHECK(false);
}

std::string pixel_hash(const Picture& picture) {
  return sha256_hex(std::as_bytes(std::span(picture.pixels)));
}

Picture noise_picture(Size size, int channels) {
  Picture picture = *make_picture(size, channels);
  std::uint32_t state = 1;
  for (std::uint8_t& value : picture.pixels) {
    state = state * 1664525u + 1013904223u;
    value = static_cast<std::uint8_t>(state >> 24);
  }
  return picture;
}

std::string replaced(std::string file, std::string_view from, std::string_view to) {
  const std::size_t at = file.find(from);
  AXLE_CHECK(at != std::string::npos && from.size() == to.size());
  return file.replace(at, from.size(), to);
}

std::string png_chunk(std::string_view name, std::string_view data) {
  const std::string body = std::string(name) + std::string(data);
  const auto* bytes = reinterpret_cast<const Bytef*>(body.data());
  return big_endian(data.size()) + body + big_endian(crc32_z(0, bytes, body.size()));
}

std::string zlib_packed(std::string_view text) {
  uLongf length = compressBound(text.size());
  std::string packed(length, '\0');
  const int code = compress(reinterpret_cast<Bytef*>(packed.data()), &length,
                            reinterpret_cast<const Bytef*>(text.data()), text.size());
  AXLE_CHECK(code == Z_OK);
  packed.resize(length);
  return packed;
}

}  // namespace axle::image::testing
