#include "api/web/web_page.h"

#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <utility>

namespace axle::api {
namespace {

constexpr std::string_view kIndexPath = "/index.html";
constexpr std::string_view kHashedPrefix = "/assets/";  // Vite puts a hash into these names.

// Blobs are the pictures that were painted; nothing is inline, nothing comes from elsewhere.
// Source: W3C, Content Security Policy Level 3.
constexpr std::string_view kPolicy =
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

std::string_view trimmed(std::string_view text) {
  const auto begin = text.find_first_not_of(" \t");
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(" \t") - begin + 1);
}

// True where `matches` holds for an element of a comma-separated header.
template <typename Matches>
bool any_element(std::string_view list, Matches matches) {
  while (!list.empty()) {
    const auto comma = list.find(',');
    if (matches(trimmed(list.substr(0, comma)))) return true;
    list = comma == std::string_view::npos ? std::string_view{} : list.substr(comma + 1);
  }
  return false;
}

// RFC 9110, section 12.5.3, as far as browsers use it: named, and not with a weight of zero.
bool accepts_gzip(const http::Request& request) {
  return any_element(request.header("Accept-Encoding").value_or(""), [](std::string_view element) {
    const auto semicolon = element.find(';');
    if (!http::equals_ignoring_case(trimmed(element.substr(0, semicolon)), "gzip")) return false;
    if (semicolon == std::string_view::npos) return true;
    const std::string_view weight = trimmed(element.substr(semicolon + 1));
    return weight.find_first_of("123456789") != std::string_view::npos;
  });
}

// RFC 9110, section 13.1.2: weak comparison.
bool has_it_already(const http::Request& request, std::string_view etag) {
  return any_element(request.header("If-None-Match").value_or(""), [etag](std::string_view known) {
    if (known.starts_with("W/")) known.remove_prefix(2);
    return known == "*" || known == etag;
  });
}

bool wants_html(const http::Request& request) {
  return request.header("Accept").value_or("").find("text/html") != std::string_view::npos;
}

}  // namespace

http::Response file_response(const WebFile& file, const http::Request& request) {
  const bool hashed = file.path.starts_with(kHashedPrefix);
  http::Response response{200, {}, {}};
  http::set_header(response.headers, "ETag", file.etag);
  http::set_header(response.headers, "Cache-Control",
                   hashed ? "public, max-age=31536000, immutable" : "no-cache");
  http::set_header(response.headers, "Vary", "Accept, Accept-Encoding");
  if (has_it_already(request, file.etag)) {
    response.status = 304;
    return response;
  }
  http::set_header(response.headers, "Content-Type", file.content_type);
  http::set_header(response.headers, "Content-Security-Policy", kPolicy);
  http::set_header(response.headers, "X-Content-Type-Options", "nosniff");
  http::set_header(response.headers, "Referrer-Policy", "no-referrer");
  if (!file.gzip.empty() && accepts_gzip(request)) {
    http::set_header(response.headers, "Content-Encoding", "gzip");
    response.body = file.gzip;
  } else {
    response.body = file.body;
  }
  return response;
}

WebPage::WebPage(std::span<const WebFile> files, std::string version)
    : files_(files), version_(std::move(version)) {}

void WebPage::add_routes(http::Router& router) const {
  using Shared = std::shared_ptr<http::Exchange>;
  router.add(
      "GET", "/", [this](const Shared& exchange) { root(exchange); }, http::Access::kOpen);
  for (const WebFile& file : files_) {
    router.add(
        "GET", file.path,
        [&file](const Shared& exchange) {
          exchange->respond(file_response(file, exchange->request()));
        },
        http::Access::kOpen);
  }
}

void WebPage::root(const std::shared_ptr<http::Exchange>& exchange) const {
  const auto index = std::find_if(files_.begin(), files_.end(),
                                  [](const WebFile& file) { return file.path == kIndexPath; });
  if (index != files_.end() && wants_html(exchange->request())) {
    return exchange->respond(file_response(*index, exchange->request()));
  }
  http::Response text = http::text_response(
      200, fmt::format("axle {} is running{}. Chat: POST /v1/chat/completions\n", version_,
                       index == files_.end() ? ", built without its page" : ""));
  http::set_header(text.headers, "Vary", "Accept");
  exchange->respond(std::move(text));
}

}  // namespace axle::api
