#pragma once

#include <boost/json.hpp>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

// Reading a request that is never refused for a field's sake: what cannot be taken as it is becomes
// the nearest thing that can, and a note says so. Private to this room (needs Boost.JSON).
namespace axle::api::automatic1111 {

// The JSON object that `body` is; nothing but blanks counts as an object of no members.
//
// Errors: kInvalidArgument  not JSON, or not an object.
Result<boost::json::object> parse_object(std::string_view body);

// Bounds of a number, both allowed.
struct Bounds {
  double low;
  double high;
};

// Reads the members of one object. A member that is absent or null, or of a type that means nothing
// for it, gives nothing; the last with a note. Numbers and booleans may be written as strings.
//
// Threading: one thread. Lifetime: the object and the notes outlive it.
class TolerantReader {
 public:
  TolerantReader(const boost::json::object& object, std::vector<std::string>& notes)
      : object_(object), notes_(notes) {}

  // The member; nullptr where it is absent or null.
  const boost::json::value* find(std::string_view name) const;

  // A number within the bounds: one outside becomes the nearer bound.
  std::optional<double> number(std::string_view name, Bounds bounds);
  // A whole number within the bounds; fractions are cut off.
  std::optional<std::int64_t> integer(std::string_view name, Bounds bounds);
  // Negative numbers become -1 (any seed); at most 2^53 - 1.
  std::optional<std::int64_t> seed(std::string_view name);
  std::optional<bool> boolean(std::string_view name);
  // A string; a number or boolean becomes its JSON text.
  std::optional<std::string> text(std::string_view name);

  void note(std::string text) { notes_.push_back(std::move(text)); }

 private:
  std::optional<double> any_number(std::string_view name);
  void note_kind(std::string_view name, const boost::json::value& value, std::string_view wanted);

  const boost::json::object& object_;
  std::vector<std::string>& notes_;
};

}  // namespace axle::api::automatic1111
