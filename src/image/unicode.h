#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

// Private to this room: the encodings that text in picture files has. What cannot be read becomes
// U+FFFD, and so does NUL, which ends texts in these files.
//
// Source: RFC 3629 (UTF-8), RFC 2781 (UTF-16).
namespace axle::image {

enum class Endian : std::uint8_t { kBig, kLittle };

// `text` with everything that is not well-formed UTF-8, and NUL, replaced.
std::string to_valid_utf8(std::string_view text);

std::string utf16_to_utf8(std::span<const std::byte> text, Endian endian);
std::string utf8_to_utf16_big(std::string_view text);

std::string latin1_to_utf8(std::string_view text);
// Nothing where a character has no place in Latin-1.
std::optional<std::string> utf8_to_latin1(std::string_view text);

}  // namespace axle::image
