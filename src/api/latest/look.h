#pragma once

#include <map>
#include <string>

#include "base/result.h"
#include "pictures/output.h"

namespace axle::api {

// How a screen wants to see pictures: `query` of its request over the form that its path names.
// width, height (both or none), fit (crop, pad, stretch), quality, gamma, dither (floyd-steinberg,
// bayer, none), inverted (1 or 0).
//
// Errors: kInvalidArgument  a value that cannot be: which, wanted, found.
Result<pictures::Output> parse_look(const std::map<std::string, std::string>& query,
                                    pictures::Form form);

// The whole number that `query` has under `name`, or `otherwise`.
// Errors: kInvalidArgument  no number, or none from `least` to `most`.
Result<int> query_number(const std::map<std::string, std::string>& query, const std::string& name,
                         int least, int most, int otherwise);

}  // namespace axle::api
