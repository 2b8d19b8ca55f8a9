#include "api/automatic1111/reply.h"

#include <fmt/format.h>

#include <utility>

#include "api/automatic1111/generate.h"

namespace axle::api::automatic1111 {
namespace {

constexpr std::size_t kMaxNotesHeader = 1000;
constexpr const char* kWrongPassword =
    "Incorrect username or password; the password is an API key of this server";

}  // namespace

Reply::Reply(std::shared_ptr<http::Exchange> exchange, Dialect dialect, const fleet::Fleet& fleet)
    : exchange_(std::move(exchange)),
      dialect_(dialect),
      fleet_(&fleet),
      begun_(std::chrono::steady_clock::now()) {}

std::chrono::duration<double> Reply::elapsed() const {
  return std::chrono::steady_clock::now() - begun_;
}

void Reply::json(std::string body) const { send(http::json_response(200, std::move(body))); }

void Reply::send(http::Response response) const {
  response.headers.emplace_back("X-Process-Time", fmt::format("{:.4f}", elapsed().count()));
  exchange_->respond(std::move(response));
}

void Reply::error(const Status& status) const {
  error(dialect_ == Dialect::kService ? generate_error(status) : error_answer(status));
}

void Reply::error(const ErrorAnswer& answer) const {
  http::Response response = http::json_response(answer.http_status, answer.body);
  if (answer.http_status == 429 || answer.http_status == 503) {
    response.headers.emplace_back("Retry-After", fmt::format("{}", fleet_->retry_after().count()));
  }
  send(std::move(response));
}

void Reply::error(int http_status, const std::string& detail) const {
  error(dialect_ == Dialect::kService ? ErrorAnswer{http_status, service_error_body(detail)}
                                      : http_error(http_status, detail));
}

http::Response http_error_response(Dialect dialect, const http::ErrorInfo& error) {
  const bool wants_password = error.status == 401;
  const std::string message = wants_password ? kWrongPassword : error.message;
  http::Response response =
      dialect == Dialect::kService
          ? http::json_response(error.status, service_error_body(message))
          : http::json_response(error.status, http_error(error.status, message).body);
  // Programs for A1111 send a user and a password, and browsers ask for them.
  if (wants_password) {
    response.headers.emplace_back("WWW-Authenticate", "Basic realm=\"axle\", charset=\"UTF-8\"");
  }
  return response;
}

std::string notes_header(const std::vector<std::string>& notes) {
  std::string text;
  for (const std::string& note : notes) {
    if (text.size() > kMaxNotesHeader) break;
    if (!text.empty()) text += "; ";
    text += note.substr(0, kMaxNotesHeader);
  }
  for (char& c : text) {
    if (c < ' ' || c > '~') c = '?';
  }
  return text;
}

}  // namespace axle::api::automatic1111
