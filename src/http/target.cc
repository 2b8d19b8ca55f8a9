#include "http/target.h"

#include <algorithm>
#include <optional>

#include "http/text.h"

namespace axle::http {

namespace {

// The byte that "%XY" at `offset` stands for; nothing where there is no whole escape.
std::optional<char> escaped_byte(std::string_view text, std::size_t offset) {
  if (text.size() - offset < 3) return std::nullopt;
  const int high = hex_value(text[offset + 1]);
  const int low = hex_value(text[offset + 2]);
  if (high < 0 || low < 0) return std::nullopt;
  return static_cast<char>(high * 16 + low);
}

Result<std::string> decode_segment(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    char c = text[i];
    if (c == '%') {
      const std::optional<char> byte = escaped_byte(text, i);
      if (!byte) {
        return invalid_argument("the path has a '%' that is not followed by two hex digits");
      }
      c = *byte;
      i += 2;
    }
    const auto byte = static_cast<unsigned char>(c);  // arm64: a char has no sign.
    if (byte < 0x20 || byte == 0x7f) {
      return invalid_argument("the path has a control character");
    }
    out += c;
  }
  if (out == "." || out == "..") return invalid_argument("the path has a '.' or '..' segment");
  return out;
}

std::string decode_query(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    std::optional<char> byte;
    if (text[i] == '%') byte = escaped_byte(text, i);
    if (byte) i += 2;
    out += byte ? *byte : text[i] == '+' ? ' ' : text[i];
  }
  return out;
}

std::map<std::string, std::string> parse_query(std::string_view text) {
  std::map<std::string, std::string> query;
  while (!text.empty()) {
    const std::size_t end = text.find('&');
    const std::string_view pair = text.substr(0, end);
    const std::size_t equals = pair.find('=');
    const std::string_view value =
        equals == std::string_view::npos ? std::string_view() : pair.substr(equals + 1);
    if (!pair.empty()) query.emplace(decode_query(pair.substr(0, equals)), decode_query(value));
    if (end == std::string_view::npos) break;
    text.remove_prefix(end + 1);
  }
  return query;
}

// "http://host/path?x" -> "/path?x".
std::string_view without_authority(std::string_view target) {
  for (const std::string_view scheme : {"http://", "https://"}) {
    if (!target.starts_with(scheme)) continue;
    target.remove_prefix(scheme.size());
    const std::size_t end = target.find_first_of("/?");
    return end == std::string_view::npos ? "/" : target.substr(end);
  }
  return target;
}

}  // namespace

Result<Target> parse_target(std::string_view target) {
  Target result;
  result.path = "/";
  if (target == "*") return result;
  const std::string_view local = without_authority(target);
  if (!local.starts_with('/') && !local.starts_with('?')) {
    return invalid_argument("the request target must start with '/'");
  }
  const std::size_t question = local.find('?');
  std::string_view path = local.substr(0, std::min(question, local.find('#')));
  if (question != std::string_view::npos) {
    const std::string_view query = local.substr(question + 1);
    result.query = parse_query(query.substr(0, query.find('#')));
  }
  while (!path.empty()) {
    const std::size_t slash = path.find('/');
    if (slash != 0) {
      AXLE_TRY_ASSIGN(std::string segment, decode_segment(path.substr(0, slash)));
      if (!result.segments.empty()) result.path += '/';
      result.path += segment;
      result.segments.push_back(std::move(segment));
    }
    if (slash == std::string_view::npos) break;
    path.remove_prefix(slash + 1);
  }
  return result;
}

}  // namespace axle::http
