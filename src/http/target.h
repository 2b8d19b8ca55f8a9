#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace axle::http {

// A request target taken apart. Internal to the room.
struct Target {
  std::string path;  // "/" and the segments joined by "/".
  std::vector<std::string> segments;
  std::map<std::string, std::string> query;
};

// Takes "/a//b%2Fc/?x=1&y" apart: doubled and trailing slashes vanish, a decoded slash stays inside
// its segment. The forms "http://host/path" and "*" (empty path) are known too. A bad escape in the
// query stays as it is: clients' extra parameters must not break a request.
//
// Errors: kInvalidArgument  another form, a bad escape or a control character in the path, or a
//                           segment "." or "..".
// Source: RFC 9112 section 3.2 (forms), RFC 3986 section 2.1 (escapes).
Result<Target> parse_target(std::string_view target);

}  // namespace axle::http
