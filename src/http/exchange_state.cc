#include "http/exchange_state.h"

#include <utility>

#include "base/log.h"

namespace axle::http {

namespace {

// A producer that ignores kFull may write this many times the limit before the client is cut off.
constexpr std::size_t kHardLimitFactor = 4;

void call(const std::function<void()>& callback) {
  if (callback) callback();
}

class StreamHandle : public BodyStream {
 public:
  explicit StreamHandle(std::shared_ptr<ExchangeState> state, bool open)
      : state_(std::move(state)), open_(open) {}
  ~StreamHandle() override {
    if (open_) state_->stream_dropped();
  }

  WriteResult write(std::string bytes) override {
    return open_ ? state_->write(std::move(bytes)) : WriteResult::kClosed;
  }
  void on_drain(std::function<void()> callback) override {
    if (open_) state_->on_drain(std::move(callback));
  }
  void finish() override {
    if (open_) state_->finish();
  }

 private:
  std::shared_ptr<ExchangeState> state_;
  const bool open_;  // False: another answer came first.
};

class ExchangeHandle : public Exchange {
 public:
  explicit ExchangeHandle(std::shared_ptr<ExchangeState> state) : state_(std::move(state)) {}
  ~ExchangeHandle() override { state_->give_up("the handler dropped it"); }

  const Request& request() const override { return state_->request(); }
  void respond(Response response) override { state_->respond(std::move(response)); }
  std::shared_ptr<BodyStream> start_stream(Response head) override {
    const bool open = state_->start_stream(std::move(head));
    return std::make_shared<StreamHandle>(state_, open);
  }
  void on_disconnect(std::function<void()> callback) override {
    state_->on_disconnect(std::move(callback));
  }
  bool client_gone() const override { return state_->client_gone(); }
  void on_stop(std::function<void()> callback) override { state_->on_stop(std::move(callback)); }

