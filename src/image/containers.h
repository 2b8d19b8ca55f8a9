#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "image/decode.h"

// Private to this room: walks the parts of picture files without decoding them. The readers stop
// at the first part that does not fit into the file.
namespace axle::image {

using Bytes = std::span<const std::byte>;

// The bytes as characters.
std::string_view as_text(Bytes bytes);

// A number of 2 or 4 bytes. REQUIRES: bytes.size() >= offset + 2 or 4.
std::uint32_t read_u16_big(Bytes bytes, std::size_t offset);
std::uint32_t read_u32_big(Bytes bytes, std::size_t offset);
std::uint32_t read_u32_little(Bytes bytes, std::size_t offset);

// A chunk of a PNG or WebP file.
struct Chunk {
  std::string_view name;  // 4 characters.
  Bytes data;
};

// The chunks of a PNG file in their order, IEND being the last. Chunks whose check sum is wrong
// are left out, as decoders do with those that they can do without; that of IDAT is the decoder's
// to look at.
// Source: PNG (third edition) 5.3.
class PngChunks {
 public:
  explicit PngChunks(Bytes file);
  std::optional<Chunk> next();

 private:
  Bytes rest_;
};

// The chunks of a RIFF file, which a WebP file is. Source: RFC 9649 2.3.
class RiffChunks {
 public:
  explicit RiffChunks(Bytes file);
  std::optional<Chunk> next();

 private:
  Bytes rest_;
};

// A segment of a JPEG file.
struct Segment {
  std::uint8_t marker = 0;  // Its second byte, e.g. 0xe1 for APP1.
  Bytes data;               // Without marker and length.
};

// The segments of a JPEG file up to its first scan. Source: ITU-T T.81 B.1.1.
class JpegSegments {
 public:
  explicit JpegSegments(Bytes file);
  std::optional<Segment> next();

 private:
  Bytes rest_;
};

// The comments of a GIF file. Source: GIF89a 12 to 26.
std::vector<std::string> gif_comments(Bytes file);

// The EXIF block of `file`, beginning with its TIFF header; empty where there is none.
Bytes find_exif(Kind kind, Bytes file);

}  // namespace axle::image
