#include "http/test_support.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cstdlib>

namespace axle::http {

RawClient::RawClient(std::uint16_t port, int receive_buffer_bytes) {
  fd_ = ::socket(AF_INET, SOCK_STREAM, 0);
  if (receive_buffer_bytes > 0) {
    ::setsockopt(fd_, SOL_SOCKET, SO_RCVBUF, &receive_buffer_bytes, sizeof(receive_buffer_bytes));
  }
  timeval limit{.tv_sec = 10, .tv_usec = 0};
  ::setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (::connect(fd_, reinterpret_cast<sockaddr*>(&address), sizeof(address)) != 0) close();
}

RawClient::~RawClient() { close(); }

void RawClient::close() {
  if (fd_ >= 0) ::close(std::exchange(fd_, -1));
}

void RawClient::reset() {
  linger hard{.l_onoff = 1, .l_linger = 0};
  ::setsockopt(fd_, SOL_SOCKET, SO_LINGER, &hard, sizeof(hard));
  close();
}

void RawClient::shutdown_sending() { ::shutdown(fd_, SHUT_WR); }

bool RawClient::send(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t count = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (count <= 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(count));
  }
  return true;
}

bool RawClient::fill() {
  std::array<char, 65'536> bytes;
  const ssize_t count = ::recv(fd_, bytes.data(), bytes.size(), 0);
  if (count <= 0) return false;
  buffer_.append(bytes.data(), static_cast<std::size_t>(count));
  return true;
}

std::string RawClient::read_until(std::string_view text) {
  std::size_t found = buffer_.find(text);
  while (found == std::string::npos && fill()) found = buffer_.find(text);
  const std::size_t end = found == std::string::npos ? buffer_.size() : found + text.size();
  std::string result = buffer_.substr(0, end);
  buffer_.erase(0, end);
  return result;
}

RawAnswer RawClient::read(Body body) {
  RawAnswer answer;
  answer.head = read_until("\r\n\r\n");
  if (!answer.head.ends_with("\r\n\r\n") || answer.head.size() < 12) return answer;
  answer.status = std::atoi(answer.head.c_str() + 9);
  if (body == Body::kNone) return answer;
  if (answer.has("Transfer-Encoding: chunked")) {
    answer.body = read_until("0\r\n\r\n");
    return answer;
  }
  const std::size_t field = answer.head.find("Content-Length: ");
  if (field == std::string::npos) return answer;
  const std::size_t length = std::strtoul(answer.head.c_str() + field + 16, nullptr, 10);
  while (buffer_.size() < length && fill()) continue;
  answer.body = buffer_.substr(0, length);
  buffer_.erase(0, length);
  return answer;
}

bool RawClient::closed_by_server() {
  std::array<char, 65'536> bytes;
  for (;;) {
    const ssize_t count = ::recv(fd_, bytes.data(), bytes.size(), 0);
    if (count == 0) return true;
    if (count < 0) return errno != EAGAIN;
  }
}

ServerTest::ServerTest() {
  const Handler echo = [](const std::shared_ptr<Exchange>& exchange) {
    const Request& request = exchange->request();
    exchange->respond(text_response(200, request.method + " " + request.path + " " + request.body));
  };
  router_.add("GET", "/echo", echo);
  router_.add("POST", "/echo", echo);
  router_.add("POST", "/length", [](const std::shared_ptr<Exchange>& exchange) {
    exchange->respond(text_response(200, std::to_string(exchange->request().body.size())));
  });
  router_.add("GET", "/items/{id...}", [](const std::shared_ptr<Exchange>& exchange) {
    exchange->respond(text_response(200, exchange->request().param("id")));
  });
  router_.add(
      "GET", "/open",
      [](const std::shared_ptr<Exchange>& exchange) { exchange->respond(text_response(200, "")); },
      Access::kOpen);
  for (const std::string_view method : {"GET", "POST"}) {
    router_.add(method, "/held",
                [this](std::shared_ptr<Exchange> exchange) { mailbox_.put(std::move(exchange)); });
  }
}

ServerTest::~ServerTest() = default;

void ServerTest::start(ServerOptions options) {
  Result<std::unique_ptr<Server>> server = Server::start(std::move(options), router_);
  ASSERT_TRUE(server.ok()) << server.status();
  server_ = *std::move(server);
}

Client ServerTest::client(std::string_view key) {
  ClientOptions options{.read_timeout = std::chrono::seconds(10), .api_key = std::string(key)};
  Result<Client> made =
      Client::create("http://127.0.0.1:" + std::to_string(port()), std::move(options));
  return *std::move(made);
}

}  // namespace axle::http
