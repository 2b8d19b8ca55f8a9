#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "fleet/process.h"
#include "jobs/frame.h"

namespace axle::fleet {

// A card process and the socket to it. Nothing here blocks.
//
// Threading: none; the fleet's thread owns it.
class CardLink {
 public:
  // Starts a card process; the one before must be reaped.
  // Errors: as ChildProcess::start; kUnavailable  no socket.
  Status start(const std::vector<std::string>& command);

  // Queues a message and sends as much as the socket takes.
  // Errors: kInvalidArgument  it cannot be encoded. A lost connection is no error: the end of the
  // stream will be read.
  Status send(const jobs::Message& message);
  void flush();

  // Appends what has arrived to `messages`, those before an error too. At the end of the stream the
  // link disconnects. Errors: kCorrupt  not our protocol.
  Status receive(std::vector<jobs::Message>& messages);

  // Forgets the socket; the process must be killed or ending.
  void disconnect();

  bool connected() const { return socket_.valid(); }
  int descriptor() const { return socket_.get(); }
  bool wants_to_write() const { return sent_ < outgoing_.size(); }
  ChildProcess& process() { return process_; }

 private:
  ChildProcess process_;
  Descriptor socket_;
  jobs::FrameReader reader_;
  std::string outgoing_;  // Frames, of which the first sent_ bytes are gone.
  std::size_t sent_ = 0;
};

}  // namespace axle::fleet
