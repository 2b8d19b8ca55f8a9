#include "base/toml_text.h"

#include <fmt/format.h>

#include <algorithm>

namespace axle {
namespace {

bool is_ascii(char c) { return static_cast<unsigned char>(c) < 0x80; }

// The end of the string that begins at `start` with a quote; the end of the text or of the line
// where it is not closed: the parser will say so.
std::size_t end_of_string(std::string_view text, std::size_t start) {
  const char quote = text[start];
  const bool has_escapes = quote == '"';
  const std::string_view three = text.substr(start, 3);
  const bool long_form = three.size() == 3 && three[1] == quote && three[2] == quote;
  const std::size_t width = long_form ? 3 : 1;
  for (std::size_t at = start + width; at < text.size(); ++at) {
    if (has_escapes && text[at] == '\\') {
      ++at;
    } else if (text[at] == '\n' && !long_form) {
      return at;
    } else if (text.substr(at, width) == text.substr(start, width)) {
      return at + width;
    }
  }
  return text.size();
}

}  // namespace

Status check_toml_text(std::string_view text) {
  for (std::size_t at = text.starts_with("\xEF\xBB\xBF") ? 3 : 0; at < text.size();) {
    const char c = text[at];
    if (c == '#') {
      at = std::min(text.find('\n', at), text.size());
    } else if (c == '"' || c == '\'') {
      at = end_of_string(text, at);
    } else if (is_ascii(c)) {
      ++at;
    } else {
      const auto line =
          1 + std::count(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(at), '\n');
      return invalid_argument(fmt::format(
          "line {}: a character other than ASCII outside of quotes; put the value in quotes",
          line));
    }
  }
  return {};
}

}  // namespace axle
