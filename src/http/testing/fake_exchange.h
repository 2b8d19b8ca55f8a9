#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/mutex.h"
#include "http/exchange.h"
#include "http/router.h"
#include "http/sse.h"

namespace axle::http::testing {

// Records the answer; the test plays the client.
//
// Threading: answers may come from any thread; what reads them waits where its name says so.
class FakeExchange : public Exchange {
 public:
  explicit FakeExchange(Request request) : request_(std::move(request)) {}

  const Request& request() const override { return request_; }
  void respond(Response response) override {
    const MutexLock lock(mutex_);
    response_ = std::move(response);
    changed_.notify_all();
  }
  std::shared_ptr<BodyStream> start_stream(Response head) override {
    const MutexLock lock(mutex_);
    stream_ = std::make_shared<Stream>();
    if (!head.body.empty()) stream_->write(std::move(head.body));
    response_ = std::move(head);
    changed_.notify_all();
    return stream_;
  }
  void on_disconnect(std::function<void()> callback) override { disconnect_ = std::move(callback); }
  bool client_gone() const override { return false; }
  void on_stop(std::function<void()> callback) override { stop_ = std::move(callback); }

  bool answered() const {
    const MutexLock lock(mutex_);
    return response_.has_value();
  }
  // Waits a minute at most; false when there is none then.
  bool wait_for_answer() const {
    return wait([this]() AXLE_NO_THREAD_SAFETY_ANALYSIS { return response_.has_value(); });
  }
  bool wait_for_stream_end() const {
    if (!wait([this]() AXLE_NO_THREAD_SAFETY_ANALYSIS { return stream_ != nullptr; })) return false;
    return stream_->wait_for_end();
  }
  // REQUIRES: answered().
  Response response() const {
    const MutexLock lock(mutex_);
    return response_.value();
  }
  std::string streamed() const { return stream_->bytes(); }
  bool stream_finished() const { return stream_ != nullptr && stream_->finished(); }
  // The data of every event so far.
  std::vector<std::string> events() const {
    SseParser parser;
    const Result<std::vector<SseEvent>> parsed = parser.feed(stream_->bytes());
    std::vector<std::string> data;
    for (const SseEvent& event : *parsed) data.push_back(event.data);
    return data;
  }
  void disconnect() { disconnect_(); }
  void stop() { stop_(); }
  void set_full(bool full) { stream_->set_full(full); }
  void drain() { stream_->drain(); }

 private:
  static std::chrono::steady_clock::time_point in_a_minute() {
    return std::chrono::steady_clock::now() + std::chrono::minutes(1);
  }

  class Stream : public BodyStream {
   public:
    WriteResult write(std::string text) override {
      const MutexLock lock(mutex_);
      bytes_ += text;
      return full_ ? WriteResult::kFull : WriteResult::kQueued;
    }
    void on_drain(std::function<void()> callback) override {
      const MutexLock lock(mutex_);
      drained_ = std::move(callback);
    }
    void finish() override {
      const MutexLock lock(mutex_);
      finished_ = true;
      changed_.notify_all();
    }
    bool wait_for_end() const {
      const MutexLock lock(mutex_);
      const auto deadline = in_a_minute();
      while (!finished_) {
        if (!changed_.wait_until(mutex_, deadline)) return finished_;
      }
      return true;
    }
    std::string bytes() const {
      const MutexLock lock(mutex_);
      return bytes_;
    }
    bool finished() const {
      const MutexLock lock(mutex_);
      return finished_;
    }
    void set_full(bool full) {
      const MutexLock lock(mutex_);
      full_ = full;
    }
    void drain() {
      std::function<void()> callback;
      {
        const MutexLock lock(mutex_);
        callback = drained_;
      }
      callback();
    }

   private:
    mutable Mutex mutex_;
    mutable Condition changed_;
    std::string bytes_ AXLE_GUARDED_BY(mutex_);
    bool full_ AXLE_GUARDED_BY(mutex_) = false;
    bool finished_ AXLE_GUARDED_BY(mutex_) = false;
    std::function<void()> drained_ AXLE_GUARDED_BY(mutex_);
  };

  template <typename Condition>
  bool wait(Condition holds) const {
    const MutexLock lock(mutex_);
    const auto deadline = in_a_minute();
    while (!holds()) {
      if (!changed_.wait_until(mutex_, deadline)) return holds();
    }
    return true;
  }

  const Request request_;
  mutable Mutex mutex_;
  mutable Condition changed_;
  std::optional<Response> response_ AXLE_GUARDED_BY(mutex_);
  std::shared_ptr<Stream> stream_;  // Set once, before the answer is seen.
  std::function<void()> disconnect_;
  std::function<void()> stop_;
};

// A request as the server hands it on: `path` may end with a query ("/a?b=c", not escaped).
inline Request make_request(const std::string& method, const std::string& path, std::string body) {
  Request request;
  request.method = method;
  request.target = path;
  request.path = path.substr(0, path.find('?'));
  request.body = std::move(body);
  request.request_id = "test";
  request.remote_address = "192.0.2.1";
  for (std::size_t begin = 1; begin <= request.path.size();) {
    const std::size_t end = std::min(request.path.find('/', begin), request.path.size());
    request.segments.push_back(request.path.substr(begin, end - begin));
    begin = end + 1;
  }
  for (std::size_t begin = request.path.size() + 1; begin < path.size();) {
    const std::size_t end = std::min(path.find('&', begin), path.size());
    const std::string field = path.substr(begin, end - begin);
    const std::size_t equals = std::min(field.find('='), field.size());
    request.query.emplace(field.substr(0, equals),
                          equals < field.size() ? field.substr(equals + 1) : "");
    begin = end + 1;
  }
  return request;
}

// Routes one request as the server would.
inline std::shared_ptr<FakeExchange> send(const Router& router, Request request) {
  const Router::Match match = router.match(request.method, request.segments);
  for (const auto& [name, value] : match.params) request.params[name] = value;
  auto exchange = std::make_shared<FakeExchange>(std::move(request));
  (*match.handler)(exchange);
  return exchange;
}
inline std::shared_ptr<FakeExchange> send(const Router& router, const std::string& method,
                                          const std::string& path, std::string body) {
  return send(router, make_request(method, path, std::move(body)));
}

}  // namespace axle::http::testing
