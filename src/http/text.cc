#include "http/text.h"

#include <cstdint>

namespace axle::http {

char to_lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  const char lower = to_lower(c);
  if (lower >= 'a' && lower <= 'f') return lower - 'a' + 10;
  return -1;
}

bool is_token_char(char c) {
  const char lower = to_lower(c);
  if ((lower >= 'a' && lower <= 'z') || (c >= '0' && c <= '9')) return true;
  return c != '\0' && std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
}

bool is_token(std::string_view text) {
  for (const char c : text) {
    if (!is_token_char(c)) return false;
  }
  return !text.empty();
}

bool is_field_value(std::string_view text) {
  return text.find_first_of(std::string_view("\r\n\0", 3)) == std::string_view::npos;
}

std::string_view trim(std::string_view text) {
  const std::size_t first = text.find_first_not_of(" \t");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

std::vector<std::string_view> split_list(std::string_view text) {
  std::vector<std::string_view> parts;
  while (!text.empty()) {
    const std::size_t comma = text.find(',');
    const std::string_view part = trim(text.substr(0, comma));
    if (!part.empty()) parts.push_back(part);
    if (comma == std::string_view::npos) break;
    text.remove_prefix(comma + 1);
  }
  return parts;
}

namespace {

struct Utf8Form {
  std::size_t length;
  std::uint32_t minimum;  // Smaller values would be an overlong form.
  std::uint32_t bits;     // The first byte's share of the value.
};

Utf8Form utf8_form(std::uint8_t first) {
  if (first < 0x80) return {1, 0, first};
  if (first >= 0xc2 && first < 0xe0) return {2, 0x80, first & 0x1fu};
  if (first >= 0xe0 && first < 0xf0) return {3, 0x800, first & 0x0fu};
  if (first >= 0xf0 && first < 0xf5) return {4, 0x10000, first & 0x07u};
  return {0, 0, 0};
}

}  // namespace

std::size_t utf8_length(std::string_view text, std::size_t offset) {
  if (offset >= text.size()) return 0;
  const Utf8Form form = utf8_form(static_cast<std::uint8_t>(text[offset]));
  if (form.length == 0 || text.size() - offset < form.length) return 0;
  std::uint32_t value = form.bits;
  for (std::size_t i = 1; i < form.length; ++i) {
    const auto next = static_cast<std::uint8_t>(text[offset + i]);
    if ((next & 0xc0) != 0x80) return 0;
    value = (value << 6) | (next & 0x3fu);
  }
  const bool surrogate = value >= 0xd800 && value <= 0xdfff;
  return value < form.minimum || value > 0x10ffff || surrogate ? 0 : form.length;
}

}  // namespace axle::http
