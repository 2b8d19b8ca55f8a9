#include "http/router.h"

#include <algorithm>
#include <set>

#include "base/check.h"

namespace axle::http {

namespace {

// The `type` that OpenAI's clients expect for a status.
std::string_view openai_error_type(int status) {
  switch (status) {
    case 401:
      return "authentication_error";
    case 403:
      return "permission_error";
    case 429:
      return "rate_limit_error";
    default:
      return status < 500 ? "invalid_request_error" : "server_error";
  }
}

std::vector<std::string> split_path(std::string_view path) {
  std::vector<std::string> parts;
  while (!path.empty()) {
    const std::size_t slash = path.find('/');
    if (slash != 0) parts.emplace_back(path.substr(0, slash));
    if (slash == std::string_view::npos) break;
    path.remove_prefix(slash + 1);
  }
  return parts;
}

std::string join(const std::vector<std::string>& parts, std::size_t first) {
  std::string text;
  for (std::size_t i = first; i < parts.size(); ++i) {
    if (i > first) text += '/';
    text += parts[i];
  }
  return text;
}

}  // namespace

Response openai_error(const ErrorInfo& error) {
  std::string body = "{\"error\":{\"message\":" + json_quote(error.message) + ",\"type\":\"";
  body += openai_error_type(error.status);
  body += "\",\"param\":null,\"code\":" + json_quote(error.code) + "}}";
  Response response = json_response(error.status, std::move(body));
  // Clients of OpenAI obey it; without, they repeat whatever is 408, 409, 429 or above 499.
  const bool retry = error.status == 408 || error.status == 429 || error.status == 503;
  response.headers.emplace_back("x-should-retry", retry ? "true" : "false");
  return response;
}

Response plain_error(const ErrorInfo& error) {
  return json_response(error.status, "{\"error\":" + json_quote(error.message) + "}");
}

std::vector<Router::Part> Router::parse_pattern(std::string_view pattern) {
  AXLE_CHECK(pattern.starts_with('/'));
  std::vector<Part> parts;
  for (const std::string& text : split_path(pattern)) {
    AXLE_CHECK(parts.empty() || parts.back().kind != PartKind::kTail);
    if (!text.starts_with('{')) {
      parts.push_back({PartKind::kLiteral, text});
      continue;
    }
    AXLE_CHECK(text.ends_with('}') && text.size() > 2);
    const std::string name = text.substr(1, text.size() - 2);
    if (name.ends_with("...")) {
      parts.push_back({PartKind::kTail, name.substr(0, name.size() - 3)});
    } else {
      parts.push_back({PartKind::kParam, name});
    }
  }
  return parts;
}

bool Router::same_form(const Route& a, const Route& b) {
  return std::equal(a.parts.begin(), a.parts.end(), b.parts.begin(), b.parts.end(),
                    [](const Part& x, const Part& y) {
                      return x.kind == y.kind && (x.kind != PartKind::kLiteral || x.text == y.text);
                    });
}

void Router::add(std::string_view method, std::string_view pattern, Handler handler,
                 Access access) {
  AXLE_CHECK(handler != nullptr);
  Route route{std::string(method), parse_pattern(pattern), std::move(handler), access};
  for (const Route& other : routes_) {
    AXLE_CHECK(other.method != route.method || !same_form(other, route));
  }
  routes_.push_back(std::move(route));
}

void Router::set_error_writer(std::string_view path_prefix, ErrorWriter writer) {
  AXLE_CHECK(writer != nullptr);
  std::vector<std::string> prefix = split_path(path_prefix);
  std::erase_if(writers_, [&prefix](const Writer& other) { return other.prefix == prefix; });
  writers_.push_back({std::move(prefix), std::move(writer)});
}

bool Router::fits(const Route& route, const std::vector<std::string>& segments) {
  const std::vector<Part>& parts = route.parts;
  const bool tail = !parts.empty() && parts.back().kind == PartKind::kTail;
  if (tail ? segments.size() < parts.size() : segments.size() != parts.size()) return false;
  for (std::size_t i = 0; i < parts.size(); ++i) {
    if (parts[i].kind == PartKind::kLiteral && parts[i].text != segments[i]) return false;
  }
  return true;
}

// Both fit the same path: the first part that differs in kind decides.
bool Router::more_specific(const Route& a, const Route& b) {
  const std::size_t common = std::min(a.parts.size(), b.parts.size());
  for (std::size_t i = 0; i < common; ++i) {
    if (a.parts[i].kind != b.parts[i].kind) return a.parts[i].kind < b.parts[i].kind;
  }
  return a.parts.size() > b.parts.size();
}

std::vector<std::pair<std::string, std::string>> Router::bind(
    const Route& route, const std::vector<std::string>& segments) {
  std::vector<std::pair<std::string, std::string>> params;
  for (std::size_t i = 0; i < route.parts.size(); ++i) {
    const Part& part = route.parts[i];
    if (part.kind == PartKind::kParam) params.emplace_back(part.text, segments[i]);
    if (part.kind == PartKind::kTail) params.emplace_back(part.text, join(segments, i));
  }
  return params;
}

Router::Match Router::match(std::string_view method,
                            const std::vector<std::string>& segments) const {
  const Route* best = nullptr;
  const Route* best_get = nullptr;  // For a HEAD without a route of its own.
  std::set<std::string> methods;
  for (const Route& route : routes_) {
    if (!fits(route, segments)) continue;
    methods.insert(route.method);
    if (route.method == method && (best == nullptr || more_specific(route, *best))) best = &route;
    if (route.method == "GET" && (best_get == nullptr || more_specific(route, *best_get))) {
      best_get = &route;
    }
  }
  if (best == nullptr && method == "HEAD") best = best_get;
  Match match;
  if (best != nullptr) {
    match.handler = &best->handler;
    match.access = best->access;
    match.params = bind(*best, segments);
  }
  if (methods.empty()) return match;
  if (methods.contains("GET")) methods.insert("HEAD");
  methods.insert("OPTIONS");
  for (const std::string& name : methods) {
    if (!match.allow.empty()) match.allow += ", ";
    match.allow += name;
  }
  return match;
}

Response Router::write_error(const std::vector<std::string>& segments,
                             const ErrorInfo& error) const {
  const Writer* best = nullptr;
  for (const Writer& writer : writers_) {
    const std::vector<std::string>& prefix = writer.prefix;
    if (prefix.size() > segments.size() ||
        !std::equal(prefix.begin(), prefix.end(), segments.begin())) {
      continue;
    }
    if (best == nullptr || prefix.size() > best->prefix.size()) best = &writer;
  }
  return best == nullptr ? openai_error(error) : best->write(error);
}

}  // namespace axle::http
