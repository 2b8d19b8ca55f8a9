#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

// What travels over HTTP/1.1, as plain values: no library type appears here.
//
// Threading: values; distinct objects may be used by distinct threads.
// Source: RFC 9110 (semantics), RFC 9112 (HTTP/1.1).
namespace axle::http {

// Header fields in the order they came or shall be sent. Names compare without regard to case.
using HeaderList = std::vector<std::pair<std::string, std::string>>;

// The value of the first field called `name`; nothing where there is none. The view lives as long
// as the list is unchanged.
std::optional<std::string_view> find_header(const HeaderList& headers, std::string_view name);
// Replaces every field called `name` by one with `value`.
void set_header(HeaderList& headers, std::string_view name, std::string_view value);

// True when both are the same ASCII text without regard to case.
bool equals_ignoring_case(std::string_view a, std::string_view b);

// A complete request as a handler sees it.
struct Request {
  std::string method;                 // As sent, e.g. "POST".
  std::string target;                 // As sent, e.g. "/v1//models/a%2Fb?x=1".
  std::string path;                   // Decoded and normalised, e.g. "/v1/models/a/b".
  std::vector<std::string> segments;  // The decoded parts of the path, e.g. {"v1","models","a/b"}.
  std::map<std::string, std::string> query;   // Decoded; the first of several equal names counts.
  std::map<std::string, std::string> params;  // What the route's {name} parts matched.
  HeaderList headers;
  std::string body;            // Without any transfer coding.
  std::string remote_address;  // The peer, e.g. "192.168.1.7"; not what a proxy claims.
  std::string request_id;      // Goes into the answer's x-request-id.

  std::optional<std::string_view> header(std::string_view name) const {
    return find_header(headers, name);
  }
  // The value of a {name} part of the route, "" where the route has none.
  const std::string& param(const std::string& name) const;
};

// An answer. Content-Length, Connection, Transfer-Encoding, Date and x-request-id are the server's
// own: what `headers` says of them is ignored. A name that is no token or a value with CR, LF or
// NUL makes the server send a 500 instead.
struct Response {
  int status = 200;  // 200 to 599.
  HeaderList headers = {};
  std::string body = {};
};

// An answer with "Content-Type: application/json"; `body` is sent as it is.
Response json_response(int status, std::string body);
// An answer with "Content-Type: text/plain; charset=utf-8".
Response text_response(int status, std::string body);

// `text` as a JSON string with its quotes. Bytes that are not UTF-8 become U+FFFD.
std::string json_quote(std::string_view text);

// "Not Found" for 404; "Status" for numbers that RFC 9110 does not name.
std::string_view reason_phrase(int status);

}  // namespace axle::http
