#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "http/core.h"
#include "http/exchange_state.h"
#include "http/loop.h"
#include "http/request_parser.h"
#include "http/response_writer.h"

namespace axle::http {

// One client's connection: reads requests, one after the other, has them answered, and watches for
// the client's leaving meanwhile. Internal to the room.
//
// A coroutine drives it; its steps are static functions that hold the connection by value, because
// g++ 12 mishandles references and captures across a suspension.
//
// Held by shared_ptr because the coroutine, the watch on the socket and the wake-ups of handlers
// all refer to it.
//
// Threading: the thread of its loop only.
class Connection : public std::enable_shared_from_this<Connection> {
 public:
  using Socket = boost::asio::ip::tcp::socket;
  using Clock = std::chrono::steady_clock;

  // A refused request's body up to this size is read and thrown away, so that the connection can be
  // kept.
  static constexpr std::uint64_t kDrainBytes = 1u << 20;

  Connection(std::shared_ptr<Loop> loop, Socket socket, ServerCore& core);

  void start();
  // Called by the loop now and then: acts on a deadline that has passed.
  void check(Clock::time_point now);
  // The three steps of stopping: no further request; tell the handler; end.
  void begin_stop();
  void notify_stop();
  void cut();

 private:
  enum class Phase : std::uint8_t { kIdle, kReading, kServing };
  enum class Flow : std::uint8_t { kDone, kBlocked, kFailed };
  enum class BodyOutcome : std::uint8_t { kWhole, kRefused, kGone };
  template <typename T>
  using Task = boost::asio::awaitable<T>;
  using Self = std::shared_ptr<Connection>;

  // Each returns false when the connection has to end.
  static Task<void> run(Self self);
  static Task<bool> read_head(Self self);
  static Task<bool> handle(Self self);
  static Task<bool> answer_early(Self self, Response response);
  static Task<BodyOutcome> read_body(Self self, RequestParser::BodyUse use);
  static Task<bool> dispatch(Self self);
  static Task<void> serve(Self self);
  static Task<bool> refuse(Self self, ErrorInfo error);
  static Task<bool> send_whole(Self self, Response response);
  static Task<bool> flush(Self self);
  static Task<void> linger(Self self);

  // What is answered, without I/O: connection_answers.cc.
  std::optional<Response> early_answer();
  std::optional<Response> locate();
  ErrorInfo parser_error(const Status& status) const;
  static ErrorInfo stopping_error();
  static constexpr std::string_view kStopRetryAfter = "5";  // Seconds that a restart may take.
  Response error(const ErrorInfo& info) const { return core_.router.write_error(segments(), info); }
  const std::vector<std::string>& segments() const { return request_.segments; }
  bool may_drain_body() const;

  // Output: fills out_.
  void queue_whole(Response response);
  void queue_stream(ExchangeState::Output& output);
  void queue_output(ExchangeState::Output& output);
  Flow flush_now();

  Flow receive(std::string_view& bytes);
  void set_deadline(std::chrono::milliseconds from_now) { deadline_ = Clock::now() + from_now; }
  void clear_deadline() { deadline_ = Clock::time_point::max(); }

  void watch();
  void peer_event(std::uint64_t turn, bool cancelled);
  void peer_gone();
  void break_off();
  void end_exchange();
  void wake();
  std::function<void()> remote_wake();
  void close();

  std::shared_ptr<Loop> loop_;
  ServerCore& core_;
  Socket socket_;
  boost::asio::steady_timer waker_;  // Never expires; cancelled to wake the coroutine.
  Clock::time_point deadline_ = Clock::time_point::max();
  std::string remote_address_;

  std::string carry_;                      // Bytes of the next request.
  std::unique_ptr<RequestParser> parser_;  // Of the request being read.
  Request request_;                        // Until a handler gets it.
  RequestParser::Framing framing_;
  const Handler* handler_ = nullptr;
  std::string request_id_;
  HeaderList cors_headers_;
  std::shared_ptr<ExchangeState> state_;  // While serving.

  std::string out_;
  std::size_t out_offset_ = 0;
  BodyFraming stream_framing_ = BodyFraming::kChunked;
  std::uint64_t turn_ = 0;  // Counts exchanges: tells a late watch from the present one.
  Phase phase_ = Phase::kIdle;
  bool head_request_ = false;
  bool keep_alive_ = false;
  bool must_linger_ = false;
  bool woken_ = false;
  bool watching_ = false;
  bool bytes_waiting_ = false;  // The next request has begun: the watch cannot see the end.
  bool gone_ = false;
  bool timed_out_ = false;
  bool closing_ = false;
};

}  // namespace axle::http
