#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "http/client.h"
#include "http/server.h"

// Vocabulary of the server's tests.
namespace axle::http {

// A flag that one thread sets and another waits for, within a bound.
class Signal {
 public:
  void set() {
    // Told under the lock: the waiter may destroy the signal as soon as it has the lock.
    const std::lock_guard lock(mutex_);
    ++count_;
    changed_.notify_all();
  }
  // True once set() was called `times` times.
  bool wait(int times = 1, std::chrono::milliseconds limit = std::chrono::seconds(10)) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, limit, [this, times] { return count_ >= times; });
  }
  int count() {
    const std::lock_guard lock(mutex_);
    return count_;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  int count_ = 0;
};

// What a handler leaves for the test to answer.
class Mailbox {
 public:
  void put(std::shared_ptr<Exchange> exchange) {
    {
      const std::lock_guard lock(mutex_);
      exchanges_.push_back(std::move(exchange));
    }
    changed_.notify_all();
  }
  // The next exchange; null when none comes.
  std::shared_ptr<Exchange> take() {
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, std::chrono::seconds(10), [this] { return !exchanges_.empty(); });
    if (exchanges_.empty()) return nullptr;
    std::shared_ptr<Exchange> first = std::move(exchanges_.front());
    exchanges_.erase(exchanges_.begin());
    return first;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<std::shared_ptr<Exchange>> exchanges_;
};

struct RawAnswer {
  int status = 0;  // 0: the connection ended or stayed silent.
  std::string head;
  std::string body;  // Chunked bodies as they travel.
  bool has(std::string_view text) const { return head.find(text) != std::string::npos; }
};

// A client that sends exactly the bytes it is told.
class RawClient {
 public:
  // `receive_buffer_bytes`: 0 leaves the system's choice.
  explicit RawClient(std::uint16_t port, int receive_buffer_bytes = 0);
  ~RawClient();
  RawClient(const RawClient&) = delete;
  RawClient& operator=(const RawClient&) = delete;

  bool connected() const { return fd_ >= 0; }
  // False when the server has closed.
  bool send(std::string_view bytes);
  // One answer with its body. `head_only`: the answer to a HEAD.
  enum class Body { kExpected, kNone };
  RawAnswer read(Body body = Body::kExpected);
  // Reads until `text` was seen; returns everything up to and with it, or all there was.
  std::string read_until(std::string_view text);
  // True when the server closes the connection within ten seconds; what it sends before is dropped.
  bool closed_by_server();
  void shutdown_sending();
  void close();
  // Closes with a reset instead of a FIN.
  void reset();

 private:
  bool fill();

  int fd_ = -1;
  std::string buffer_;
};

// A server on a free port of the loopback with the routes that the tests talk to:
//   GET/POST /echo    the method, the path and the body
//   POST /length      the length of the body
//   GET /items/{id...} the id
//   GET /open         needs no key
//   GET|POST /held    goes to `mailbox`, for the test to answer
class ServerTest : public ::testing::Test {
 protected:
  ServerTest();
  ~ServerTest() override;
  void start(ServerOptions options = {});
  Client client(std::string_view key = "");
  std::uint16_t port() const { return server_->port(); }
  // Waits until `condition` holds, at most ten seconds.
  template <typename Condition>
  static bool eventually(Condition condition) {
    const auto limit = std::chrono::steady_clock::now() + std::chrono::seconds(10);
    while (!condition()) {
      if (std::chrono::steady_clock::now() > limit) return false;
      std::this_thread::yield();
    }
    return true;
  }

  Router router_;
  Mailbox mailbox_;
  std::unique_ptr<Server> server_;
};

}  // namespace axle::http
