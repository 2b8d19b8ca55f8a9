#include "image/unicode.h"

namespace axle::image {
namespace {

constexpr char32_t kReplacement = 0xfffd;

// Takes the first character off `text`, which is not empty; one byte of what is no UTF-8.
char32_t take(std::string_view& text) {
  const auto byte = [&](std::size_t i) {
    return i < text.size() ? static_cast<unsigned char>(text[i]) : 0u;
  };
  const unsigned first = byte(0);
  const std::size_t length = first < 0x80   ? 1
                             : first < 0xc2 ? 0
                             : first < 0xe0 ? 2
                             : first < 0xf0 ? 3
                             : first < 0xf5 ? 4
                                            : 0;
  char32_t character = length < 2 ? first : first & (0xffu >> (length + 1));
  bool whole = length > 0 && first != 0;
  for (std::size_t i = 1; i < length; ++i) {
    whole = whole && (byte(i) & 0xc0u) == 0x80u;
    character = character << 6 | (byte(i) & 0x3fu);
  }
  const bool surrogate = character >= 0xd800 && character < 0xe000;
  const bool overlong = (length == 3 && character < 0x800) || (length == 4 && character < 0x10000);
  if (!whole || surrogate || overlong || character > 0x10ffff) {
    text.remove_prefix(1);
    return kReplacement;
  }
  text.remove_prefix(length);
  return character;
}

char byte_of(char32_t value) { return static_cast<char>(static_cast<unsigned char>(value)); }

void append_utf8(std::string& out, char32_t c) {
  if (c == 0) c = kReplacement;
  if (c < 0x80) {
    out += byte_of(c);
    return;
  }
  if (c < 0x800) {
    out += byte_of(0xc0 | c >> 6);
  } else if (c < 0x10000) {
    out += byte_of(0xe0 | c >> 12);
    out += byte_of(0x80 | (c >> 6 & 0x3f));
  } else {
    out += byte_of(0xf0 | c >> 18);
    out += byte_of(0x80 | (c >> 12 & 0x3f));
    out += byte_of(0x80 | (c >> 6 & 0x3f));
  }
  out += byte_of(0x80 | (c & 0x3f));
}

bool is_high_surrogate(char32_t unit) { return unit >= 0xd800 && unit < 0xdc00; }
bool is_low_surrogate(char32_t unit) { return unit >= 0xdc00 && unit < 0xe000; }

}  // namespace

std::string to_valid_utf8(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  while (!text.empty()) append_utf8(out, take(text));
  return out;
}

std::string utf16_to_utf8(std::span<const std::byte> text, Endian endian) {
  const auto unit = [&](std::size_t i) -> char32_t {
    const auto a = std::to_integer<char32_t>(text[2 * i]);
    const auto b = std::to_integer<char32_t>(text[2 * i + 1]);
    return endian == Endian::kBig ? a << 8 | b : b << 8 | a;
  };
  const std::size_t units = text.size() / 2;
  std::string out;
  for (std::size_t i = 0; i < units; ++i) {
    const char32_t first = unit(i);
    if (is_high_surrogate(first) && i + 1 < units && is_low_surrogate(unit(i + 1))) {
      append_utf8(out, 0x10000 + ((first - 0xd800) << 10) + (unit(i + 1) - 0xdc00));
      ++i;
    } else {
      append_utf8(out, is_high_surrogate(first) || is_low_surrogate(first) ? kReplacement : first);
    }
  }
  return out;
}

std::string utf8_to_utf16_big(std::string_view text) {
  std::string out;
  const auto append = [&](char32_t unit) {
    out += byte_of(unit >> 8);
    out += byte_of(unit & 0xff);
  };
  while (!text.empty()) {
    const char32_t c = take(text);
    if (c < 0x10000) {
      append(c);
    } else {
      append(0xd800 + ((c - 0x10000) >> 10));
      append(0xdc00 + ((c - 0x10000) & 0x3ff));
    }
  }
  return out;
}

std::string latin1_to_utf8(std::string_view text) {
  std::string out;
  for (const char c : text) append_utf8(out, static_cast<unsigned char>(c));
  return out;
}

std::optional<std::string> utf8_to_latin1(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    const char32_t c = take(text);
    if (c > 0xff) return std::nullopt;
    out += byte_of(c);
  }
  return out;
}

}  // namespace axle::image