 private:
  std::shared_ptr<ExchangeState> state_;
};

}  // namespace

std::shared_ptr<Exchange> make_exchange(std::shared_ptr<ExchangeState> state) {
  return std::make_shared<ExchangeHandle>(std::move(state));
}

ExchangeState::ExchangeState(Request request, std::size_t queue_limit_bytes,
                             std::function<void()> wake)
    : request_(std::move(request)), queue_limit_bytes_(queue_limit_bytes), wake_(std::move(wake)) {}

bool ExchangeState::must_wake() { return !closed_ && !std::exchange(wake_pending_, true); }

void ExchangeState::respond(Response response) {
  bool wake = false;
  {
    const MutexLock lock(mutex_);
    if (closed_) return;
    if (phase_ != Phase::kOpen) {
      AXLE_LOG_WARN("http", "{}: a second answer (status {}) was dropped", request_.request_id,
                    response.status);
      return;
    }
    phase_ = Phase::kComplete;
    head_ = std::move(response);
    wake = must_wake();
  }
  if (wake) wake_();
}

bool ExchangeState::start_stream(Response head) {
  bool wake = false;
  {
    const MutexLock lock(mutex_);
    if (closed_) return false;
    if (phase_ != Phase::kOpen) {
      AXLE_LOG_WARN("http", "{}: a stream after the answer was dropped", request_.request_id);
      return false;
    }
    phase_ = Phase::kStreaming;
    is_stream_ = true;
    queue_ = std::exchange(head.body, {});
    unsent_bytes_ = queue_.size();
    head_ = std::move(head);
    wake = must_wake();
  }
  if (wake) wake_();
  return true;
}

WriteResult ExchangeState::write(std::string bytes) {
  bool wake = false;
  WriteResult result = WriteResult::kQueued;
  {
    const MutexLock lock(mutex_);
    if (closed_ || phase_ != Phase::kStreaming) return WriteResult::kClosed;
    if (unsent_bytes_ > queue_limit_bytes_) bytes_after_full_ += bytes.size();
    if (bytes_after_full_ > kHardLimitFactor * queue_limit_bytes_) {
      AXLE_LOG_WARN("http", "{}: cut off, {} bytes wait for a client that does not read",
                    request_.request_id, unsent_bytes_);
      phase_ = Phase::kBroken;
      result = WriteResult::kClosed;
    } else {
      unsent_bytes_ += bytes.size();
      if (queue_.empty()) {
        queue_ = std::move(bytes);
      } else {
        queue_ += bytes;
      }
      if (unsent_bytes_ > queue_limit_bytes_) {
        full_reported_ = true;
        result = WriteResult::kFull;
      }
    }
    wake = must_wake();
  }
  if (wake) wake_();
  return result;
}

void ExchangeState::on_drain(std::function<void()> callback) {
  {
    const MutexLock lock(mutex_);
    if (closed_) return;
    drain_ = callback;
    if (!full_reported_ || unsent_bytes_ > queue_limit_bytes_ / 2) return;
    full_reported_ = false;
  }
  call(callback);
}

void ExchangeState::finish() {
  bool wake = false;
  {
    const MutexLock lock(mutex_);
    if (closed_ || phase_ != Phase::kStreaming) return;
    phase_ = Phase::kComplete;
    wake = must_wake();
  }
  if (wake) wake_();
}

void ExchangeState::on_disconnect(std::function<void()> callback) {
  {
    const MutexLock lock(mutex_);
    if (!closed_) {
      disconnect_ = std::move(callback);
      return;
    }
  }
  if (gone_) call(callback);
}

void ExchangeState::on_stop(std::function<void()> callback) {
  {
    const MutexLock lock(mutex_);
    if (closed_) return;
    if (!stopping_) {
      stop_ = std::move(callback);
      return;
    }
  }
  call(callback);
}

void ExchangeState::give_up(std::string_view reason) {
  bool wake = false;
  {
    const MutexLock lock(mutex_);
    if (closed_ || phase_ != Phase::kOpen) return;
    phase_ = Phase::kComplete;
    unanswered_ = true;
    wake = must_wake();
  }
  AXLE_LOG_ERROR("http", "{}: {} {} was not answered: {}", request_.request_id, request_.method,
                 request_.path, reason);
  if (wake) wake_();
}

void ExchangeState::stream_dropped() {
  bool wake = false;
  {
    const MutexLock lock(mutex_);
    if (closed_ || phase_ != Phase::kStreaming) return;
    phase_ = Phase::kBroken;
    wake = must_wake();
  }
  AXLE_LOG_ERROR("http", "{}: a stream was left without its end", request_.request_id);
  if (wake) wake_();
}

ExchangeState::Output ExchangeState::take_output() {
  const MutexLock lock(mutex_);
  wake_pending_ = false;
  Output output;
  output.head = std::exchange(head_, std::nullopt);
  output.is_stream = is_stream_;
  output.bytes = std::exchange(queue_, {});
  output.unanswered = unanswered_;
  output.broken = phase_ == Phase::kBroken;
  output.finished = phase_ == Phase::kComplete && !std::exchange(end_taken_, true);
  return output;
}

void ExchangeState::sent(std::size_t bytes) {
  std::function<void()> callback;
  {
    const MutexLock lock(mutex_);
    unsent_bytes_ -= bytes;
    if (unsent_bytes_ <= queue_limit_bytes_) bytes_after_full_ = 0;
    if (!full_reported_ || !drain_ || unsent_bytes_ > queue_limit_bytes_ / 2) return;
    full_reported_ = false;
    callback = drain_;
  }
  call(callback);
}

void ExchangeState::notify_stop() {
  std::function<void()> callback;
  {
    const MutexLock lock(mutex_);
    if (closed_ || phase_ == Phase::kComplete) return;
    stopping_ = true;
    callback = std::exchange(stop_, nullptr);
  }
  call(callback);
}

bool ExchangeState::close() {
  std::function<void()> disconnect;
  std::function<void()> drain;  // Destroyed outside the lock: callbacks own things.
  std::function<void()> stop;
  bool early = false;
  {
    const MutexLock lock(mutex_);
    if (closed_) return false;
    closed_ = true;
    early = phase_ == Phase::kOpen || phase_ == Phase::kStreaming || phase_ == Phase::kBroken;
    if (early) gone_ = true;
    disconnect = std::exchange(disconnect_, nullptr);
    drain = std::exchange(drain_, nullptr);
    stop = std::exchange(stop_, nullptr);
    head_.reset();
    queue_ = {};
  }
  if (early) call(disconnect);
  return early;
}

}  // namespace axle::http
