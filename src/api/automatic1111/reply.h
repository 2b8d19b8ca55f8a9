#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "api/automatic1111/answers.h"
#include "base/status.h"
#include "fleet/fleet.h"
#include "http/exchange.h"
#include "http/router.h"

namespace axle::api::automatic1111 {

// Whose answers a route gives.
enum class Dialect : std::uint8_t {
  kAutomatic1111,  // /sdapi/v1
  kService,        // /generate
};

// One request and the way to answer it, with A1111's X-Process-Time. Copies are about the same
// request; the first answer counts.
//
// Threading: safe from any thread.
class Reply {
 public:
  Reply(std::shared_ptr<http::Exchange> exchange, Dialect dialect, const fleet::Fleet& fleet);

  const http::Request& request() const { return exchange_->request(); }
  const std::shared_ptr<http::Exchange>& exchange() const { return exchange_; }
  Dialect dialect() const { return dialect_; }
  std::chrono::duration<double> elapsed() const;

  void json(std::string body) const;
  void send(http::Response response) const;
  // Errors that may pass come with Retry-After. REQUIRES: !status.ok().
  void error(const Status& status) const;
  void error(const ErrorAnswer& answer) const;
  // `detail` is for a person.
  void error(int http_status, const std::string& detail) const;

 private:
  std::shared_ptr<http::Exchange> exchange_;
  Dialect dialect_;
  const fleet::Fleet* fleet_;  // Not owned; outlives every request.
  std::chrono::steady_clock::time_point begun_;
};

// What the server itself refuses, as clients of a dialect understand it.
http::Response http_error_response(Dialect dialect, const http::ErrorInfo& error);

// `notes` as one header value: ASCII without line breaks, cut off after about a thousand bytes.
std::string notes_header(const std::vector<std::string>& notes);

}  // namespace axle::api::automatic1111
