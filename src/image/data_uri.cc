#include "image/data_uri.h"

#include <algorithm>

#include "base/base64.h"

namespace axle::image {
namespace {

bool is_blank(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

bool starts_with_ignoring_case(std::string_view text, std::string_view prefix) {
  return text.size() >= prefix.size() &&
         std::equal(prefix.begin(), prefix.end(), text.begin(),
                    [](char wanted, char found) { return wanted == lower(found); });
}

// What follows the comma of a data URI; the whole text where it is none.
Result<std::string_view> base64_part(std::string_view text) {
  if (!starts_with_ignoring_case(text, "data:")) return text;
  const std::size_t comma = text.find(',');
  if (comma == std::string_view::npos) return invalid_argument("data URI without a comma");
  constexpr std::string_view kBase64 = ";base64";
  const std::string_view head = text.substr(0, comma);
  const std::size_t at = head.size() - std::min(kBase64.size(), head.size());
  if (!starts_with_ignoring_case(head.substr(at), kBase64)) {
    return invalid_argument("data URI: wanted one that ends in \";base64\" before its comma");
  }
  return text.substr(comma + 1);
}

}  // namespace

Result<std::string> decode_picture_text(std::string_view text, std::size_t limit_bytes) {
  while (!text.empty() && is_blank(text.front())) text.remove_prefix(1);
  AXLE_TRY_ASSIGN(const std::string_view part, base64_part(text));
  AXLE_TRY_ASSIGN(std::string bytes, decode_base64(part, limit_bytes));
  if (bytes.empty()) return invalid_argument("a picture of no bytes");
  return bytes;
}

}  // namespace axle::image
