#include "http/access.h"

#include <algorithm>
#include <optional>
#include <span>

#include "base/base64.h"
#include "base/file.h"
#include "http/text.h"

namespace axle::http {

namespace {

std::string digest(std::string_view text) { return sha256_hex(std::as_bytes(std::span(text))); }

bool equal_in_constant_time(std::string_view a, std::string_view b) {
  if (a.size() != b.size()) return false;  // Digests: never.
  unsigned difference = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    difference |= static_cast<unsigned char>(a[i] ^ b[i]);
  }
  return difference == 0;
}

// What follows "<scheme> " in an Authorization value; nothing for another scheme.
std::optional<std::string_view> credentials(std::string_view value, std::string_view scheme) {
  value = trim(value);
  if (value.size() <= scheme.size() || value[scheme.size()] != ' ') return std::nullopt;
  if (!equals_ignoring_case(value.substr(0, scheme.size()), scheme)) return std::nullopt;
  return trim(value.substr(scheme.size()));
}

constexpr std::string_view kUsualHeaders =
    "authorization, content-type, x-api-key, x-request-id, x-stainless-arch, x-stainless-lang, "
    "x-stainless-os, x-stainless-package-version, x-stainless-retry-count, x-stainless-runtime, "
    "x-stainless-runtime-version, x-stainless-timeout";

// What pages want to read of answers; by the standard "*" would not do where credentials are sent.
constexpr std::string_view kReadableHeaders =
    "x-request-id, retry-after, etag, x-process-time, x-image-width, x-image-height, "
    "x-image-format, x-image-seed, x-image-notes";

}  // namespace

KeyRing::KeyRing(const std::vector<std::string>& keys) {
  for (const std::string& key : keys) digests_.push_back(digest(key));
}

bool KeyRing::knows(std::string_view candidate) const {
  const std::string wanted = digest(candidate);
  bool found = false;
  for (const std::string& known : digests_) {
    const bool same = equal_in_constant_time(known, wanted);
    found = found || same;
  }
  return found;
}

bool KeyRing::accepts(const HeaderList& headers) const {
  if (digests_.empty()) return true;
  if (const auto key = find_header(headers, "x-api-key"); key && knows(trim(*key))) return true;
  const std::optional<std::string_view> authorization = find_header(headers, "authorization");
  if (!authorization) return false;
  if (const auto key = credentials(*authorization, "Bearer")) return knows(*key);
  const std::optional<std::string_view> basic = credentials(*authorization, "Basic");
  if (!basic) return false;
  const Result<std::string> pair = decode_base64(*basic);
  const std::size_t colon = pair.ok() ? pair->find(':') : std::string::npos;
  if (colon == std::string::npos) return false;
  const bool whole = knows(*pair);
  const bool password = knows(std::string_view(*pair).substr(colon + 1));
  return whole || password;
}

CorsPolicy::CorsPolicy(std::vector<std::string> origins)
    : origins_(std::move(origins)),
      any_(std::find(origins_.begin(), origins_.end(), "*") != origins_.end()) {}

bool CorsPolicy::add_origin(const HeaderList& request, HeaderList& answer) const {
  if (any_) {
    set_header(answer, "Access-Control-Allow-Origin", "*");
    return true;
  }
  if (origins_.empty()) return false;
  answer.emplace_back("Vary", "Origin");
  const std::optional<std::string_view> origin = find_header(request, "origin");
  if (!origin || std::find(origins_.begin(), origins_.end(), *origin) == origins_.end()) {
    return false;
  }
  set_header(answer, "Access-Control-Allow-Origin", *origin);
  set_header(answer, "Access-Control-Allow-Credentials", "true");
  return true;
}

void CorsPolicy::decorate(const HeaderList& request, HeaderList& answer) const {
  if (!add_origin(request, answer)) return;
  set_header(answer, "Access-Control-Expose-Headers", kReadableHeaders);
}

Response CorsPolicy::preflight(const HeaderList& request, std::string_view allow) const {
  Response answer{.status = 204, .headers = {{"Allow", std::string(allow)}}};
  if (!add_origin(request, answer.headers)) return answer;
  set_header(answer.headers, "Access-Control-Allow-Methods", allow);
  std::string allowed(kUsualHeaders);
  // What the page asks for is allowed too: headers that mean nothing here do no harm.
  for (const std::string_view name :
       split_list(find_header(request, "access-control-request-headers").value_or(""))) {
    if (is_token(name) && allowed.size() + name.size() < 4096) allowed.append(", ").append(name);
  }
  set_header(answer.headers, "Access-Control-Allow-Headers", allowed);
  set_header(answer.headers, "Access-Control-Max-Age", "600");
  if (find_header(request, "access-control-request-private-network") == "true") {
    set_header(answer.headers, "Access-Control-Allow-Private-Network", "true");
  }
  return answer;
}

}  // namespace axle::http
