#pragma once

#include <string_view>
#include <vector>

#include "base/mutex.h"
#include "base/result.h"
#include "jobs/frame.h"

namespace axle::worker {

// The card process's end of the socket. Owns the descriptor.
//
// Threading: send() from any thread, one after the other; receive() from one; shut_down() from any.
class FrontSocket {
 public:
  explicit FrontSocket(int fd) : fd_(fd) {}
  ~FrontSocket();
  FrontSocket(const FrontSocket&) = delete;
  FrontSocket& operator=(const FrontSocket&) = delete;

  // Waits until the socket has taken the whole frame.
  // Errors: kUnavailable  the front is gone; kInvalidArgument  as jobs::encode.
  Status send(const jobs::Message& message);

  // Waits for bytes and appends the messages that they complete. False at the end of the stream.
  // Errors: kCorrupt  not our protocol.
  Result<bool> receive(std::vector<jobs::Message>& messages);

  // Ends both directions: a waiting receive() returns.
  void shut_down();

 private:
  const int fd_;
  jobs::FrameReader reader_;
  Mutex mutex_;  // One frame at a time.
};

}  // namespace axle::worker
