#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "http/message.h"

// The bytes of an answer. Internal to the room.
//
// Source: RFC 9112 sections 4 (status line), 6 (body length), 7.1 (chunked coding).
namespace axle::http {

enum class BodyFraming : std::uint8_t {
  kLength,      // Content-Length
  kChunked,     // Transfer-Encoding: chunked
  kUntilClose,  // HTTP/1.0: the end of the connection ends the body.
  kNone,        // 204, 304: no body and nothing said of one.
};

struct HeadOptions {
  BodyFraming framing = BodyFraming::kLength;
  std::size_t content_length = 0;
  bool keep_alive = true;
  bool http_1_0 = false;
};

// Why `response` may not be sent (a status out of range, a header that would break the format), or
// nothing where it may.
std::optional<std::string> response_flaw(const Response& response);

// Status line and headers with the empty line. Headers that are the server's own are taken from
// `options`, not from `response`. REQUIRES: no response_flaw().
std::string write_head(const Response& response, std::string_view request_id,
                       const HeadOptions& options);

// One chunk; empty data gives nothing (it would end the body).
void append_chunk(std::string& out, std::string_view data);
inline constexpr std::string_view kLastChunk = "0\r\n\r\n";

// A fresh request id: "req-" and 32 hexadecimal digits, random.
std::string new_request_id();
// `proposed` where it is short and plain enough for logs ([A-Za-z0-9._:-], 1 to 128), else a new
// one.
std::string choose_request_id(std::optional<std::string_view> proposed);

}  // namespace axle::http
