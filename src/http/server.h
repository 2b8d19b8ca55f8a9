#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "http/router.h"

namespace axle::http {

// One address to listen on: a numeric one, "localhost" (127.0.0.1) or "*" (0.0.0.0). Port 0 picks a
// free one. "::" takes IPv4 clients too.
struct Listener {
  std::string address = "127.0.0.1";
  std::uint16_t port = 0;
};

struct ServerOptions {
  std::vector<Listener> listeners = {Listener{}};
  int threads = 1;                              // I/O threads, 1 to 64.
  int worker_threads = 4;                       // Threads that run handlers, 1 to 256.
  std::size_t worker_queue = 256;               // Requests that may wait for one; more get 503.
  std::size_t max_connections = 10'000;         // Open at once; more get 503.
  std::size_t max_header_bytes = 65'536;        // Request line and header fields together.
  std::size_t max_body_bytes = 64u << 20;       // After transfer decoding; more gets 413.
  std::size_t stream_queue_bytes = 256u << 10;  // Unsent bytes after which a stream is kFull.
  // A connection without a request.
  std::chrono::milliseconds idle_timeout = std::chrono::seconds(120);
  // A whole request head; and a body slower than 1 KiB/s may lag by so much.
  std::chrono::milliseconds read_timeout = std::chrono::seconds(30);
  // A client that takes none of the waiting bytes.
  std::chrono::milliseconds write_timeout = std::chrono::seconds(30);
  // After on_stop, before the cut.
  std::chrono::milliseconds stop_notice = std::chrono::seconds(1);
  // Keys that open routes of Access::kKey, as "Authorization: Bearer KEY", "x-api-key: KEY" or the
  // password of "Authorization: Basic" (a key "user:password" wants both). Empty: all may call.
  std::vector<std::string> api_keys = {};
  // Web pages that may read answers: {"*"} for any (then without credentials), or a list of origins
  // as browsers send them ("http://kiosk.local:3000"), or empty for none.
  std::vector<std::string> cors_origins = {"*"};
};

// What the server has done since it started.
struct ServerCounters {
  std::uint64_t connections_open = 0;
  std::uint64_t connections_total = 0;
  std::uint64_t requests_total = 0;    // Requests whose head could be read.
  std::uint64_t requests_active = 0;   // Given to a handler, not answered in full.
  std::uint64_t requests_refused = 0;  // 503: too many connections or a full worker queue.
  std::uint64_t disconnects = 0;       // Clients that went before their answer was complete.
  std::uint64_t bytes_received = 0;
  std::uint64_t bytes_sent = 0;
};

// An HTTP/1.1 server (1.0 clients are served too) with keep-alive, chunked bodies both ways,
// 100-continue, CORS, API keys and request ids. I/O threads move bytes; handlers run on worker
// threads, so that they may compute but should not wait.
//
// Threading: stop(), port() and counters() from any thread.
class Server {
 public:
  // Binds every listener and starts the threads. Raises the process's soft limit of open files
  // towards its hard limit when `max_connections` needs it.
  //
  // Errors: kUnavailable      an address is in use, or may not be bound by this user.
  //         kInvalidArgument  an address that is none, or an option out of its range.
  static Result<std::unique_ptr<Server>> start(ServerOptions options, Router router);

  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;
  // stop() without grace.
  ~Server();

  // The port of listener `index`, also where 0 was asked for. 0 for an index that is none.
  std::uint16_t port(std::size_t index = 0) const;

  // Ends the server: closes the listeners and the idle connections, answers new requests and those
  // that are not here whole with 503, lets running ones finish for `grace`, then calls their
  // on_stop, waits `stop_notice` and cuts what is left. Returns when all threads have ended; waits
  // for handlers that have not returned. Calling it again does nothing. Not to be called from a
  // handler or callback.
  void stop(std::chrono::milliseconds grace);

  ServerCounters counters() const;

 private:
  class Impl;
  explicit Server(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace axle::http
