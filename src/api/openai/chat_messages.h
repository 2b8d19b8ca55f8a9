#pragma once

#include <boost/json/array.hpp>
#include <boost/json/value.hpp>

#include "api/openai/json_fields.h"

namespace axle::api {

// Turns the `messages` of a chat request into what chat templates expect: an array of objects with
// `role` and a string `content`; `developer` becomes `system`, text parts are joined by nothing, a
// missing or null content is "", `tool_calls[].function.arguments` is an object. The first fault
// goes to `reader`, and the result is then unspecified. Private to api/openai.
boost::json::array normalise_messages(const boost::json::value& messages, FieldReader& reader);

}  // namespace axle::api
