#pragma once

#include <chrono>
#include <string>

#include "api/openai/request_error.h"
#include "http/message.h"

namespace axle::api {

// How a Status looks to an OpenAI client: the one table from codes to HTTP.
struct ErrorShape {
  int http_status;
  const char* type;
  const char* code;  // Used where the error has no code of its own.
  bool
      retry_may_help;  // False: `x-should-retry: false`, so that clients do not do the work thrice.
};
ErrorShape error_shape(Code code);

// {"error":{"message","type","param","code"}} with status and retry headers. `retry_after` is sent
// with 429 and 503.
http::Response error_response(const RequestError& error, std::chrono::seconds retry_after);

// The same object as one line, for an event in a stream that has begun.
std::string error_object(const RequestError& error);

}  // namespace axle::api
