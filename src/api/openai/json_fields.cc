#include "api/openai/json_fields.h"

#include <fmt/format.h>

#include <cmath>
#include <utility>

namespace axle::api {
namespace json = boost::json;
namespace {

constexpr std::size_t kMaxDepth = 64;  // Of nested arrays and objects in a body.
constexpr double kMaxDeadlineSeconds = 86'400;

}  // namespace

Parsed<json::object> parse_json_object(std::string_view body) {
  boost::system::error_code error;
  json::parse_options options;
  options.max_depth = kMaxDepth;
  json::stream_parser parser({}, options);
  const std::size_t read = parser.write_some(body.data(), body.size(), error);
  if (!error) parser.finish(error);
  if (!error && read < body.size() &&
      body.find_first_not_of(" \t\r\n", read) != std::string_view::npos) {
    error = json::make_error_code(json::error::extra_data);
  }
  if (error) {
    return RequestError{invalid_argument(fmt::format("the body is not valid JSON at byte {}: {}",
                                                     read, error.message())),
                        "", "invalid_json"};
  }
  json::value root = parser.release();
  if (!root.is_object()) {
    return RequestError{
        invalid_argument(fmt::format("the body must be a JSON object, found {}", kind_name(root))),
        "", ""};
  }
  return std::move(root.get_object());
}

std::string_view kind_name(const json::value& value) {
  switch (value.kind()) {
    case json::kind::null:
      return "null";
    case json::kind::bool_:
      return "a boolean";
    case json::kind::int64:
    case json::kind::uint64:
      return "an integer";
    case json::kind::double_:
      return "a number";
    case json::kind::string:
      return "a string";
    case json::kind::array:
      return "an array";
    case json::kind::object:
      return "an object";
  }
  return "something else";
}

const json::value* FieldReader::find(std::string_view name) const {
  const json::value* value = object_.if_contains(name);
  return value == nullptr || value->is_null() ? nullptr : value;
}

void FieldReader::fail(std::string_view param, std::string message) {
  if (!error_) error_ = RequestError{invalid_argument(std::move(message)), std::string(param), ""};
}

void FieldReader::fail_unsupported(std::string_view param, std::string message) {
  if (!error_)
    error_ = RequestError{unsupported(std::move(message)), std::string(param), "unsupported"};
}

void FieldReader::number(std::string_view name, Range range, float& target) {
  auto found = static_cast<double>(target);
  number(name, range, found);
  target = static_cast<float>(found);
}

void FieldReader::number(std::string_view name, Range range, double& target) {
  const json::value* value = find(name);
  if (value == nullptr) return;
  if (!value->is_number()) {
    return fail(name, fmt::format("'{}' must be a number, found {}", name, kind_name(*value)));
  }
  const auto found = value->to_number<double>();
  if (!(found >= range.low && found <= range.high)) {
    return fail(name, fmt::format("'{}' must be between {} and {}, found {}", name, range.low,
                                  range.high, found));
  }
  target = found;
}

void FieldReader::integer(std::string_view name, Range range, std::int64_t& target) {
  const json::value* value = find(name);
  if (value == nullptr) return;
  const bool whole = value->is_int64() || value->is_uint64() ||
                     (value->is_double() && std::floor(value->get_double()) == value->get_double());
  if (!whole) {
    return fail(name, fmt::format("'{}' must be an integer, found {}", name, kind_name(*value)));
  }
  const auto found = value->to_number<double>();
  if (!(found >= range.low && found <= range.high)) {
    return fail(name, fmt::format("'{}' must be between {:.0f} and {:.0f}, found {:.0f}", name,
                                  range.low, range.high, found));
  }
  target = value->is_int64() ? value->get_int64() : static_cast<std::int64_t>(found);
}

void FieldReader::integer(std::string_view name, Range range, std::optional<std::int32_t>& target) {
  if (find(name) == nullptr) return;
  std::int64_t value = 0;
  integer(name, range, value);
  target = static_cast<std::int32_t>(value);
}

void FieldReader::boolean(std::string_view name, bool& target) {
  const json::value* value = find(name);
  if (value == nullptr) return;
  if (!value->is_bool()) {
    return fail(name, fmt::format("'{}' must be true or false, found {}", name, kind_name(*value)));
  }
  target = value->get_bool();
}

void FieldReader::text(std::string_view name, std::string& target) {
  const json::value* value = find(name);
  if (value == nullptr) return;
  if (!value->is_string()) {
    return fail(name, fmt::format("'{}' must be a string, found {}", name, kind_name(*value)));
  }
  target = std::string(value->get_string());
}

void read_priority(FieldReader& reader, std::int32_t& priority) {
  std::int64_t value = priority;
  reader.integer("priority", {-1000, 1000}, value);
  priority = static_cast<std::int32_t>(value);
}

void read_deadline(FieldReader& reader, std::optional<std::chrono::milliseconds>& deadline) {
  if (reader.find("deadline_s") == nullptr) return;
  double seconds = 0.0;
  reader.number("deadline_s", {0, kMaxDeadlineSeconds}, seconds);
  deadline = std::chrono::ceil<std::chrono::milliseconds>(std::chrono::duration<double>(seconds));
  if (deadline->count() == 0) {
    reader.fail("deadline_s",
                fmt::format("'deadline_s' must be above 0 and at most {:.0f}, found 0",
                            kMaxDeadlineSeconds));
  }
}

}  // namespace axle::api
