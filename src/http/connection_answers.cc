#include <optional>
#include <string>
#include <utility>

#include "base/log.h"
#include "http/connection.h"
#include "http/target.h"

// What a connection answers by itself, and how answers become bytes. No I/O here.
namespace axle::http {

ErrorInfo Connection::parser_error(const Status& status) const {
  ErrorInfo error{.status = 400, .code = "bad_request", .message = status.message()};
  switch (parser_->problem()) {
    case RequestParser::Problem::kHeaderTooLarge:
      error.status = 431;
      error.code = "header_too_large";
      error.message +=
          ": the limit is " + std::to_string(core_.options.max_header_bytes) + " bytes";
      break;
    case RequestParser::Problem::kBodyTooLarge:
      error.status = 413;
      error.code = "body_too_large";
      error.message += ": the limit is " + std::to_string(core_.options.max_body_bytes) + " bytes";
      break;
    case RequestParser::Problem::kVersion:
      error.status = 505;
      error.code = "version_not_supported";
      break;
    case RequestParser::Problem::kMalformed:
    case RequestParser::Problem::kNone:
      break;
  }
  return error;
}

ErrorInfo Connection::stopping_error() {
  return {.status = 503,
          .code = "server_stopping",
          .message = "the server is stopping; try again in a moment"};
}

// Routes the request. An answer that needs no handler is returned.
std::optional<Response> Connection::locate() {
  Result<Target> target = parse_target(request_.target);
  if (!target.ok()) {
    return error(
        {.status = 400, .code = "bad_request", .message = std::string(target.status().message())});
  }
  request_.path = std::move(target->path);
  request_.segments = std::move(target->segments);
  request_.query = std::move(target->query);
  Router::Match match = core_.router.match(request_.method, request_.segments);
  handler_ = match.handler;
  for (auto& [name, value] : match.params) request_.params.emplace(name, std::move(value));
  if (handler_ == nullptr && request_.method == "OPTIONS") {
    const bool unknown = match.allow.empty();
    return core_.cors.preflight(request_.headers,
                                unknown ? "DELETE, GET, HEAD, OPTIONS, POST, PUT" : match.allow);
  }
  if (handler_ == nullptr && match.allow.empty()) {
    return error({.status = 404,
                  .code = "not_found",
                  .message = "there is nothing at " + request_.method + " " + request_.path});
  }
  if (handler_ == nullptr) {
    Response refused = error(
        {.status = 405,
         .code = "method_not_allowed",
         .message = request_.path + " does not know " + request_.method + ", only " + match.allow});
    set_header(refused.headers, "Allow", match.allow);
    return refused;
  }
  if (match.access == Access::kKey && !core_.keys.accepts(request_.headers)) {
    Response refused = error({.status = 401,
                              .code = "invalid_api_key",
                              .message = "this server wants a valid API key: send it as "
                                         "\"Authorization: Bearer KEY\""});
    // The dialect of the path may want another scheme: programs for A1111 know Basic only.
    if (!find_header(refused.headers, "WWW-Authenticate"))
      refused.headers.emplace_back("WWW-Authenticate", "Bearer");
    return refused;
  }
  return std::nullopt;
}

// What can be said before the body is read.
std::optional<Response> Connection::early_answer() {
  ++core_.requests_total;
  framing_ = parser_->framing();
  request_ = parser_->take_head();
  request_.remote_address = remote_address_;
  request_id_ = choose_request_id(request_.header("x-request-id"));
  request_.request_id = request_id_;
  head_request_ = request_.method == "HEAD";
  keep_alive_ = framing_.keep_alive && !core_.stopping;
  core_.cors.decorate(request_.headers, cors_headers_);
  if (std::optional<Response> answer = locate()) return answer;
  if (core_.stopping) {
    Response refused = error(stopping_error());
    set_header(refused.headers, "Retry-After", kStopRetryAfter);
    return refused;
  }
  if (framing_.unknown_expectation) {
    return error({.status = 417,
                  .code = "expectation_failed",
                  .message = "the only expectation known here is 100-continue"});
  }
  if (framing_.content_length > core_.options.max_body_bytes) {
    return error({.status = 413,
                  .code = "body_too_large",
                  .message = "the request body has " + std::to_string(framing_.content_length) +
                             " bytes, the limit is " +
                             std::to_string(core_.options.max_body_bytes)});
  }
  return std::nullopt;
}

// A refused request's body is read where it is short; a client that waits for "100 Continue" may
// send it or not, so there the connection cannot be kept.
bool Connection::may_drain_body() const {
  return !framing_.expects_continue && framing_.content_length <= kDrainBytes;
}

void Connection::queue_whole(Response response) {
  if (const std::optional<std::string> flaw = response_flaw(response)) {
    AXLE_LOG_ERROR("http", "{}: an answer was not sent: {}", request_id_, *flaw);
    response = openai_error({.status = 500,
                             .code = "bad_answer",
                             .message = "the server made an answer that cannot be sent"});
  }
  response.headers.insert(response.headers.end(), cors_headers_.begin(), cors_headers_.end());
  const bool bodiless = response.status == 204 || response.status == 304;
  const HeadOptions options{.framing = bodiless ? BodyFraming::kNone : BodyFraming::kLength,
                            .content_length = response.body.size(),
                            .keep_alive = keep_alive_,
                            .http_1_0 = framing_.http_1_0};
  out_ += write_head(response, request_id_, options);
  if (!bodiless && !head_request_) out_ += response.body;
}

// The head of a stream when it is due, and the bytes in its framing.
void Connection::queue_stream(ExchangeState::Output& output) {
  if (output.head) {
    if (response_flaw(*output.head)) {
      keep_alive_ = false;
      queue_whole(*std::move(output.head));  // Becomes the 500.
      output.broken = true;
      return;
    }
    stream_framing_ = framing_.http_1_0 ? BodyFraming::kUntilClose : BodyFraming::kChunked;
    keep_alive_ = keep_alive_ && !framing_.http_1_0 && !core_.stopping;
    output.head->headers.insert(output.head->headers.end(), cors_headers_.begin(),
                                cors_headers_.end());
    out_ += write_head(*output.head, request_id_,
                       {.framing = stream_framing_, .keep_alive = keep_alive_});
  }
  if (head_request_) return;
  if (stream_framing_ == BodyFraming::kUntilClose) {
    out_ += output.bytes;
  } else {
    append_chunk(out_, output.bytes);
    if (output.finished) out_ += kLastChunk;
  }
}

void Connection::queue_output(ExchangeState::Output& output) {
  if (core_.stopping && output.head) keep_alive_ = false;
  if (output.unanswered) {
    queue_whole(core_.router.write_error(
        state_->request().segments,
        {.status = 500,
         .code = "internal_error",
         .message = "the server failed to answer; its log says more under " + request_id_}));
  } else if (output.is_stream) {
    queue_stream(output);
  } else if (output.head) {
    queue_whole(*std::move(output.head));
  }
}

}  // namespace axle::http
