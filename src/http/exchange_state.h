#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/mutex.h"
#include "http/exchange.h"

namespace axle::http {

// What a handler's side and a connection's side of one exchange share: the answer so far, the bytes
// that wait, and the callbacks. The handler's side writes, the connection takes. Internal to the
// room.
//
// Held by shared_ptr because either side may be the last to let go.
//
// Threading: safe from any thread; the connection's calls come from its I/O thread.
class ExchangeState {
 public:
  // What the connection shall send next.
  struct Output {
    std::optional<Response> head;  // Set once: the answer, or the head of a stream.
    bool is_stream = false;        // The head's body is not the whole body.
    std::string bytes;             // Of a stream, without chunk coding.
    bool finished = false;         // Nothing follows.
    bool unanswered = false;       // Finished, but the handler gave no answer: a 500 is due.
    bool broken = false;           // The producer vanished or was too fast: break the connection.
    bool empty() const { return !head && bytes.empty() && !finished && !broken; }
  };

  // `wake` tells the connection that take_output() has something; called with no lock held.
  ExchangeState(Request request, std::size_t queue_limit_bytes, std::function<void()> wake);

  const Request& request() const { return request_; }

  // The handler's side; contracts in exchange.h.
  void respond(Response response) AXLE_EXCLUDES(mutex_);
  // False: too late, the stream is closed from the start.
  bool start_stream(Response head) AXLE_EXCLUDES(mutex_);
  WriteResult write(std::string bytes) AXLE_EXCLUDES(mutex_);
  void on_drain(std::function<void()> callback) AXLE_EXCLUDES(mutex_);
  void finish() AXLE_EXCLUDES(mutex_);
  void on_disconnect(std::function<void()> callback) AXLE_EXCLUDES(mutex_);
  void on_stop(std::function<void()> callback) AXLE_EXCLUDES(mutex_);
  bool client_gone() const { return gone_; }
  // No answer will come (the last handle was dropped, the handler failed): asks for a 500 where
  // none was given.
  void give_up(std::string_view reason) AXLE_EXCLUDES(mutex_);
  void stream_dropped() AXLE_EXCLUDES(mutex_);

  // The connection's side.
  Output take_output() AXLE_EXCLUDES(mutex_);
  // `bytes` of a stream have left; may run the drain callback.
  void sent(std::size_t bytes) AXLE_EXCLUDES(mutex_);
  // The grace of a stopping server is over.
  void notify_stop() AXLE_EXCLUDES(mutex_);
  // The connection is done with this exchange. True when that came before the answer was complete:
  // then the client is gone, and the disconnect callback has run.
  bool close() AXLE_EXCLUDES(mutex_);

 private:
  enum class Phase : std::uint8_t { kOpen, kStreaming, kComplete, kBroken };

  // Ends a critical section of the handler's side: wakes the connection unless it was.
  bool must_wake() AXLE_REQUIRES(mutex_);

  const Request request_;
  const std::size_t queue_limit_bytes_;
  const std::function<void()> wake_;
  std::atomic<bool> gone_ = false;

  Mutex mutex_;
  Phase phase_ AXLE_GUARDED_BY(mutex_) = Phase::kOpen;
  std::optional<Response> head_ AXLE_GUARDED_BY(mutex_);
  bool is_stream_ AXLE_GUARDED_BY(mutex_) = false;
  std::string queue_ AXLE_GUARDED_BY(mutex_);
  std::size_t unsent_bytes_ AXLE_GUARDED_BY(mutex_) = 0;  // queue_ and what is being sent.
  std::size_t bytes_after_full_ AXLE_GUARDED_BY(mutex_) = 0;
  bool wake_pending_ AXLE_GUARDED_BY(mutex_) = false;
  bool unanswered_ AXLE_GUARDED_BY(mutex_) = false;
  bool end_taken_ AXLE_GUARDED_BY(mutex_) = false;
  bool full_reported_ AXLE_GUARDED_BY(mutex_) = false;
  bool stopping_ AXLE_GUARDED_BY(mutex_) = false;
  bool closed_ AXLE_GUARDED_BY(mutex_) = false;
  std::function<void()> drain_ AXLE_GUARDED_BY(mutex_);
  std::function<void()> disconnect_ AXLE_GUARDED_BY(mutex_);
  std::function<void()> stop_ AXLE_GUARDED_BY(mutex_);
};

// The handler's handle to `state`.
std::shared_ptr<Exchange> make_exchange(std::shared_ptr<ExchangeState> state);

}  // namespace axle::http
