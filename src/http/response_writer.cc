#include "http/response_writer.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <iterator>
#include <random>

#include "http/text.h"

namespace axle::http {

namespace {

bool is_servers_own(std::string_view name) {
  static constexpr std::array<std::string_view, 7> kNames = {
      "content-length", "connection", "transfer-encoding", "x-request-id", "keep-alive",
      "trailer",        "upgrade"};
  return std::any_of(kNames.begin(), kNames.end(),
                     [name](std::string_view own) { return equals_ignoring_case(own, name); });
}

bool is_plain_id(std::string_view id) {
  if (id.empty() || id.size() > 128) return false;
  return std::all_of(id.begin(), id.end(), [](char c) {
    const char lower = to_lower(c);
    return (lower >= 'a' && lower <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '_' ||
           c == '-' || c == ':';
  });
}

}  // namespace

std::optional<std::string> response_flaw(const Response& response) {
  if (response.status < 200 || response.status > 599) {
    return fmt::format("status {} is not from 200 to 599", response.status);
  }
  for (const auto& [name, value] : response.headers) {
    if (!is_token(name)) return fmt::format("header name {} is no token", json_quote(name));
    if (!is_field_value(value))
      return fmt::format("header {} has CR, LF or NUL in its value", name);
  }
  return std::nullopt;
}

std::string write_head(const Response& response, std::string_view request_id,
                       const HeadOptions& options) {
  std::string out;
  out.reserve(512);
  auto to = std::back_inserter(out);
  fmt::format_to(to, "HTTP/1.1 {} {}\r\n", response.status, reason_phrase(response.status));
  for (const auto& [name, value] : response.headers) {
    if (!is_servers_own(name)) fmt::format_to(to, "{}: {}\r\n", name, value);
  }
  if (options.framing == BodyFraming::kLength) {
    fmt::format_to(to, "Content-Length: {}\r\n", options.content_length);
  }
  if (options.framing == BodyFraming::kChunked) out += "Transfer-Encoding: chunked\r\n";
  if (!options.keep_alive) {
    out += "Connection: close\r\n";
  } else if (options.http_1_0) {
    out += "Connection: keep-alive\r\n";
  }
  fmt::format_to(to, "x-request-id: {}\r\n\r\n", request_id);
  return out;
}

void append_chunk(std::string& out, std::string_view data) {
  if (data.empty()) return;
  fmt::format_to(std::back_inserter(out), "{:x}\r\n", data.size());
  out += data;
  out += "\r\n";
}

std::string new_request_id() {
  thread_local std::mt19937_64 generator = [] {
    std::random_device device;
    std::seed_seq seed{device(), device(), device(), device()};
    return std::mt19937_64(seed);
  }();
  return fmt::format("req-{:016x}{:016x}", generator(), generator());
}

std::string choose_request_id(std::optional<std::string_view> proposed) {
  if (proposed && is_plain_id(*proposed)) return std::string(*proposed);
  return new_request_id();
}

}  // namespace axle::http
