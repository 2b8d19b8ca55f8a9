#include "api/automatic1111/tolerant_reader.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>

namespace axle::api::automatic1111 {
namespace {

namespace json = boost::json;

constexpr std::size_t kMaxDepth = 64;  // Of nested arrays and objects in a body.
// Seeds are kept exactly up to here, which a double can hold.
constexpr double kMaxSeed = 9007199254740991.0;

std::string_view kind_of(const json::value& value) {
  if (value.is_bool()) return "a boolean";
  if (value.is_number()) return "a number";
  if (value.is_string()) return "a text";
  return value.is_array() ? "a list" : "an object";
}

std::optional<double> parse_number(std::string_view text) {
  double number = 0;
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), number);
  if (parsed.ec != std::errc() || parsed.ptr != text.data() + text.size()) return std::nullopt;
  return std::isfinite(number) ? std::optional(number) : std::nullopt;
}

}  // namespace

Result<json::object> parse_object(std::string_view body) {
  if (body.find_first_not_of(" \t\r\n") == std::string_view::npos) return json::object();
  boost::system::error_code error;
  json::parse_options options;
  options.max_depth = kMaxDepth;
  json::value root = json::parse(json::string_view(body.data(), body.size()), error, {}, options);
  if (error) {
    return invalid_argument(fmt::format("the body is not valid JSON: {}", error.message()));
  }
  if (!root.is_object()) {
    return invalid_argument(fmt::format("the body must be a JSON object, found {}",
                                        root.is_null() ? "null" : std::string(kind_of(root))));
  }
  return std::move(root.get_object());
}

const json::value* TolerantReader::find(std::string_view name) const {
  const json::value* value = object_.if_contains(json::string_view(name.data(), name.size()));
  return value == nullptr || value->is_null() ? nullptr : value;
}

void TolerantReader::note_kind(std::string_view name, const json::value& value,
                               std::string_view wanted) {
  note(fmt::format("{}: {} asked, ignored: wanted {}", name, kind_of(value), wanted));
}

std::optional<double> TolerantReader::any_number(std::string_view name) {
  const json::value* value = find(name);
  if (value == nullptr) return std::nullopt;
  if (value->is_number()) return value->to_number<double>();
  if (value->is_string()) {
    if (value->get_string().empty()) return std::nullopt;
    const json::string& text = value->get_string();
    if (const auto number = parse_number({text.data(), text.size()})) return number;
  }
  note_kind(name, *value, "a number");
  return std::nullopt;
}

std::optional<double> TolerantReader::number(std::string_view name, Bounds bounds) {
  const std::optional<double> asked = any_number(name);
  if (!asked) return std::nullopt;
  const double done = std::clamp(*asked, bounds.low, bounds.high);
  if (done != *asked) {
    note(fmt::format("{}: {} asked, {} done: at {} {}", name, *asked, done,
                     done < *asked ? "most" : "least", done));
  }
  return done;
}

std::optional<std::int64_t> TolerantReader::integer(std::string_view name, Bounds bounds) {
  const std::optional<double> done = number(name, bounds);
  if (!done) return std::nullopt;
  const double whole = std::trunc(*done);
  if (whole != *done) note(fmt::format("{}: {} asked, {} done: whole numbers", name, *done, whole));
  return static_cast<std::int64_t>(whole);
}

std::optional<std::int64_t> TolerantReader::seed(std::string_view name) {
  std::optional<double> asked = any_number(name);
  if (!asked) return std::nullopt;
  if (*asked < 0) return -1;
  if (*asked > kMaxSeed) {
    note(fmt::format("{}: {:.0f} asked, {:.0f} done: at most", name, *asked, kMaxSeed));
    asked = kMaxSeed;
  }
  return static_cast<std::int64_t>(*asked);
}

std::optional<bool> TolerantReader::boolean(std::string_view name) {
  const json::value* value = find(name);
  if (value == nullptr) return std::nullopt;
  if (value->is_bool()) return value->get_bool();
  if (value->is_number()) return value->to_number<double>() != 0.0;
  if (value->is_string()) {
    const std::string_view text(value->get_string().data(), value->get_string().size());
    for (const std::string_view yes : {"true", "True", "1", "on", "yes"}) {
      if (text == yes) return true;
    }
    for (const std::string_view no : {"false", "False", "0", "off", "no", ""}) {
      if (text == no) return false;
    }
  }
  note_kind(name, *value, "true or false");
  return std::nullopt;
}

std::optional<std::string> TolerantReader::text(std::string_view name) {
  const json::value* value = find(name);
  if (value == nullptr) return std::nullopt;
  if (value->is_string()) return std::string(value->get_string());
  if (value->is_bool() || value->is_number()) return json::serialize(*value);
  note_kind(name, *value, "a text");
  return std::nullopt;
}

}  // namespace axle::api::automatic1111
