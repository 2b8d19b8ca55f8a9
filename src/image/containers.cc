#include "image/containers.h"

#include <zlib.h>

#include <algorithm>

namespace axle::image {
namespace {

constexpr std::size_t kPngSignatureBytes = 8;
constexpr std::size_t kRiffHeaderBytes = 12;
constexpr std::string_view kExifHeader{"Exif\0\0", 6};

constexpr std::uint8_t kMarkerPrefix = 0xff;
constexpr std::uint8_t kStartOfScan = 0xda;
constexpr std::uint8_t kEndOfImage = 0xd9;
constexpr std::uint8_t kApp1 = 0xe1;

Bytes from(Bytes bytes, std::size_t offset) {
  return bytes.subspan(std::min(offset, bytes.size()));
}

std::uint32_t byte_at(Bytes bytes, std::size_t offset) {
  return std::to_integer<std::uint32_t>(bytes[offset]);
}

bool check_sum_is_right(Bytes name_and_data, std::uint32_t wanted) {
  const auto* bytes = reinterpret_cast<const Bytef*>(name_and_data.data());
  return crc32_z(0, bytes, name_and_data.size()) == wanted;
}

// Some writers put JPEG's header before the block in other files too.
Bytes without_exif_header(Bytes data) {
  return as_text(data).starts_with(kExifHeader) ? from(data, kExifHeader.size()) : data;
}

template <typename Chunks>
Bytes find_exif_chunk(Chunks chunks, std::string_view name) {
  while (const std::optional<Chunk> chunk = chunks.next()) {
    if (chunk->name == name) return without_exif_header(chunk->data);
  }
  return {};
}

Bytes find_exif_segment(Bytes file) {
  JpegSegments segments(file);
  while (const std::optional<Segment> segment = segments.next()) {
    const bool exif = segment->marker == kApp1 && as_text(segment->data).starts_with(kExifHeader);
    if (exif) return without_exif_header(segment->data);
  }
  return {};
}

}  // namespace

std::string_view as_text(Bytes bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

std::uint32_t read_u16_big(Bytes bytes, std::size_t offset) {
  return byte_at(bytes, offset) << 8 | byte_at(bytes, offset + 1);
}

std::uint32_t read_u32_big(Bytes bytes, std::size_t offset) {
  return read_u16_big(bytes, offset) << 16 | read_u16_big(bytes, offset + 2);
}

std::uint32_t read_u32_little(Bytes bytes, std::size_t offset) {
  return byte_at(bytes, offset) | byte_at(bytes, offset + 1) << 8 |
         byte_at(bytes, offset + 2) << 16 | byte_at(bytes, offset + 3) << 24;
}

PngChunks::PngChunks(Bytes file) : rest_(from(file, kPngSignatureBytes)) {}

std::optional<Chunk> PngChunks::next() {
  constexpr std::size_t kFrameBytes = 12;  // Length, name, check sum.
  while (rest_.size() >= kFrameBytes) {
    const std::size_t length = read_u32_big(rest_, 0);
    if (length > rest_.size() - kFrameBytes) break;
    const Bytes name_and_data = rest_.subspan(4, 4 + length);
    const Chunk chunk{as_text(name_and_data.first(4)), name_and_data.subspan(4)};
    const bool right =
        chunk.name == "IDAT" || check_sum_is_right(name_and_data, read_u32_big(rest_, 8 + length));
    rest_ = chunk.name == "IEND" ? Bytes{} : rest_.subspan(kFrameBytes + length);
    if (right) return chunk;
  }
  return std::nullopt;
}

RiffChunks::RiffChunks(Bytes file) : rest_(from(file, kRiffHeaderBytes)) {}

std::optional<Chunk> RiffChunks::next() {
  constexpr std::size_t kHeaderBytes = 8;  // Name, length.
  if (rest_.size() < kHeaderBytes) return std::nullopt;
  const std::size_t length = read_u32_little(rest_, 4);
  if (length > rest_.size() - kHeaderBytes) return std::nullopt;
  const Chunk chunk{as_text(rest_.first(4)), rest_.subspan(kHeaderBytes, length)};
  rest_ = from(rest_, kHeaderBytes + length + length % 2);
  return chunk;
}

JpegSegments::JpegSegments(Bytes file) : rest_(from(file, 2)) {}

std::optional<Segment> JpegSegments::next() {
  // Any number of fill bytes may stand before a marker.
  while (rest_.size() >= 2 && byte_at(rest_, 0) == kMarkerPrefix &&
         byte_at(rest_, 1) == kMarkerPrefix) {
    rest_ = rest_.subspan(1);
  }
  if (rest_.size() < 4 || byte_at(rest_, 0) != kMarkerPrefix) return std::nullopt;
  const auto marker = std::to_integer<std::uint8_t>(rest_[1]);
  if (marker == kStartOfScan || marker == kEndOfImage) return std::nullopt;
  const std::size_t length = read_u16_big(rest_, 2);  // Itself included.
  if (length < 2 || length > rest_.size() - 2) return std::nullopt;
  const Segment segment{marker, rest_.subspan(4, length - 2)};
  rest_ = rest_.subspan(2 + length);
  return segment;
}

Bytes find_exif(Kind kind, Bytes file) {
  switch (kind) {
    case Kind::kPng:
      return find_exif_chunk(PngChunks(file), "eXIf");
    case Kind::kWebp:
      return find_exif_chunk(RiffChunks(file), "EXIF");
    case Kind::kJpeg:
      return find_exif_segment(file);
    case Kind::kGif:
      break;
  }
  return {};
}

}  // namespace axle::image
