#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>

#include "base/mutex.h"
#include "base/worker_pool.h"
#include "http/access.h"
#include "http/router.h"
#include "http/server.h"

namespace axle::http {

// What all connections of a server share. Internal to the room.
//
// Threading: the constants and atomics from any thread.
// Lifetime: outlives every connection and every running handler, but not every Exchange.
struct ServerCore {
  ServerCore(ServerOptions server_options, Router server_router)
      : options(std::move(server_options)),
        router(std::move(server_router)),
        keys(options.api_keys),
        cors(options.cors_origins),
        workers(options.worker_threads, options.worker_queue) {}

  const ServerOptions options;
  const Router router;
  const KeyRing keys;
  const CorsPolicy cors;
  WorkerPool workers;
  std::atomic<bool> stopping = false;

  std::atomic<std::uint64_t> connections_total = 0;
  std::atomic<std::uint64_t> requests_total = 0;
  std::atomic<std::uint64_t> requests_active = 0;
  std::atomic<std::uint64_t> requests_refused = 0;
  std::atomic<std::uint64_t> disconnects = 0;
  std::atomic<std::uint64_t> bytes_received = 0;
  std::atomic<std::uint64_t> bytes_sent = 0;
  std::atomic<std::uint64_t> connections_open = 0;

  void connection_opened() {
    ++connections_total;
    ++connections_open;
  }
  void connection_closed() AXLE_EXCLUDES(mutex) {
    {
      const MutexLock lock(mutex);
      --connections_open;
    }
    all_closed.notify_all();
  }
  // True when no connection is left before `deadline`.
  bool wait_until_all_closed(std::chrono::steady_clock::time_point deadline) AXLE_EXCLUDES(mutex) {
    const MutexLock lock(mutex);
    while (connections_open > 0) {
      if (!all_closed.wait_until(mutex, deadline)) return connections_open == 0;
    }
    return true;
  }

 private:
  Mutex mutex;
  Condition all_closed;
};

}  // namespace axle::http
