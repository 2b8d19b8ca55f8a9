#pragma once

#include <boost/json.hpp>

#include "api/automatic1111/request.h"

// Private to this room (needs Boost.JSON).
namespace axle::api::automatic1111 {

// As parse_request(), of a body that is parsed already.
//
// Errors: as parse_request(), but for kInvalidArgument.
Result<Request> parse_request_object(Task task, boost::json::object object,
                                     const pictures::SourceRules& sources);

}  // namespace axle::api::automatic1111
