// The parser that the server feeds with what clients send, in pieces of a size that the input sets.
#include <cstdint>
#include <string_view>

#include "base/check.h"
#include "http/request_parser.h"
#include "http/target.h"

namespace {

using axle::http::ParserLimits;
using axle::http::Request;
using axle::http::RequestParser;
using axle::http::ResponseParser;

constexpr ParserLimits kLimits{.max_header_bytes = 4096, .max_body_bytes = 8192};

void parse_requests(std::string_view bytes, std::size_t step, RequestParser::BodyUse use) {
  RequestParser parser(kLimits);
  for (std::size_t i = 0; i < bytes.size(); i += step) {
    if (!parser.feed(bytes.substr(i, step)).ok()) return;
    if (parser.head_done() && !parser.done()) {
      parser.read_body(use);
      if (!parser.feed({}).ok()) return;
    }
  }
  if (!parser.head_done()) return;
  const Request request = parser.take_head();
  AXLE_CHECK(!request.method.empty());
  static_cast<void>(axle::http::parse_target(request.target));
  if (!parser.done()) return;
  const bool keep = use == RequestParser::BodyUse::kKeep;
  AXLE_CHECK(parser.body_bytes() <= kLimits.max_body_bytes || !keep);
  AXLE_CHECK(parser.take_body().size() == (keep ? parser.body_bytes() : 0));
  AXLE_CHECK(parser.take_rest().size() <= bytes.size());
}

void parse_response(std::string_view bytes, std::size_t step, bool head) {
  ResponseParser parser(head);
  std::size_t body = 0;
  for (std::size_t i = 0; i < bytes.size() && !parser.done(); i += step) {
    if (!parser.feed(bytes.substr(i, step)).ok()) return;
    body += parser.take_body().size();
  }
  AXLE_CHECK(body <= bytes.size());
  static_cast<void>(parser.end_of_input());
  static_cast<void>(parser.headers());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  const std::size_t step = data[0] == 0 ? size : data[0];
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 2, size - 2);
  parse_requests(
      bytes, step,
      (data[1] & 1) != 0 ? RequestParser::BodyUse::kDiscard : RequestParser::BodyUse::kKeep);
  parse_response(bytes, step, (data[1] & 2) != 0);
  return 0;
}
