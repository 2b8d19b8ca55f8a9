#include "worker/front_socket.h"

#include <fmt/format.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

namespace axle::worker {
namespace {

constexpr std::size_t kReadBytes = 64 * 1024;

}  // namespace

FrontSocket::~FrontSocket() { ::close(fd_); }

Status FrontSocket::send(const jobs::Message& message) {
  AXLE_TRY_ASSIGN(const std::string frame, jobs::encode(message));
  std::string_view rest = frame;
  const MutexLock lock(mutex_);
  while (!rest.empty()) {
    const ssize_t count = ::send(fd_, rest.data(), rest.size(), MSG_NOSIGNAL);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0)
      return unavailable(fmt::format("cannot write to the front: {}", std::strerror(errno)));
    rest.remove_prefix(static_cast<std::size_t>(count));
  }
  return Status();
}

Result<bool> FrontSocket::receive(std::vector<jobs::Message>& messages) {
  std::array<char, kReadBytes> buffer;  // Not cleared: it is written before it is read.
  ssize_t count = 0;
  do {
    count = ::recv(fd_, buffer.data(), buffer.size(), 0);
  } while (count < 0 && errno == EINTR);
  if (count <= 0) return false;
  AXLE_TRY(
      reader_.feed(std::string_view(buffer.data(), static_cast<std::size_t>(count)), messages));
  return true;
}

void FrontSocket::shut_down() { ::shutdown(fd_, SHUT_RDWR); }

}  // namespace axle::worker
