#pragma once

#include <boost/json.hpp>
#include <string_view>
#include <vector>

#include "api/openai/image_request.h"

// Forms as JSON objects, so that both are read the same way. Private to api/openai (this header
// needs Boost.JSON).
namespace axle::api {

// A request's fields, and its pictures where they came as files.
struct ImageFields {
  boost::json::object values;
  std::vector<GivenPicture> pictures;  // `image`, `image[]`.
  std::vector<GivenPicture> masks;     // `mask`.
};

// Takes a form apart. Errors: those of http::parse_multipart(); kInvalidArgument  a number or a
// truth value that is none.
Parsed<ImageFields> read_image_form(std::string_view content_type, std::string_view body);

}  // namespace axle::api
