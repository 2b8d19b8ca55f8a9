#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"
#include "http/message.h"

namespace axle::http {

struct ClientOptions {
  std::chrono::milliseconds connect_timeout = std::chrono::seconds(5);
  std::chrono::milliseconds read_timeout = std::chrono::seconds(600);  // Without a single byte.
  std::size_t max_body_bytes = std::size_t{1} << 30;                   // Of a collected answer.
  // While it is true, calls end with kCancelled, also in the middle of a silent answer. May be set
  // by a signal handler; must outlive the client. Null: nothing cancels.
  const std::atomic<bool>* cancel = nullptr;
  std::string api_key = {};  // Sent as "Authorization: Bearer"; empty: no such header.
};

// A small blocking HTTP/1.1 client for our own commands and tests: plain TCP or a unix socket, one
// connection that is kept and reused. No TLS, no redirects.
//
// Threading: one thread at a time.
class Client {
 public:
  // Takes the next bytes of a body as they arrive; false ends the call and the connection.
  using OnChunk = std::function<bool(std::string_view)>;

  // `base` is "http://host[:port][/prefix]" or "unix:/path/of/socket". Does not connect yet.
  // Errors: kInvalidArgument  any other form.
  static Result<Client> create(std::string_view base, ClientOptions options = {});

  Client(Client&& other) noexcept;
  Client& operator=(Client&& other) noexcept;
  ~Client();

  // One request and its whole answer, whatever its status. `path` starts with "/".
  //
  // Errors: kUnavailable       nobody listens there, or the connection broke.
  //         kDeadlineExceeded  no connection or no byte in time.
  //         kCorrupt           the answer is not HTTP/1.
  //         kExhausted         the body is longer than `max_body_bytes`.
  //         kCancelled         as ClientOptions::cancel says.
  //         kInvalidArgument   a path or header that would break the request's format.
  Result<Response> request(std::string_view method, std::string_view path, std::string_view body,
                           const HeaderList& headers);
  Result<Response> get(std::string_view path, const HeaderList& headers = {});
  // Sent as application/json unless `headers` say otherwise.
  Result<Response> post(std::string_view path, std::string_view body,
                        const HeaderList& headers = {});

  // As post(), but the body of a 2xx answer goes to `on_chunk` piece by piece and the returned
  // body is empty. Other answers are returned whole.
  //
  // Errors: as request(); kCancelled  `on_chunk` returned false.
  Result<Response> post_stream(std::string_view path, std::string_view body,
                               const OnChunk& on_chunk, const HeaderList& headers = {});

 private:
  class Impl;
  explicit Client(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace axle::http
