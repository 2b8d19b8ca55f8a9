#pragma once

#include <boost/json.hpp>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "fleet/fleet.h"
#include "http/exchange.h"
#include "http/router.h"
#include "http/sse.h"

// A fleet and an exchange under the test's control. Everything happens on the calling thread.
namespace axle::api {

// Records jobs; the test plays the card.
class FakeFleet : public fleet::Fleet {
 public:
  Result<jobs::JobId> submit(jobs::Job job, std::shared_ptr<fleet::JobSink> sink,
                             std::optional<Time> deadline) override {
    if (refusal_ && jobs_.size() >= refuse_from_) return *refusal_;
    deadline_ = deadline;
    jobs_.push_back({std::move(job), std::move(sink)});
    return id(jobs_.size() - 1);
  }
  void cancel(jobs::JobId id) override { cancelled_.push_back(id); }
  void interrupt(jobs::JobId id) override { interrupted_.push_back(id); }
  std::optional<fleet::QueuePlace> queue_place(jobs::JobId) const override { return place_; }
  std::chrono::seconds retry_after() const override { return std::chrono::seconds(3); }
  fleet::Health health() const override { return {}; }
  std::vector<fleet::ModelHealth> models() const override { return {}; }
  fleet::Counters counters() const override { return {}; }
  void stop(std::chrono::milliseconds) override {}

  // What every job's place in the queue is from now on.
  void set_place(std::optional<fleet::QueuePlace> place) { place_ = place; }
  void refuse(Status status) { refuse_after(0, std::move(status)); }
  void refuse_after(std::size_t jobs, Status status) {
    refuse_from_ = jobs;
    refusal_ = std::move(status);
  }
  std::size_t size() const { return jobs_.size(); }
  const std::optional<Time>& deadline() const { return deadline_; }  // Of the newest job.
  const jobs::GenerateJob& job(std::size_t index) const {
    return std::get<jobs::GenerateJob>(jobs_.at(index).first);
  }
  jobs::JobId id(std::size_t index) const { return jobs::JobId{index + 1}; }
  const std::vector<jobs::JobId>& cancelled() const { return cancelled_; }
  const std::vector<jobs::JobId>& interrupted() const { return interrupted_; }

  void tokens(std::size_t index, std::vector<jobs::TokenId> ids) {
    event(index, jobs::Tokens{std::move(ids), 0});
  }
  void answer(std::size_t index, jobs::Tokens tokens) { event(index, std::move(tokens)); }
  void done(std::size_t index, jobs::Finish finish) { event(index, jobs::Done{finish, {}, {}}); }
  void fail(std::size_t index, Status status) {
    event(index, jobs::Failed{std::move(status), false});
  }

 private:
  void event(std::size_t index, const jobs::JobEvent& event) {
    jobs_.at(index).second->on_event(id(index), event);
  }

  std::vector<std::pair<jobs::Job, std::shared_ptr<fleet::JobSink>>> jobs_;
  std::optional<Time> deadline_;
  std::optional<fleet::QueuePlace> place_;
  std::vector<jobs::JobId> cancelled_;
  std::vector<jobs::JobId> interrupted_;
  std::optional<Status> refusal_;
  std::size_t refuse_from_ = 0;
};

// Records the answer; the test plays the client.
class FakeExchange : public http::Exchange {
 public:
  explicit FakeExchange(http::Request request) : request_(std::move(request)) {}

  const http::Request& request() const override { return request_; }
  void respond(http::Response response) override { response_ = std::move(response); }
  std::shared_ptr<http::BodyStream> start_stream(http::Response head) override {
    response_ = std::move(head);
    stream_ = std::make_shared<Stream>();
    return stream_;
  }
  void on_disconnect(std::function<void()> callback) override { disconnect_ = std::move(callback); }
  bool client_gone() const override { return false; }
  void on_stop(std::function<void()> callback) override { stop_ = std::move(callback); }

  bool answered() const { return response_.has_value(); }
  const http::Response& response() const { return response_.value(); }
  const std::string& streamed() const { return stream_->bytes; }
  bool stream_finished() const { return stream_ != nullptr && stream_->finished; }
  // The data of every event so far.
  std::vector<std::string> events() const {
    http::SseParser parser;
    const Result<std::vector<http::SseEvent>> parsed = parser.feed(stream_->bytes);
    std::vector<std::string> data;
    for (const http::SseEvent& event : *parsed) data.push_back(event.data);
    return data;
  }
  void disconnect() { disconnect_(); }
  void stop() { stop_(); }
  void set_full(bool full) { stream_->full = full; }
  void drain() { stream_->drained(); }

 private:
  struct Stream : http::BodyStream {
    http::WriteResult write(std::string text) override {
      bytes += text;
      return full ? http::WriteResult::kFull : http::WriteResult::kQueued;
    }
    void on_drain(std::function<void()> callback) override { drained = std::move(callback); }
    void finish() override { finished = true; }
    std::string bytes;
    bool full = false;
    bool finished = false;
    std::function<void()> drained;
  };

  http::Request request_;
  std::optional<http::Response> response_;
  std::shared_ptr<Stream> stream_;
  std::function<void()> disconnect_;
  std::function<void()> stop_;
};

// Routes one request as the server would.
inline std::shared_ptr<FakeExchange> send(const http::Router& router, const std::string& method,
                                          const std::string& path, std::string body) {
  http::Request request;
  request.method = method;
  request.path = path;
  request.body = std::move(body);
  request.request_id = "test";
  for (std::size_t begin = 1; begin <= path.size();) {
    const std::size_t end = std::min(path.find('/', begin), path.size());
    request.segments.push_back(path.substr(begin, end - begin));
    begin = end + 1;
  }
  const http::Router::Match match = router.match(method, request.segments);
  for (const auto& [name, value] : match.params) request.params[name] = value;
  auto exchange = std::make_shared<FakeExchange>(std::move(request));
  (*match.handler)(exchange);
  return exchange;
}

// The joined content deltas of one choice.
inline std::string streamed_text(const std::vector<std::string>& events, std::int64_t choice) {
  std::string text;
  for (const std::string& data : events) {
    if (data == "[DONE]") continue;
    const boost::json::value event = boost::json::parse(data);
    for (const auto& entry : event.at("choices").as_array()) {
      const auto* content = entry.at("delta").as_object().if_contains("content");
      if (content != nullptr && entry.at("index") == choice)
        text += std::string(content->get_string());
    }
  }
  return text;
}

}  // namespace axle::api
