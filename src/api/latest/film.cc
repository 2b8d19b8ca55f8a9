#include "api/latest/film.h"

#include <fmt/format.h>

#include <utility>

namespace axle::api {
namespace {

constexpr const char* kBoundary = "axle-picture";

}  // namespace

http::Response film_head() {
  http::Response head;
  head.headers = {
      {"Content-Type", fmt::format("multipart/x-mixed-replace; boundary={}", kBoundary)},
      {"Cache-Control", "no-store"},
      {"X-Accel-Buffering", "no"}};
  head.body = fmt::format("--{}\r\n", kBoundary);
  return head;
}

Film::Film(pictures::Output look, std::shared_ptr<const void> previews)
    : look_(look), previews_(std::move(previews)) {}

void Film::start(const std::shared_ptr<http::Exchange>& exchange) {
  const std::shared_ptr<http::BodyStream> stream = exchange->start_stream(film_head());
  stream->on_drain([weak = weak_from_this()] {
    if (const auto film = weak.lock()) film->drained();
  });
  const MutexLock lock(mutex_);
  stream_ = stream;
}

bool Film::wants(const pictures::Frame& frame) const {
  return frame.finished || previews_ != nullptr;
}

void Film::show(const std::string& file) {
  // The boundary follows at once: some browsers show a part only when they have seen its end.
  std::string part =
      fmt::format("Content-Type: image/jpeg\r\nContent-Length: {}\r\n\r\n{}\r\n--{}\r\n",
                  file.size(), file, kBoundary);
  const MutexLock lock(mutex_);
  if (stream_ == nullptr) return;
  if (full_) {
    next_ = std::move(part);
  } else {
    write(std::move(part));
  }
}

void Film::end() {
  const MutexLock lock(mutex_);
  if (stream_ != nullptr) stream_->finish();
}

void Film::drained() {
  const MutexLock lock(mutex_);
  full_ = false;
  if (next_) write(*std::exchange(next_, std::nullopt));
}

void Film::write(std::string part) {
  full_ = stream_->write(std::move(part)) == http::WriteResult::kFull;
}

}  // namespace axle::api
