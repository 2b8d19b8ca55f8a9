#include "http/client.h"

#include <fmt/format.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <optional>
#include <system_error>
#include <utility>

#include "http/request_parser.h"
#include "http/text.h"

namespace axle::http {

namespace {

using std::chrono::milliseconds;

std::string reason(int error) { return std::generic_category().message(error); }

// A file descriptor that is closed with its owner.
class Descriptor {
 public:
  Descriptor() = default;
  explicit Descriptor(int fd) : fd_(fd) {}
  Descriptor(Descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Descriptor& operator=(Descriptor&& other) noexcept {
    if (this != &other) {
      close();
      fd_ = std::exchange(other.fd_, -1);
    }
    return *this;
  }
  ~Descriptor() { close(); }
  void close() {
    if (fd_ >= 0) ::close(std::exchange(fd_, -1));
  }
  int get() const { return fd_; }
  bool open() const { return fd_ >= 0; }

 private:
  int fd_ = -1;
};

struct Address {
  std::string unix_path;  // Empty for TCP.
  std::string host;
  std::string port = "80";
  std::string prefix;
};

Result<Address> parse_base(std::string_view base) {
  Address address;
  if (base.starts_with("unix:")) {
    address.unix_path = base.substr(5);
    if (address.unix_path.empty() || address.unix_path.size() >= sizeof(sockaddr_un::sun_path)) {
      return invalid_argument("the path of a unix socket must have 1 to 107 bytes");
    }
    address.host = "localhost";
    return address;
  }
  if (!base.starts_with("http://")) {
    return invalid_argument(
        fmt::format("\"{}\" is no address of a server; give http://host:port or unix:/path", base));
  }
  std::string_view rest = base.substr(7);
  const std::size_t slash = rest.find('/');
  if (slash != std::string_view::npos) {
    address.prefix = rest.substr(slash);
    rest = rest.substr(0, slash);
  }
  while (address.prefix.ends_with('/')) address.prefix.pop_back();
  // "[::1]:8000": the colons inside the brackets are the address's own.
  const std::size_t bracket = rest.find(']');
  const std::size_t colon = rest.find(':', bracket == std::string_view::npos ? 0 : bracket);
  if (colon != std::string_view::npos) {
    address.port = rest.substr(colon + 1);
    rest = rest.substr(0, colon);
  }
  if (rest.starts_with('[') && rest.ends_with(']')) rest = rest.substr(1, rest.size() - 2);
  address.host = rest;
  const bool digits = address.port.find_first_not_of("0123456789") == std::string::npos;
  if (address.host.empty() || address.port.empty() || !digits) {
    return invalid_argument(fmt::format("\"{}\" has no host or no valid port", base));
  }
  if (base.find_first_of(" \t\r\n") != std::string_view::npos) {
    return invalid_argument("the address of a server must have no blanks or line breaks");
  }
  return address;
}

// Waits for `events`. Errors: kDeadlineExceeded; kCancelled  `cancel` is not null and true.
Status wait_for(int fd, short events, milliseconds timeout, std::string_view what,
                const std::atomic<bool>* cancel) {
  constexpr milliseconds kLookInterval{100};  // A signal just before the poll would be missed.
  const auto end = std::chrono::steady_clock::now() + timeout;
  pollfd entry{.fd = fd, .events = events, .revents = 0};
  for (;;) {
    if (cancel != nullptr && *cancel) return cancelled("the caller cancelled the call");
    const auto left = std::chrono::ceil<milliseconds>(end - std::chrono::steady_clock::now());
    const milliseconds slice = cancel != nullptr ? std::min(left, kLookInterval) : left;
    const int ready = ::poll(&entry, 1, static_cast<int>(std::max(slice.count(), std::int64_t{0})));
    if (ready > 0) return {};
    if (left.count() > 0) continue;
    return deadline_exceeded(fmt::format("{} took longer than {} ms", what, timeout.count()));
  }
}

Result<Descriptor> connect_to(const sockaddr* address, socklen_t size,
                              const ClientOptions& options) {
  Descriptor socket(::socket(address->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!socket.open()) return unavailable("cannot make a socket: " + reason(errno));
  if (::connect(socket.get(), address, size) != 0) {
    if (errno != EINPROGRESS) return unavailable(reason(errno));
    AXLE_TRY(
        wait_for(socket.get(), POLLOUT, options.connect_timeout, "connecting", options.cancel));
    int error = 0;
    socklen_t length = sizeof(error);
    ::getsockopt(socket.get(), SOL_SOCKET, SO_ERROR, &error, &length);
    if (error != 0) return unavailable(reason(error));
  }
  if (address->sa_family != AF_UNIX) {
    const int on = 1;
    ::setsockopt(socket.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
  }
  return socket;
}

Result<Descriptor> connect_unix(const std::string& path, const ClientOptions& options) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, path.data(), path.size());
  return connect_to(reinterpret_cast<const sockaddr*>(&address), sizeof(address), options);
}

Result<Descriptor> connect_tcp(const Address& address, const ClientOptions& options) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  const int error = ::getaddrinfo(address.host.c_str(), address.port.c_str(), &hints, &found);
  if (error != 0) return unavailable(::gai_strerror(error));
  Result<Descriptor> socket = unavailable("the name has no address");
  for (const addrinfo* entry = found; entry != nullptr && !socket.ok(); entry = entry->ai_next) {
    socket = connect_to(entry->ai_addr, entry->ai_addrlen, options);
  }
  ::freeaddrinfo(found);
  return socket;
}

}  // namespace

class Client::Impl {
 public:
  Impl(Address address, ClientOptions options)
      : address_(std::move(address)), options_(std::move(options)) {}

