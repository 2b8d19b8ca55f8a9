#include "http/server.h"

#include <fmt/format.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include <algorithm>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ip/v6_only.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <thread>
#include <utility>

#include "base/log.h"
#include "base/mutex.h"
#include "http/connection.h"
#include "http/core.h"
#include "http/loop.h"
#include "http/response_writer.h"

namespace axle::http {

namespace {

using boost::asio::ip::tcp;
using boost::system::error_code;
using std::chrono::milliseconds;

constexpr auto kAwait = boost::asio::as_tuple(boost::asio::use_awaitable);
constexpr milliseconds kAcceptPause{100};  // After a failed accept, e.g. out of descriptors.
constexpr rlim_t kOtherDescriptors = 256;  // Files, pipes and libraries beside the connections.

// Where connections come from. Held by shared_ptr: its coroutine and the server use it.
struct Door {
  explicit Door(boost::asio::io_context& io) : acceptor(io), pause(io) {}
  tcp::acceptor acceptor;
  boost::asio::steady_timer pause;
};

Status check_options(const ServerOptions& options) {
  const auto out_of_range = [](std::string_view name, auto value, std::string_view range) {
    return invalid_argument(
        fmt::format("server option {} is {}, it must be {}", name, value, range));
  };
  if (options.listeners.empty()) return invalid_argument("the server has no address to listen on");
  if (options.threads < 1 || options.threads > 64) {
    return out_of_range("threads", options.threads, "1 to 64");
  }
  if (options.worker_threads < 1 || options.worker_threads > 256) {
    return out_of_range("worker_threads", options.worker_threads, "1 to 256");
  }
  if (options.worker_queue < 1) return out_of_range("worker_queue", 0, "at least 1");
  if (options.max_connections < 1) return out_of_range("max_connections", 0, "at least 1");
  if (options.max_header_bytes < 256 || options.max_header_bytes > (1u << 20)) {
    return out_of_range("max_header_bytes", options.max_header_bytes, "256 to 1048576");
  }
  if (options.stream_queue_bytes < 1) return out_of_range("stream_queue_bytes", 0, "at least 1");
  for (const milliseconds timeout :
       {options.idle_timeout, options.read_timeout, options.write_timeout}) {
    if (timeout < milliseconds(1)) return out_of_range("timeout", timeout.count(), "at least 1 ms");
  }
  return {};
}

void raise_descriptor_limit(std::size_t connections) {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  const rlim_t wanted = connections + kOtherDescriptors;
  if (limit.rlim_cur >= wanted) return;
  limit.rlim_cur = std::min(wanted, limit.rlim_max);
  const bool raised = ::setrlimit(RLIMIT_NOFILE, &limit) == 0;
  if (!raised || limit.rlim_cur < wanted) {
    AXLE_LOG_WARN("http", "{} connections need {} open files, the limit is {}", connections, wanted,
                  limit.rlim_cur);
  }
}

Result<tcp::endpoint> resolve(const Listener& listener) {
  std::string address = listener.address;
  if (address == "localhost") address = "127.0.0.1";
  if (address == "*") address = "0.0.0.0";
  error_code error;
  const auto parsed = boost::asio::ip::make_address(address, error);
  if (error) {
    return invalid_argument(fmt::format(
        "\"{}\" is no address to listen on; give a numeric one, e.g. 127.0.0.1, 0.0.0.0 or ::",
        listener.address));
  }
  return tcp::endpoint(parsed, listener.port);
}

Status open_door(Door& door, const Listener& listener) {
  AXLE_TRY_ASSIGN(const tcp::endpoint endpoint, resolve(listener));
  error_code error;
  door.acceptor.open(endpoint.protocol(), error);
  // SO_REUSEADDR: a restarted server need not wait for old connections to fade (tcp(7)).
  if (!error) door.acceptor.set_option(tcp::acceptor::reuse_address(true), error);
  if (!error && endpoint.address().is_v6()) {
    door.acceptor.set_option(boost::asio::ip::v6_only(false), error);
  }
  if (!error) door.acceptor.bind(endpoint, error);
  if (!error) door.acceptor.listen(tcp::acceptor::max_listen_connections, error);
  if (!error) return {};
  const std::string where = fmt::format("{} port {}", listener.address, listener.port);
  if (error == boost::asio::error::address_in_use) {
    return unavailable(where +
                       " is already in use by another program; stop that program or choose another "
                       "port");
  }
  if (error == boost::asio::error::access_denied) {
    return unavailable(where + " may not be used by this user; choose a port from 1024 up");
  }
  if (error == boost::system::errc::address_not_available) {
    return unavailable(fmt::format(
        "cannot listen on {}: no network of this machine has that address (see: ip address)",
        where));
  }
  return unavailable(fmt::format("cannot listen on {}: {}", where, error.message()));
}

milliseconds tick_for(const ServerOptions& options) {
  const milliseconds shortest =
      std::min({options.idle_timeout, options.read_timeout, options.write_timeout});
  return std::clamp(shortest / 4, milliseconds(5), milliseconds(1000));
}

void turn_away(tcp::socket socket) {
  Response refused =
      openai_error({.status = 503, .code = "server_busy", .message = "too many connections"});
  set_header(refused.headers, "Retry-After", "1");
  const std::string bytes =
      write_head(refused, choose_request_id(std::nullopt),
                 {.content_length = refused.body.size(), .keep_alive = false}) +
      refused.body;
  error_code error;
  socket.non_blocking(true, error);
  if (::send(socket.native_handle(), bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT) > 0) {
    socket.shutdown(tcp::socket::shutdown_both, error);
  }
}

}  // namespace

class Server::Impl {
 public:
  Impl(ServerOptions options, Router router) : core_(std::move(options), std::move(router)) {
    const milliseconds tick = tick_for(core_.options);
    for (int i = 0; i < core_.options.threads; ++i) loops_.push_back(std::make_shared<Loop>(tick));
  }
  ~Impl() { stop(milliseconds(0)); }
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;

