#pragma once

#include <memory>
#include <stop_token>

namespace axle::app {

// Turns SIGINT and SIGTERM into a stop request while it lives: the first asks to stop, a second one
// ends the program at once. One at a time; create it before other threads, which then have the
// signals blocked.
class InterruptSource {
 public:
  InterruptSource();
  ~InterruptSource();
  InterruptSource(const InterruptSource&) = delete;
  InterruptSource& operator=(const InterruptSource&) = delete;

  std::stop_token token() const;
  // Blocks until a signal came.
  void wait() const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace axle::app
