#include "text/byte_level.h"

#include <array>

namespace axle::text {
namespace {

constexpr std::size_t kBytes = 256;

std::string utf8(unsigned point) {
  if (point < 0x80) return {static_cast<char>(point)};
  return {static_cast<char>(0xc0 | point >> 6), static_cast<char>(0x80 | (point & 0x3f))};
}

std::array<std::string, kBytes> make_characters() {
  std::array<std::string, kBytes> characters;
  unsigned next = kBytes;
  for (unsigned byte = 0; byte < kBytes; ++byte) {
    characters[byte] = utf8(is_own_character(static_cast<unsigned char>(byte)) ? byte : next++);
  }
  return characters;
}

}  // namespace

std::string byte_level(std::string_view bytes) {
  static const std::array<std::string, kBytes> characters = make_characters();
  std::string text;
  for (const char byte : bytes) text += characters[static_cast<unsigned char>(byte)];
  return text;
}

bool is_own_character(unsigned char byte) {
  return (byte >= 33 && byte <= 126) || (byte >= 161 && byte <= 172) || byte >= 174;
}

}  // namespace axle::text
