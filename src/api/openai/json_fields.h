#pragma once

#include <boost/json.hpp>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "api/openai/request_error.h"

// Reading one request's fields from JSON: each reader leaves the target as it is when the field is
// absent or null, and remembers the first error. Private to api/openai (this header needs
// Boost.JSON).
namespace axle::api {

// Bounds of a number field, both allowed.
struct Range {
  double low;
  double high;
};

class FieldReader {
 public:
  explicit FieldReader(const boost::json::object& object) : object_(object) {}

  // The field's value; nullptr where it is absent or null.
  const boost::json::value* find(std::string_view name) const;

  void number(std::string_view name, Range range, float& target);
  void number(std::string_view name, Range range, double& target);
  void integer(std::string_view name, Range range, std::int64_t& target);
  void integer(std::string_view name, Range range, std::optional<std::int32_t>& target);
  void boolean(std::string_view name, bool& target);
  void text(std::string_view name, std::string& target);

  void fail(std::string_view param, std::string message);
  void fail_unsupported(std::string_view param, std::string message);
  const std::optional<RequestError>& error() const { return error_; }

 private:
  const boost::json::object& object_;  // The caller keeps it while this reader lives.
  std::optional<RequestError> error_;
};

// The JSON object that a body is.
//
// Errors: kInvalidArgument  not JSON (with the position), nested deeper than 64, or not an object.
Parsed<boost::json::object> parse_json_object(std::string_view body);

// `priority`, -1000 to 1000.
void read_priority(FieldReader& reader, std::int32_t& priority);
// `deadline_s`, above 0 and at most a day.
void read_deadline(FieldReader& reader, std::optional<std::chrono::milliseconds>& deadline);

// "a string", "an array" ...: what was found, for error texts.
std::string_view kind_name(const boost::json::value& value);

}  // namespace axle::api
