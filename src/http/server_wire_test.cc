#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include "http/test_support.h"

// The server against clients that speak bytes: cut, joined, slow, wrong or old.
namespace axle::http {
namespace {

using std::chrono::milliseconds;
using ::testing::HasSubstr;

TEST_F(ServerTest, PipelinedRequestsAreAnsweredInOrder) {
  start();
  RawClient client(port());
  std::string requests;
  for (int i = 0; i < 50; ++i) {
    requests += "POST /echo HTTP/1.1\r\nContent-Length: 2\r\n\r\n" + std::to_string(10 + i);
  }
  ASSERT_TRUE(client.send(requests));
  for (int i = 0; i < 50; ++i) {
    EXPECT_EQ(client.read().body, "POST /echo " + std::to_string(10 + i));
  }
}

TEST_F(ServerTest, ARequestMayComeByteByByte) {
  start();
  RawClient client(port());
  for (const char byte : std::string("POST /echo HTTP/1.1\r\nContent-Length: 3\r\n\r\nabc")) {
    ASSERT_TRUE(client.send(std::string_view(&byte, 1)));
  }
  EXPECT_EQ(client.read().body, "POST /echo abc");
}

TEST_F(ServerTest, ChunkedRequestBodiesAreDecoded) {
  start();
  RawClient client(port());
  ASSERT_TRUE(
      client.send("POST /echo HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n"
                  "3\r\nabc\r\n2;x\r\nde\r\n0\r\nX-Trailer: y\r\n\r\nGET /echo HTTP/1.1\r\n\r\n"));
  EXPECT_EQ(client.read().body, "POST /echo abcde");
  EXPECT_EQ(client.read().body, "GET /echo ");
}

TEST_F(ServerTest, AChunkedBodyOverTheLimitGives413) {
  start({.max_body_bytes = 10});
  RawClient client(port());
  ASSERT_TRUE(
      client.send("POST /echo HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n"
                  "8\r\n01234567\r\n8\r\n01234567\r\n0\r\n\r\n"));
  const RawAnswer answer = client.read();
  EXPECT_EQ(answer.status, 413);
  EXPECT_TRUE(answer.has("Connection: close"));
  EXPECT_THAT(answer.body, HasSubstr("body_too_large"));
}

TEST_F(ServerTest, AWaitingClientIsToldToContinueAtOnce) {
  start();
  RawClient client(port());
  ASSERT_TRUE(
      client.send("POST /echo HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n"));
  EXPECT_EQ(client.read_until("\r\n\r\n"), "HTTP/1.1 100 Continue\r\n\r\n");
  ASSERT_TRUE(client.send("ab"));
  EXPECT_EQ(client.read().body, "POST /echo ab");
}

TEST_F(ServerTest, AWaitingClientThatWillBeRefusedGetsTheFinalAnswerInstead) {
  start({.max_body_bytes = 10});
  for (const std::string_view head : {"POST /nowhere HTTP/1.1\r\nContent-Length: 2\r\n",
                                      "POST /echo HTTP/1.1\r\nContent-Length: 11\r\n"}) {
    RawClient client(port());
    ASSERT_TRUE(client.send(std::string(head) + "Expect: 100-continue\r\n\r\n"));
    const RawAnswer answer = client.read();
    EXPECT_THAT(answer.status, ::testing::AnyOf(404, 413));
    EXPECT_TRUE(answer.has("Connection: close"));
    client.shutdown_sending();
    EXPECT_TRUE(client.closed_by_server());
  }
}

TEST_F(ServerTest, AnUnknownExpectationGives417) {
  start();
  RawClient client(port());
  ASSERT_TRUE(client.send("GET /echo HTTP/1.1\r\nExpect: tea\r\n\r\n"));
  EXPECT_EQ(client.read().status, 417);
}

TEST_F(ServerTest, WhatIsNoRequestGetsAJsonErrorAndTheEnd) {
  start({.max_header_bytes = 1000});
  const std::vector<std::pair<std::string, int>> cases = {
      {"nonsense\r\n\r\n", 400},
      {"GET / HTTP/3.0\r\n\r\n", 505},
      {"GET /echo HTTP/1.1\r\nA b\r\n\r\n", 400},
      {"POST /echo HTTP/1.1\r\nTransfer-Encoding: gzip\r\n\r\n", 400},
      {"POST /echo HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", 400},
      {"POST /echo HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n", 400},
      {"GET /echo HTTP/1.1\r\nA: " + std::string(2000, 'a') + "\r\n\r\n", 431}};
  for (const auto& [bytes, status] : cases) {
    RawClient client(port());
    ASSERT_TRUE(client.send(bytes));
    const RawAnswer answer = client.read();
    EXPECT_EQ(answer.status, status) << bytes;
    EXPECT_TRUE(answer.has("application/json") && answer.has("Connection: close")) << bytes;
    EXPECT_TRUE(answer.has("x-request-id: req-")) << bytes;
    EXPECT_TRUE(answer.has("Access-Control-Allow-Origin: *")) << bytes;
    EXPECT_THAT(answer.body, HasSubstr("\"message\"")) << bytes;
    client.shutdown_sending();
    EXPECT_TRUE(client.closed_by_server());
  }
}

TEST_F(ServerTest, ARefusedBodyTooLongToDrainEndsTheConnection) {
  start();
  RawClient client(port());
  ASSERT_TRUE(client.send("POST /nowhere HTTP/1.1\r\nContent-Length: 2000000\r\n\r\nabc"));
  const RawAnswer answer = client.read();
  EXPECT_EQ(answer.status, 404);
  EXPECT_TRUE(answer.has("Connection: close"));
}

TEST_F(ServerTest, OldClientsGetALengthAndTheEndOrKeepTheConnectionIfTheyAsk) {
  start();
  RawClient closing(port());
  ASSERT_TRUE(closing.send("GET /echo HTTP/1.0\r\n\r\n"));
  EXPECT_EQ(closing.read().body, "GET /echo ");
  EXPECT_TRUE(closing.closed_by_server());
  RawClient keeping(port());
  for (int i = 0; i < 2; ++i) {
    ASSERT_TRUE(keeping.send("GET /echo HTTP/1.0\r\nConnection: keep-alive\r\n\r\n"));
    const RawAnswer answer = keeping.read();
    EXPECT_EQ(answer.body, "GET /echo ");
    EXPECT_TRUE(answer.has("Connection: keep-alive"));
  }
}

TEST_F(ServerTest, AClientMayAskForTheEndOfTheConnection) {
  start();
  RawClient client(port());
  ASSERT_TRUE(client.send("GET /echo HTTP/1.1\r\nConnection: close\r\n\r\n"));
  EXPECT_TRUE(client.read().has("Connection: close"));
  EXPECT_TRUE(client.closed_by_server());
}

TEST_F(ServerTest, AnswersWithoutABodySayNothingOfIt) {
  router_.add("GET", "/empty", [](const std::shared_ptr<Exchange>& exchange) {
    exchange->respond({.status = 204, .body = "ignored"});
  });
  start();
  RawClient client(port());
  ASSERT_TRUE(client.send("GET /empty HTTP/1.1\r\n\r\nGET /echo HTTP/1.1\r\n\r\n"));
  const RawAnswer answer = client.read(RawClient::Body::kNone);
  EXPECT_EQ(answer.status, 204);
  EXPECT_FALSE(answer.has("Content-Length"));
  EXPECT_EQ(client.read().body, "GET /echo ");
}

TEST_F(ServerTest, ASlowHeadIsEndedWith408AndASilentConnectionWithoutAWord) {
  start({.idle_timeout = milliseconds(60), .read_timeout = milliseconds(60)});
  RawClient slow(port());
  ASSERT_TRUE(slow.send("GET /echo HT"));
  EXPECT_EQ(slow.read().status, 408);
  RawClient silent(port());
  EXPECT_EQ(silent.read_until("\r\n"), "");
}

TEST_F(ServerTest, DripsDoNotProlongASlowHead) {
  start({.read_timeout = milliseconds(100)});
  RawClient client(port());
  const auto begin = std::chrono::steady_clock::now();
  ASSERT_TRUE(client.send("GET /echo HTTP/1.1\r\n"));
  while (client.send("A: b\r\n") && std::chrono::steady_clock::now() - begin < milliseconds(5000)) {
    std::this_thread::sleep_for(milliseconds(5));  // The pace of the slow client itself.
  }
  EXPECT_LT(std::chrono::steady_clock::now() - begin, milliseconds(4000));
}

TEST_F(ServerTest, ABodyThatStopsIsEndedWith408) {
  start({.read_timeout = milliseconds(60)});
  RawClient client(port());
  ASSERT_TRUE(client.send("POST /echo HTTP/1.1\r\nContent-Length: 10\r\n\r\nabc"));
  EXPECT_EQ(client.read().status, 408);
}

// The descriptors of this process that are the server's ends of its connections.
std::vector<int> accepted_sockets(std::uint16_t port) {
  std::vector<int> found;
  for (int descriptor = 0; descriptor < 1024; ++descriptor) {
    sockaddr_in own{};
    sockaddr_in peer{};
    socklen_t own_size = sizeof own;
    socklen_t peer_size = sizeof peer;
    const bool connected =
        ::getsockname(descriptor, reinterpret_cast<sockaddr*>(&own), &own_size) == 0 &&
        ::getpeername(descriptor, reinterpret_cast<sockaddr*>(&peer), &peer_size) == 0;
    if (connected && own.sin_family == AF_INET && ntohs(own.sin_port) == port)
      found.push_back(descriptor);
  }
  return found;
}

// Else a token would wait for the client's acknowledgement of the one before it, up to 40 ms.
TEST_F(ServerTest, SmallWritesAreSentAtOnce) {
  start();
  RawClient client(port());
  ASSERT_TRUE(client.send("GET /echo HTTP/1.1\r\n\r\n"));
  ASSERT_EQ(client.read().status, 200);
  const std::vector<int> sockets = accepted_sockets(port());
  ASSERT_EQ(sockets.size(), 1u);
  int no_delay = 0;
  socklen_t size = sizeof no_delay;
  ASSERT_EQ(::getsockopt(sockets[0], IPPROTO_TCP, TCP_NODELAY, &no_delay, &size), 0);
  EXPECT_EQ(no_delay, 1);
}

TEST_F(ServerTest, AThousandIdleConnectionsComeAndGo) {
  start({.threads = 2});
  {
    std::vector<std::unique_ptr<RawClient>> clients;
    for (int i = 0; i < 1000; ++i) {
      clients.push_back(std::make_unique<RawClient>(port()));
      ASSERT_TRUE(clients.back()->connected()) << i;
    }
    ASSERT_TRUE(eventually([this] { return server_->counters().connections_open == 1000; }));
    for (int i = 0; i < 1000; i += 100) {
      RawClient& client = *clients[static_cast<std::size_t>(i)];
      ASSERT_TRUE(client.send("GET /echo HTTP/1.1\r\n\r\n"));
      EXPECT_EQ(client.read().status, 200);
    }
  }
  EXPECT_TRUE(eventually([this] { return server_->counters().connections_open == 0; }));
  EXPECT_EQ(server_->counters().connections_total, 1000u);
  EXPECT_EQ(client().get("/echo")->status, 200);
}

}  // namespace
}  // namespace axle::http
