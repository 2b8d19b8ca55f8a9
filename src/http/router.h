#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "http/exchange.h"
#include "http/message.h"

namespace axle::http {

using Handler = std::function<void(std::shared_ptr<Exchange>)>;

// Who may call a route when the server has API keys.
enum class Access : std::uint8_t { kKey, kOpen };

// An error of the HTTP layer itself, before a writer gives it the dialect of its path.
struct ErrorInfo {
  int status = 500;
  std::string code =
      {};  // Stable, lower case: "invalid_api_key", "not_found", "body_too_large", ...
  std::string message = {};  // For a person: what was wanted, what was found, what to do.
};
using ErrorWriter = std::function<Response(const ErrorInfo&)>;

// {"error":{"message":...,"type":...,"param":null,"code":...}}; the type follows from the status.
Response openai_error(const ErrorInfo& error);
// {"error":"message"}, as Ollama's clients read it.
Response plain_error(const ErrorInfo& error);

// Which handler serves which path, and how errors look there.
//
// Threading: fill it on one thread; constant (and safe from any thread) once a server has it.
class Router {
 public:
  // The outcome of a look-up. `handler` is null where no route fits; then `allow` names the methods
  // that the path has, comma-separated, or is empty for an unknown path.
  struct Match {
    const Handler* handler = nullptr;  // Lives as long as the router.
    Access access = Access::kKey;
    std::vector<std::pair<std::string, std::string>> params;
    std::string allow;
  };

  // Serves `method` on `pattern`: "/v1/models", "/v1/models/{id}" (one segment) or
  // "/v1/models/{id...}" (one or more segments, joined by "/"; last in the pattern). Literal parts
  // win over {x}, which wins over {x...}. GET also serves HEAD, unless HEAD is added itself.
  // REQUIRES: a pattern of that form, a handler, and no earlier route of the same method and form.
  void add(std::string_view method, std::string_view pattern, Handler handler,
           Access access = Access::kKey);

  // Errors for paths that start with `path_prefix` (whole segments) are written by `writer`; the
  // longest prefix wins. "/" replaces the default, openai_error.
  void set_error_writer(std::string_view path_prefix, ErrorWriter writer);

  // The route for a method and the decoded parts of a path.
  Match match(std::string_view method, const std::vector<std::string>& segments) const;

  // `error` in the dialect of the path.
  Response write_error(const std::vector<std::string>& segments, const ErrorInfo& error) const;

 private:
  enum class PartKind : std::uint8_t { kLiteral, kParam, kTail };
  struct Part {
    PartKind kind = PartKind::kLiteral;
    std::string text;  // The literal, or the parameter's name.
  };
  struct Route {
    std::string method;
    std::vector<Part> parts;
    Handler handler;
    Access access = Access::kKey;
  };
  struct Writer {
    std::vector<std::string> prefix;
    ErrorWriter write;
  };

  static std::vector<Part> parse_pattern(std::string_view pattern);
  static bool fits(const Route& route, const std::vector<std::string>& segments);
  static bool more_specific(const Route& a, const Route& b);
  static bool same_form(const Route& a, const Route& b);
  static std::vector<std::pair<std::string, std::string>> bind(
      const Route& route, const std::vector<std::string>& segments);

  std::vector<Route> routes_;
  std::vector<Writer> writers_;
};

}  // namespace axle::http
