#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>

// Private to this room: the two fields of EXIF that matter here. Every function takes any bytes.
//
// Source: EXIF 2.32 (CIPA DC-008-2019) 4.5 and 4.6, TIFF 6.0 section 2.
namespace axle::image {

// Tag 0x0112 of an EXIF block (which begins with its TIFF header): 1 to 8, and 1 where there is
// none or the block cannot be read.
int exif_orientation(std::span<const std::byte> tiff);

// Tag 0x9286 (UserComment) of an EXIF block as UTF-8; nothing where there is none, it is empty or
// the block cannot be read. Its byte order is not told by the standard and differs between writers:
// a byte order mark decides, else the order that gives more characters below U+0100, else big
// endian, which is what piexif and with it A1111 writes.
std::optional<std::string> exif_user_comment(std::span<const std::byte> tiff);

// An EXIF block that holds `text` (UTF-8) as UserComment and nothing else, byte for byte as
// piexif 1.1.3 writes it: big-endian TIFF, "UNICODE", UTF-16 big endian.
std::string make_exif(std::string_view text);

}  // namespace axle::image
