#include "http/loop.h"

#include <boost/asio/post.hpp>
#include <exception>

#include "base/log.h"
#include "http/connection.h"

namespace axle::http {

Loop::Loop(std::chrono::milliseconds tick)
    : work_(boost::asio::make_work_guard(io_)), timer_(io_), tick_(tick) {}

bool Loop::post(std::function<void()> task) {
  const MutexLock lock(mutex_);
  if (closed_) return false;
  boost::asio::post(io_, std::move(task));
  return true;
}

void Loop::run() {
  tick();
  for (;;) {
    try {
      io_.run();
      return;
    } catch (const std::exception& exception) {  // From a callback of a handler.
      AXLE_LOG_ERROR("http", "a callback threw: {}", exception.what());
    }
  }
}

void Loop::close() {
  post([this] {
    ended_ = true;  // A tick that is due already would start the timer again.
    work_.reset();
    timer_.cancel();
  });
  const MutexLock lock(mutex_);
  closed_ = true;
}

void Loop::tick() {
  timer_.expires_after(tick_);
  timer_.async_wait([this](const boost::system::error_code& error) {
    if (error || ended_) return;
    const auto now = std::chrono::steady_clock::now();
    for (Connection* connection : connections_) connection->check(now);
    tick();
  });
}

}  // namespace axle::http
