#include "fleet/card_link.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

namespace axle::fleet {
namespace {

constexpr std::size_t kReadBytes = 64 * 1024;
constexpr int kMaxReads = 16;  // Per receive(), so that a flood cannot keep the fleet's thread.

}  // namespace

Status CardLink::start(const std::vector<std::string>& command) {
  disconnect();
  std::array<int, 2> ends{};
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) != 0)
    return unavailable(fmt::format("cannot make a socket: {}", std::strerror(errno)));
  Descriptor ours(ends[0]);
  const Descriptor theirs(ends[1]);
  if (::fcntl(ours.get(), F_SETFL, O_NONBLOCK) != 0)
    return unavailable(fmt::format("cannot set up a socket: {}", std::strerror(errno)));
  ChildProcess::Options options;
  options.command = command;
  options.command.insert(options.command.end(), {"--fd", "3"});
  options.descriptor_3 = theirs.get();
  AXLE_TRY_ASSIGN(process_, ChildProcess::start(options));
  socket_ = std::move(ours);
  return Status();
}

Status CardLink::send(const jobs::Message& message) {
  AXLE_TRY_ASSIGN(const std::string frame, jobs::encode(message));
  if (!connected()) return Status();
  outgoing_ += frame;
  flush();
  return Status();
}

void CardLink::flush() {
  while (connected() && wants_to_write()) {
    const ssize_t count = ::send(socket_.get(), outgoing_.data() + sent_, outgoing_.size() - sent_,
                                 MSG_NOSIGNAL | MSG_DONTWAIT);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return;
    if (count < 0) break;  // The process is gone; reading will say so.
    sent_ += static_cast<std::size_t>(count);
  }
  outgoing_.clear();
  sent_ = 0;
}

Status CardLink::receive(std::vector<jobs::Message>& messages) {
  std::array<char, kReadBytes> buffer;  // Not cleared: it is written before it is read.
  for (int i = 0; i < kMaxReads && connected(); ++i) {
    const ssize_t count = ::recv(socket_.get(), buffer.data(), buffer.size(), MSG_DONTWAIT);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return Status();
    if (count <= 0) {
      disconnect();
      return Status();
    }
    AXLE_TRY(
        reader_.feed(std::string_view(buffer.data(), static_cast<std::size_t>(count)), messages));
  }
  return Status();
}

void CardLink::disconnect() {
  socket_.reset();
  reader_ = jobs::FrameReader();
  outgoing_.clear();
  sent_ = 0;
}

}  // namespace axle::fleet