  Status open();
  void start();
  void stop(milliseconds grace) AXLE_EXCLUDES(stop_mutex_);
  std::uint16_t port(std::size_t index) const {
    return index < ports_.size() ? ports_[index] : std::uint16_t{0};
  }
  ServerCounters counters() const;

 private:
  static boost::asio::awaitable<void> accept_all(Impl* server, std::shared_ptr<Door> door);
  void take(std::shared_ptr<Loop> loop, tcp::socket socket);
  // Calls `step` on every connection, each on its loop's thread.
  void on_all_connections(void (Connection::*step)());

  ServerCore core_;
  std::vector<std::shared_ptr<Loop>> loops_;
  std::vector<std::shared_ptr<Door>> doors_;
  std::vector<std::uint16_t> ports_;
  std::size_t next_loop_ = 0;  // Used by the first loop's thread, which accepts.
  std::vector<std::thread> threads_;
  Mutex stop_mutex_;
  bool stopped_ AXLE_GUARDED_BY(stop_mutex_) = false;
};

Status Server::Impl::open() {
  raise_descriptor_limit(core_.options.max_connections);
  for (const Listener& listener : core_.options.listeners) {
    auto door = std::make_shared<Door>(loops_.front()->io());
    AXLE_TRY(open_door(*door, listener));
    error_code error;
    ports_.push_back(door->acceptor.local_endpoint(error).port());
    doors_.push_back(std::move(door));
  }
  return {};
}

void Server::Impl::start() {
  for (const std::shared_ptr<Door>& door : doors_) {
    boost::asio::co_spawn(loops_.front()->io(), accept_all(this, door), boost::asio::detached);
  }
  for (const std::shared_ptr<Loop>& loop : loops_) {
    threads_.emplace_back([loop] { loop->run(); });
  }
}

boost::asio::awaitable<void> Server::Impl::accept_all(Impl* server, std::shared_ptr<Door> door) {
  while (door->acceptor.is_open()) {
    const std::shared_ptr<Loop> loop = server->loops_[server->next_loop_++ % server->loops_.size()];
    const boost::asio::any_io_executor executor = loop->io().get_executor();
    auto [error, socket] = co_await door->acceptor.async_accept(executor, kAwait);
    if (!error) {
      server->take(loop, std::move(socket));
      continue;
    }
    if (error == boost::asio::error::operation_aborted) continue;
    if (error == boost::asio::error::connection_aborted) continue;
    AXLE_LOG_WARN("http", "cannot accept a connection: {}", error.message());
    door->pause.expires_after(kAcceptPause);
    co_await door->pause.async_wait(kAwait);
  }
}

void Server::Impl::take(std::shared_ptr<Loop> loop, tcp::socket socket) {
  if (core_.connections_open >= core_.options.max_connections) {
    ++core_.requests_refused;
    turn_away(std::move(socket));
    return;
  }
  core_.connection_opened();
  auto connection = std::make_shared<Connection>(loop, std::move(socket), core_);
  if (!loop->post([connection] { connection->start(); })) core_.connection_closed();
}

void Server::Impl::on_all_connections(void (Connection::*step)()) {
  for (const std::shared_ptr<Loop>& loop : loops_) {
    // A plain pointer: a loop that held itself would never end, and its thread holds it anyway.
    loop->post([here = loop.get(), step] {
      for (Connection* connection : here->connections()) (connection->*step)();
    });
  }
}

void Server::Impl::stop(milliseconds grace) {
  const MutexLock lock(stop_mutex_);
  if (std::exchange(stopped_, true) || threads_.empty()) return;
  const auto grace_end = std::chrono::steady_clock::now() + grace;
  core_.stopping = true;
  loops_.front()->post([doors = doors_] {
    for (const std::shared_ptr<Door>& door : doors) {
      error_code error;
      door->acceptor.close(error);
      door->pause.cancel();
    }
  });
  on_all_connections(&Connection::begin_stop);
  if (!core_.wait_until_all_closed(grace_end)) {
    on_all_connections(&Connection::notify_stop);
    const auto notice_end = std::chrono::steady_clock::now() + core_.options.stop_notice;
    while (!core_.wait_until_all_closed(notice_end)) {
      on_all_connections(&Connection::cut);
      if (core_.wait_until_all_closed(std::chrono::steady_clock::now() + milliseconds(100))) break;
    }
  }
  core_.workers.close();
  for (const std::shared_ptr<Loop>& loop : loops_) loop->close();
  for (std::thread& thread : threads_) thread.join();
  doors_.clear();
}

ServerCounters Server::Impl::counters() const {
  return {.connections_open = core_.connections_open,
          .connections_total = core_.connections_total,
          .requests_total = core_.requests_total,
          .requests_active = core_.requests_active,
          .requests_refused = core_.requests_refused,
          .disconnects = core_.disconnects,
          .bytes_received = core_.bytes_received,
          .bytes_sent = core_.bytes_sent};
}

Server::Server(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Server::~Server() = default;

Result<std::unique_ptr<Server>> Server::start(ServerOptions options, Router router) {
  AXLE_TRY(check_options(options));
  auto impl = std::make_unique<Impl>(std::move(options), std::move(router));
  AXLE_TRY(impl->open());
  impl->start();
  return std::unique_ptr<Server>(new Server(std::move(impl)));
}

std::uint16_t Server::port(std::size_t index) const { return impl_->port(index); }
void Server::stop(milliseconds grace) { impl_->stop(grace); }
ServerCounters Server::counters() const { return impl_->counters(); }

}  // namespace axle::http
