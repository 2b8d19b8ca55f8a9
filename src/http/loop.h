#pragma once

#include <array>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <functional>
#include <memory>
#include <unordered_set>

#include "base/mutex.h"

namespace axle::http {

class Connection;

// One I/O thread's event loop and the connections that live on it. Internal to the room.
//
// Held by shared_ptr because an Exchange may outlive the server and still posts to the loop.
//
// Threading: post() and close() from any thread, all else on the loop's own thread.
class Loop {
 public:
  // `tick`: how often deadlines are looked at.
  explicit Loop(std::chrono::milliseconds tick);

  boost::asio::io_context& io() { return io_; }

  // Runs `task` on the loop's thread, soon. False once the loop is closed.
  bool post(std::function<void()> task) AXLE_EXCLUDES(mutex_);

  // The thread's body: returns after close(), when nothing is left to do.
  void run();
  void close() AXLE_EXCLUDES(mutex_);

  void add(Connection& connection) { connections_.insert(&connection); }
  void remove(Connection& connection) { connections_.erase(&connection); }
  const std::unordered_set<Connection*>& connections() const { return connections_; }

  // Where bytes are received before a parser takes them; good until the next suspension.
  std::array<char, 65'536>& scratch() { return scratch_; }

 private:
  void tick();

  boost::asio::io_context io_{1};
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work_;
  boost::asio::steady_timer timer_;
  const std::chrono::milliseconds tick_;
  std::unordered_set<Connection*> connections_;  // Not owned; each removes itself.
  std::array<char, 65'536> scratch_;
  bool ended_ = false;
  Mutex mutex_;
  bool closed_ AXLE_GUARDED_BY(mutex_) = false;
};

}  // namespace axle::http
