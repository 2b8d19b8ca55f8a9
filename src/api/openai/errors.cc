#include "api/openai/errors.h"

#include <fmt/format.h>

namespace axle::api {

ErrorShape error_shape(Code code) {
  switch (code) {
    case Code::kInvalidArgument:
      return {400, "invalid_request_error", "", false};
    case Code::kNotFound:
      return {404, "invalid_request_error", "not_found", false};
    case Code::kUnsupported:
      return {400, "invalid_request_error", "unsupported", false};
    case Code::kExhausted:
      return {429, "rate_limit_error", "server_busy", true};
    case Code::kUnavailable:
      return {503, "server_error", "unavailable", true};
    case Code::kCardLost:
      return {503, "server_error", "card_lost", true};
    case Code::kDeadlineExceeded:
      return {504, "server_error", "deadline_exceeded", false};
    case Code::kCancelled:
      return {499, "invalid_request_error", "cancelled", false};
    case Code::kCorrupt:
    case Code::kInternal:
    case Code::kOk:
      break;
  }
  return {500, "server_error", "internal_error", false};
}

std::string error_object(const RequestError& error) {
  const ErrorShape shape = error_shape(error.status.code());
  const std::string code = error.code.empty() ? shape.code : error.code;
  return fmt::format(R"({{"error":{{"message":{},"type":"{}","param":{},"code":{}}}}})",
                     http::json_quote(error.status.message()), shape.type,
                     error.param.empty() ? "null" : http::json_quote(error.param),
                     code.empty() ? "null" : http::json_quote(code));
}

http::Response error_response(const RequestError& error, std::chrono::seconds retry_after) {
  const ErrorShape shape = error_shape(error.status.code());
  http::Response response = http::json_response(shape.http_status, error_object(error));
  if (shape.http_status == 429 || shape.http_status == 503) {
    response.headers.emplace_back("Retry-After", fmt::format("{}", retry_after.count()));
  }
  response.headers.emplace_back("x-should-retry", shape.retry_may_help ? "true" : "false");
  return response;
}

}  // namespace axle::api