  // `on_chunk` null: the body is collected.
  Result<Response> exchange(std::string_view method, const std::string& request,
                            const OnChunk* on_chunk);
  Result<std::string> write_request(std::string_view method, std::string_view path,
                                    std::string_view body, const HeaderList& headers) const;

 private:
  Status connect();
  Status send(std::string_view bytes);
  Status receive(ResponseParser& parser, Response& response, const OnChunk* on_chunk);
  Status take_body(ResponseParser& parser, Response& response, const OnChunk* on_chunk) const;

  Address address_;
  ClientOptions options_;
  Descriptor socket_;
};

Result<std::string> Client::Impl::write_request(std::string_view method, std::string_view path,
                                                std::string_view body,
                                                const HeaderList& headers) const {
  if (!is_token(method)) return invalid_argument("the method is no token");
  if (!path.starts_with('/') || path.find_first_of(" \r\n\t") != std::string_view::npos) {
    return invalid_argument("a request path must start with '/' and have no blanks");
  }
  std::string out =
      fmt::format("{} {}{} HTTP/1.1\r\nHost: {}\r\n", method, address_.prefix, path, address_.host);
  for (const auto& [name, value] : headers) {
    if (!is_token(name) || !is_field_value(value)) {
      return invalid_argument(fmt::format("header {} cannot be sent", json_quote(name)));
    }
    out += fmt::format("{}: {}\r\n", name, value);
  }
  if (!options_.api_key.empty() && !find_header(headers, "authorization")) {
    if (!is_field_value(options_.api_key)) return invalid_argument("the API key cannot be sent");
    out += fmt::format("Authorization: Bearer {}\r\n", options_.api_key);
  }
  if (!body.empty() || method == "POST") {
    if (!find_header(headers, "content-type")) out += "Content-Type: application/json\r\n";
    out += fmt::format("Content-Length: {}\r\n", body.size());
  }
  out += "\r\n";
  out += body;
  return out;
}

Status Client::Impl::connect() {
  if (socket_.open()) {
    // Still usable only if the server neither closed it nor said anything.
    char byte = 0;
    const ssize_t count = ::recv(socket_.get(), &byte, 1, MSG_PEEK | MSG_DONTWAIT);
    if (count < 0 && (errno == EAGAIN || errno == EINTR)) return {};
    socket_.close();
  }
  const bool is_unix = !address_.unix_path.empty();
  Result<Descriptor> socket =
      is_unix ? connect_unix(address_.unix_path, options_) : connect_tcp(address_, options_);
  if (!socket.ok()) {
    const std::string where =
        is_unix ? address_.unix_path : fmt::format("{}:{}", address_.host, address_.port);
    return socket.status().with_context("cannot reach the server at " + where);
  }
  socket_ = *std::move(socket);
  return {};
}

Status Client::Impl::send(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t count = ::send(socket_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (count > 0) {
      bytes.remove_prefix(static_cast<std::size_t>(count));
      continue;
    }
    if (errno == EINTR) continue;
    // A server that refuses early may close its side: its answer can still be read.
    if (errno == EPIPE || errno == ECONNRESET) return {};
    if (errno != EAGAIN) return unavailable("sending the request failed: " + reason(errno));
    AXLE_TRY(wait_for(socket_.get(), POLLOUT, options_.read_timeout, "sending the request",
                      options_.cancel));
  }
  return {};
}

Status Client::Impl::take_body(ResponseParser& parser, Response& response,
                               const OnChunk* on_chunk) const {
  const std::string bytes = parser.take_body();
  if (bytes.empty()) return {};
  if (on_chunk != nullptr && parser.status() / 100 == 2) {
    return (*on_chunk)(bytes) ? Status() : cancelled("the caller wants no more of the answer");
  }
  if (response.body.size() + bytes.size() > options_.max_body_bytes) {
    return exhausted(
        fmt::format("the answer is longer than the limit of {} bytes", options_.max_body_bytes));
  }
  response.body += bytes;
  return {};
}

Status Client::Impl::receive(ResponseParser& parser, Response& response, const OnChunk* on_chunk) {
  std::array<char, 32'768> buffer;
  while (!parser.done()) {
    AXLE_TRY(wait_for(socket_.get(), POLLIN, options_.read_timeout, "the answer", options_.cancel));
    const ssize_t count = ::recv(socket_.get(), buffer.data(), buffer.size(), 0);
    if (count < 0 && (errno == EAGAIN || errno == EINTR)) continue;
    if (count < 0) return unavailable("the connection broke: " + reason(errno));
    if (count == 0) return parser.end_of_input();
    AXLE_TRY(parser.feed(std::string_view(buffer.data(), static_cast<std::size_t>(count))));
    AXLE_TRY(take_body(parser, response, on_chunk));
  }
  return {};
}

Result<Response> Client::Impl::exchange(std::string_view method, const std::string& request,
                                        const OnChunk* on_chunk) {
  AXLE_TRY(connect());
  ResponseParser parser(method == "HEAD");
  Response response;
  Status status = send(request);
  if (status.ok()) status = receive(parser, response, on_chunk);
  if (!status.ok() || !parser.keep_alive()) socket_.close();
  AXLE_TRY(std::move(status));
  response.status = parser.status();
  response.headers = parser.headers();
  return response;
}

Client::Client(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Client::Client(Client&& other) noexcept = default;
Client& Client::operator=(Client&& other) noexcept = default;
Client::~Client() = default;

Result<Client> Client::create(std::string_view base, ClientOptions options) {
  AXLE_TRY_ASSIGN(Address address, parse_base(base));
  return Client(std::make_unique<Impl>(std::move(address), std::move(options)));
}

Result<Response> Client::request(std::string_view method, std::string_view path,
                                 std::string_view body, const HeaderList& headers) {
  AXLE_TRY_ASSIGN(const std::string request, impl_->write_request(method, path, body, headers));
  return impl_->exchange(method, request, nullptr);
}

Result<Response> Client::get(std::string_view path, const HeaderList& headers) {
  return request("GET", path, "", headers);
}

Result<Response> Client::post(std::string_view path, std::string_view body,
                              const HeaderList& headers) {
  return request("POST", path, body, headers);
}

Result<Response> Client::post_stream(std::string_view path, std::string_view body,
                                     const OnChunk& on_chunk, const HeaderList& headers) {
  AXLE_TRY_ASSIGN(const std::string request, impl_->write_request("POST", path, body, headers));
  return impl_->exchange("POST", request, &on_chunk);
}

}  // namespace axle::http
