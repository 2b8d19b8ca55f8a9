#include "http/connection.h"

#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <cerrno>
#include <exception>
#include <utility>

#include "base/log.h"

namespace axle::http {

namespace {

using boost::system::error_code;

constexpr auto kAwait = boost::asio::as_tuple(boost::asio::use_awaitable);
// The slowest body that is put up with, beyond read_timeout.
constexpr std::int64_t kSlowestBytesPerSecond = 1024;
// How long a refused client may go on sending before the connection is cut.
constexpr std::chrono::milliseconds kLingerTime = std::chrono::seconds(10);
// Output buffers above this size are given back after use.
constexpr std::size_t kKeptCapacity = 1024;

// Runs on a worker thread.
void run_handler(const Handler& handler, const std::shared_ptr<ExchangeState>& state) {
  if (state->client_gone()) return;
  const std::shared_ptr<Exchange> exchange = make_exchange(state);
  try {
    handler(exchange);
  } catch (const std::exception& exception) {
    state->give_up(exception.what());
  } catch (...) {
    state->give_up("it threw something that is no std::exception");
  }
}

}  // namespace

Connection::Connection(std::shared_ptr<Loop> loop, Socket socket, ServerCore& core)
    : loop_(std::move(loop)), core_(core), socket_(std::move(socket)), waker_(loop_->io()) {
  error_code error;
  socket_.non_blocking(true, error);
  socket_.set_option(boost::asio::ip::tcp::no_delay(true), error);
  const auto peer = socket_.remote_endpoint(error);
  if (!error) remote_address_ = peer.address().to_string();
  waker_.expires_at(Clock::time_point::max());
}

void Connection::start() {
  loop_->add(*this);
  boost::asio::co_spawn(loop_->io(), run(shared_from_this()), boost::asio::detached);
}

Connection::Task<void> Connection::run(Self self) {
  try {
    while (!self->closing_) {
      if (!co_await read_head(self)) break;
      if (!co_await handle(self)) break;
    }
    if (self->must_linger_) co_await linger(self);
  } catch (const std::exception& exception) {  // Out of memory, most likely.
    AXLE_LOG_ERROR("http", "a connection failed: {}", exception.what());
  }
  self->close();
}

void Connection::close() {
  end_exchange();
  error_code error;
  socket_.close(error);
  loop_->remove(*this);
  core_.connection_closed();
}

// Reading ------------------------------------------------------------------------------------

Connection::Flow Connection::receive(std::string_view& bytes) {
  std::array<char, 65'536>& scratch = loop_->scratch();
  const ssize_t count =
      ::recv(socket_.native_handle(), scratch.data(), scratch.size(), MSG_DONTWAIT);
  if (count > 0) {
    bytes = std::string_view(scratch.data(), static_cast<std::size_t>(count));
    core_.bytes_received += bytes.size();
    return Flow::kDone;
  }
  const bool again = count < 0 && (errno == EAGAIN || errno == EINTR);
  return again ? Flow::kBlocked : Flow::kFailed;
}

Connection::Task<bool> Connection::read_head(Self self) {
  const ServerOptions& options = self->core_.options;
  const ParserLimits limits{options.max_header_bytes, options.max_body_bytes};
  self->parser_ = std::make_unique<RequestParser>(limits);
  self->request_ = {};
  self->request_id_.clear();
  self->cors_headers_.clear();
  self->keep_alive_ = false;
  self->phase_ = Phase::kIdle;
  self->set_deadline(options.idle_timeout);
  Status status = self->parser_->feed(std::exchange(self->carry_, {}));
  while (status.ok() && !self->parser_->head_done()) {
    if (self->phase_ == Phase::kIdle && self->parser_->started()) {
      self->phase_ = Phase::kReading;
      self->set_deadline(options.read_timeout);
    }
    if (self->core_.stopping) {
      if (self->phase_ == Phase::kIdle) co_return false;
      ErrorInfo stop = stopping_error();
      co_return co_await refuse(self, std::move(stop));
    }
    co_await self->socket_.async_wait(Socket::wait_read, kAwait);
    if (self->timed_out_ && self->phase_ == Phase::kReading) {
      ErrorInfo late;
      late.status = 408;
      late.code = "request_timeout";
      late.message = "the request head did not arrive in time";
      co_return co_await refuse(self, std::move(late));
    }
    if (self->timed_out_ || self->closing_) co_return false;
    std::string_view bytes;
    const Flow flow = self->receive(bytes);
    if (flow == Flow::kFailed) co_return false;
    if (flow == Flow::kDone) status = self->parser_->feed(bytes);
  }
  self->clear_deadline();
  self->phase_ = Phase::kReading;
  if (!status.ok()) {
    ErrorInfo error = self->parser_error(status);
    co_return co_await refuse(self, std::move(error));
  }
  co_return true;
}

Connection::Task<Connection::BodyOutcome> Connection::read_body(Self self,
                                                                RequestParser::BodyUse use) {
  const bool discard = use == RequestParser::BodyUse::kDiscard;
  const Clock::time_point start = Clock::now();
  self->parser_->read_body(use);
  Status status = self->parser_->feed({});
  while (status.ok() && !self->parser_->done()) {
    const auto received = static_cast<std::int64_t>(self->parser_->body_bytes());
    if (discard && self->parser_->body_bytes() > kDrainBytes) co_return BodyOutcome::kGone;
    if (self->core_.stopping) {
      if (discard) co_return BodyOutcome::kGone;
      ErrorInfo stop = stopping_error();
      co_await refuse(self, std::move(stop));
      co_return BodyOutcome::kRefused;
    }
    self->deadline_ = start + self->core_.options.read_timeout +
                      std::chrono::milliseconds(received * 1000 / kSlowestBytesPerSecond);
    co_await self->socket_.async_wait(Socket::wait_read, kAwait);
    if (self->timed_out_) {
      if (discard) co_return BodyOutcome::kGone;
      ErrorInfo late;
      late.status = 408;
      late.code = "request_timeout";
      late.message = "the request body did not arrive in time";
      co_await refuse(self, std::move(late));
      co_return BodyOutcome::kRefused;
    }
    if (self->closing_) co_return BodyOutcome::kGone;
    std::string_view bytes;
    const Flow flow = self->receive(bytes);
    if (flow == Flow::kFailed) co_return BodyOutcome::kGone;
    if (flow == Flow::kDone) status = self->parser_->feed(bytes);
  }
  self->clear_deadline();
  if (status.ok()) co_return BodyOutcome::kWhole;
  if (discard) co_return BodyOutcome::kGone;
  ErrorInfo error = self->parser_error(status);
  co_await refuse(self, std::move(error));
  co_return BodyOutcome::kRefused;
}

// Handling -----------------------------------------------------------------------------------

Connection::Task<bool> Connection::handle(Self self) {
  std::optional<Response> early = self->early_answer();
  if (early) co_return co_await answer_early(self, *std::move(early));
  if (self->framing_.expects_continue) {
    self->out_ = "HTTP/1.1 100 Continue\r\n\r\n";
    if (!co_await flush(self)) co_return false;
  }
  const BodyOutcome outcome = co_await read_body(self, RequestParser::BodyUse::kKeep);
  if (outcome != BodyOutcome::kWhole) co_return false;
  self->request_.body = self->parser_->take_body();
  self->carry_ = self->parser_->take_rest();
  self->parser_.reset();
  co_return co_await dispatch(self);
}

Connection::Task<bool> Connection::answer_early(Self self, Response response) {
  const bool has_body = !self->parser_->done();
  if (has_body && !self->may_drain_body()) {
    self->keep_alive_ = false;
    self->must_linger_ = true;
  }
  if (!co_await send_whole(self, std::move(response))) co_return false;
  if (!self->keep_alive_) {
    self->must_linger_ = has_body;
    co_return false;
  }
  const BodyOutcome outcome = co_await read_body(self, RequestParser::BodyUse::kDiscard);
  if (outcome != BodyOutcome::kWhole) {
    self->must_linger_ = true;
    co_return false;
  }
  self->carry_ = self->parser_->take_rest();
  co_return true;
}

// The answer to what is no usable request; ends the connection.
Connection::Task<bool> Connection::refuse(Self self, ErrorInfo error) {
  self->clear_deadline();
  self->timed_out_ = false;
  if (self->request_id_.empty()) {
    self->request_id_ = new_request_id();
    self->head_request_ = false;
    self->core_.cors.decorate({}, self->cors_headers_);
  }
  self->keep_alive_ = false;
  self->must_linger_ = true;
  Response response = self->error(error);
  if (error.status == 503) set_header(response.headers, "Retry-After", kStopRetryAfter);
  co_await send_whole(self, std::move(response));
  co_return false;
}

// Serving ------------------------------------------------------------------------------------

Connection::Task<bool> Connection::dispatch(Self self) {
  self->state_ = std::make_shared<ExchangeState>(
      std::move(self->request_), self->core_.options.stream_queue_bytes, self->remote_wake());
  self->request_ = {};
  self->phase_ = Phase::kServing;
  ++self->core_.requests_active;
  const bool taken = self->core_.workers.try_push(
      [handler = self->handler_, state = self->state_] { run_handler(*handler, state); });
  if (!taken) {
    ++self->core_.requests_refused;
    Response busy = self->core_.router.write_error(
        self->state_->request().segments,
        {.status = 503,
         .code = "server_busy",
         .message = "too many requests wait already; try again in a moment"});
    set_header(busy.headers, "Retry-After", "1");
    self->state_->respond(std::move(busy));
  }
  co_await serve(self);
  const bool go_on = self->keep_alive_ && !self->gone_;
  self->end_exchange();
  co_return go_on;
}

Connection::Task<void> Connection::serve(Self self) {
  self->woken_ = false;
  self->watch();
  bool complete = false;
  while (!complete && !self->gone_) {
    ExchangeState::Output output = self->state_->take_output();
    if (output.empty()) {
      if (!self->woken_) co_await self->waker_.async_wait(kAwait);
      self->woken_ = false;
      if (self->closing_) self->peer_gone();
      continue;
    }
    complete = output.finished;
    const std::size_t stream_bytes = output.is_stream ? output.bytes.size() : 0;
    self->queue_output(output);
    const Flow flow = self->flush_now();
    bool sent = flow == Flow::kDone && !output.broken;
    if (flow == Flow::kBlocked && !output.broken) sent = co_await flush(self);
    if (!sent) {
      self->break_off();
      co_return;
    }
    self->state_->sent(stream_bytes);
    if (self->head_request_ && output.is_stream) complete = true;
  }
}

// Lets go of the exchange, whatever its state.
void Connection::end_exchange() {
  ++turn_;
  bytes_waiting_ = false;
  if (std::exchange(watching_, false)) {
    error_code error;
    socket_.cancel(error);
  }
  const std::shared_ptr<ExchangeState> state = std::exchange(state_, nullptr);
  if (!state) return;
  --core_.requests_active;
  if (state->close()) ++core_.disconnects;
}

void Connection::watch() {
  watching_ = true;
  socket_.async_wait(Socket::wait_read,
                     [self = shared_from_this(), turn = turn_](const error_code& error) {
                       self->peer_event(turn, static_cast<bool>(error));
                     });
}

// The socket became readable while a request is served: the next request, or the end. Nothing is
// taken out, so that a pipelined request stays for later.
void Connection::peer_event(std::uint64_t turn, bool cancelled) {
  if (turn != turn_) return;
  watching_ = false;
  if (cancelled) return;
  char byte = 0;
  const ssize_t count = ::recv(socket_.native_handle(), &byte, 1, MSG_PEEK | MSG_DONTWAIT);
  if (count > 0) {
    bytes_waiting_ = true;  // From here check() looks for the end.
  } else if (count < 0 && (errno == EAGAIN || errno == EINTR)) {
    watch();
  } else {
    peer_gone();
  }
}

void Connection::peer_gone() {
  gone_ = true;
  if (state_ && state_->close()) ++core_.disconnects;
  wake();
}

// Ends an answer that is not complete, so that the client can tell.
void Connection::break_off() {
  error_code error;
  if (framing_.http_1_0) socket_.set_option(Socket::linger(true, 0), error);
  peer_gone();
}

void Connection::wake() {
  woken_ = true;
  waker_.cancel();
}

std::function<void()> Connection::remote_wake() {
  return [loop = loop_, weak = weak_from_this()] {
    loop->post([weak] {
      if (const Self self = weak.lock()) self->wake();
    });
  };
}

void Connection::check(Clock::time_point now) {
  if (bytes_waiting_ && !gone_) {
    pollfd poll_socket{.fd = socket_.native_handle(), .events = POLLRDHUP, .revents = 0};
    if (::poll(&poll_socket, 1, 0) == 1) peer_gone();
  }
  if (now < deadline_) return;
  clear_deadline();
  timed_out_ = true;
  error_code error;
  socket_.cancel(error);
}

void Connection::begin_stop() {
  if (phase_ == Phase::kServing) return;
  if (phase_ == Phase::kIdle) closing_ = true;
  // A request that is still being sent is refused; a client that was refused has not long to read.
  deadline_ = std::min(deadline_, Clock::now() + core_.options.stop_notice);
  error_code error;
  socket_.cancel(error);
}

void Connection::notify_stop() {
  if (state_) state_->notify_stop();
}

void Connection::cut() {
  closing_ = true;
  must_linger_ = false;
  error_code error;
  socket_.close(error);
  wake();
}

// Sending ------------------------------------------------------------------------------------

Connection::Flow Connection::flush_now() {
  while (out_offset_ < out_.size()) {
    const ssize_t count = ::send(socket_.native_handle(), out_.data() + out_offset_,
                                 out_.size() - out_offset_, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return errno == EAGAIN ? Flow::kBlocked : Flow::kFailed;
    out_offset_ += static_cast<std::size_t>(count);
    core_.bytes_sent += static_cast<std::uint64_t>(count);
  }
  out_offset_ = 0;
  out_.clear();
  if (out_.capacity() > kKeptCapacity) out_.shrink_to_fit();
  return Flow::kDone;
}

// Sends out_; gives up when the client takes nothing for write_timeout.
Connection::Task<bool> Connection::flush(Self self) {
  for (;;) {
    const std::size_t before = self->out_offset_;
    const Flow flow = self->flush_now();
    if (flow != Flow::kBlocked) {
      self->clear_deadline();
      co_return flow == Flow::kDone;
    }
    if (self->out_offset_ != before || self->deadline_ == Clock::time_point::max()) {
      self->set_deadline(self->core_.options.write_timeout);
    }
    co_await self->socket_.async_wait(Socket::wait_write, kAwait);
    if (self->timed_out_ || self->closing_ || self->gone_) co_return false;
  }
}

Connection::Task<bool> Connection::send_whole(Self self, Response response) {
  self->queue_whole(std::move(response));
  return flush(std::move(self));
}

// Ends our side and reads on for a while: closing with unread bytes would reset the connection and
// could destroy the answer before the client has read it.
Connection::Task<void> Connection::linger(Self self) {
  error_code error;
  self->socket_.shutdown(Socket::shutdown_send, error);
  if (error) co_return;
  self->timed_out_ = false;
  const ServerOptions& options = self->core_.options;
  self->set_deadline(self->core_.stopping ? options.stop_notice
                                          : std::min(kLingerTime, options.read_timeout));
  std::uint64_t total = 0;
  while (total <= options.max_body_bytes) {
    co_await self->socket_.async_wait(Socket::wait_read, kAwait);
    if (self->timed_out_ || self->closing_) co_return;
    std::string_view bytes;
    const Flow flow = self->receive(bytes);
    if (flow == Flow::kFailed) co_return;
    total += bytes.size();
  }
}

}  // namespace axle::http
