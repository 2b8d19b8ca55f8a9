#include <gmock/gmock.h>

#include "http/sse.h"
#include "http/test_support.h"

// Streams, clients that leave, clients that do not read, and the end of the server.
namespace axle::http {
namespace {

using std::chrono::milliseconds;
using ::testing::HasSubstr;

// tcp_wmem and tcp_rmem end at 4 to 6 MiB by default (tcp(7)).
constexpr std::size_t kMoreThanTheSystemBuffers = 32u << 20;
constexpr std::string_view kHeld = "GET /held HTTP/1.1\r\n\r\n";

class StreamTest : public ServerTest {
 protected:
  // A request that the test answers.
  std::shared_ptr<Exchange> held(RawClient& client, std::string_view request = kHeld) {
    EXPECT_TRUE(client.send(request));
    std::shared_ptr<Exchange> exchange = mailbox_.take();
    EXPECT_NE(exchange, nullptr);
    return exchange;
  }
};

TEST_F(StreamTest, EachWriteArrivesBeforeTheNextIsMade) {
  start();
  RawClient client(port());
  const std::shared_ptr<Exchange> exchange = held(client);
  const std::shared_ptr<BodyStream> stream = exchange->start_stream(sse_head());
  const std::string head = client.read_until("\r\n\r\n");
  EXPECT_THAT(head, HasSubstr("Transfer-Encoding: chunked"));
  EXPECT_THAT(head, HasSubstr("Content-Type: text/event-stream"));
  EXPECT_THAT(head, HasSubstr("X-Accel-Buffering: no"));
  EXPECT_THAT(head, HasSubstr("Cache-Control: no-cache"));
  EXPECT_THAT(head, HasSubstr("Access-Control-Allow-Origin: *"));
  EXPECT_THAT(head, HasSubstr("x-request-id: req-"));
  for (int i = 0; i < 20; ++i) {
    EXPECT_EQ(stream->write(sse_event("a")), WriteResult::kQueued);
    EXPECT_EQ(client.read_until("\n\n\r\n"), "9\r\ndata: a\n\n\r\n");
  }
  stream->finish();
  EXPECT_EQ(client.read_until("0\r\n\r\n"), "0\r\n\r\n");
  EXPECT_EQ(stream->write("late"), WriteResult::kClosed);
  ASSERT_TRUE(client.send("GET /echo HTTP/1.1\r\n\r\n"));
  EXPECT_EQ(client.read().body, "GET /echo ");
}

TEST_F(StreamTest, AnAnswerMayComeLaterFromAnotherThread) {
  start();
  RawClient client(port());
  std::shared_ptr<Exchange> exchange = held(client);
  std::thread answering(
      [exchange = std::move(exchange)] { exchange->respond(text_response(200, "later")); });
  EXPECT_EQ(client.read().body, "later");
  answering.join();
}

TEST_F(StreamTest, AnOldClientGetsTheStreamUntilTheEndOfTheConnection) {
  start();
  RawClient client(port());
  const std::shared_ptr<Exchange> exchange = held(client, "GET /held HTTP/1.0\r\n\r\n");
  const std::shared_ptr<BodyStream> stream = exchange->start_stream({.body = "first,"});
  EXPECT_EQ(stream->write("second"), WriteResult::kQueued);
  stream->finish();
  const std::string head = client.read_until("\r\n\r\n");
  EXPECT_EQ(head.find("Transfer-Encoding"), std::string::npos);
  EXPECT_EQ(client.read_until("never"), "first,second");
}

TEST_F(StreamTest, AStreamThatIsDroppedBreaksTheConnectionOff) {
  start();
  RawClient client(port());
  std::shared_ptr<Exchange> exchange = held(client);
  std::shared_ptr<BodyStream> stream = exchange->start_stream({.body = "part"});
  EXPECT_EQ(client.read_until("part\r\n").substr(0, 8), "HTTP/1.1");
  stream.reset();
  EXPECT_EQ(client.read_until("0\r\n\r\n"), "");
}

TEST_F(StreamTest, HeadOfAStreamHasNoBody) {
  start();
  RawClient client(port());
  ASSERT_TRUE(client.send("HEAD /held HTTP/1.1\r\n\r\n"));
  const std::shared_ptr<Exchange> exchange = mailbox_.take();
  ASSERT_NE(exchange, nullptr);
  const std::shared_ptr<BodyStream> stream = exchange->start_stream({.body = "body"});
  EXPECT_EQ(client.read(RawClient::Body::kNone).status, 200);
  ASSERT_TRUE(client.send("GET /echo HTTP/1.1\r\n\r\n"));
  EXPECT_EQ(client.read().body, "GET /echo ");
}

TEST_F(StreamTest, AClientThatLeavesIsNoticedInEveryPhase) {
  start();
  enum class Phase { kNothingSent, kPipelined, kStreaming, kSecondRequest };
  for (const Phase phase :
       {Phase::kNothingSent, Phase::kPipelined, Phase::kStreaming, Phase::kSecondRequest}) {
    for (const bool hard : {false, true}) {
      RawClient client(port());
      if (phase == Phase::kSecondRequest) {
        ASSERT_TRUE(client.send("GET /echo HTTP/1.1\r\n\r\n"));
        ASSERT_EQ(client.read().status, 200);
      }
      const std::shared_ptr<Exchange> exchange = held(client);
      Signal gone;
      exchange->on_disconnect([&gone] { gone.set(); });
      std::shared_ptr<BodyStream> stream;
      if (phase == Phase::kStreaming) {
        stream = exchange->start_stream({.body = "x"});
        client.read_until("x\r\n");
      }
      if (phase == Phase::kPipelined) {
        ASSERT_TRUE(client.send(kHeld));
      }
      EXPECT_FALSE(exchange->client_gone());
      hard ? client.reset() : client.close();
      EXPECT_TRUE(gone.wait()) << static_cast<int>(phase);
      EXPECT_TRUE(exchange->client_gone());
      if (stream) {
        EXPECT_EQ(stream->write("y"), WriteResult::kClosed);
      }
      exchange->respond(text_response(200, "nobody hears this"));
      EXPECT_EQ(gone.count(), 1);
    }
  }
  EXPECT_TRUE(eventually([this] { return server_->counters().connections_open == 0; }));
  EXPECT_EQ(server_->counters().disconnects, 8u);
  EXPECT_EQ(server_->counters().requests_active, 0u);
}

TEST_F(StreamTest, ADisconnectThatCameFirstIsToldAtOnce) {
  start();
  RawClient client(port());
  const std::shared_ptr<Exchange> exchange = held(client);
  client.close();
  ASSERT_TRUE(eventually([&exchange] { return exchange->client_gone(); }));
  bool told = false;
  exchange->on_disconnect([&told] { told = true; });
  EXPECT_TRUE(told);
  EXPECT_EQ(exchange->start_stream({})->write("x"), WriteResult::kClosed);
}

TEST_F(StreamTest, ACompletedAnswerIsNoDisconnect) {
  start();
  Signal gone;
  RawClient client(port());
  const std::shared_ptr<Exchange> exchange = held(client);
  exchange->on_disconnect([&gone] { gone.set(); });
  exchange->respond(text_response(200, "x"));
  EXPECT_EQ(client.read().body, "x");
  client.close();
  ASSERT_TRUE(eventually([this] { return server_->counters().connections_open == 0; }));
  EXPECT_EQ(gone.count(), 0);
  EXPECT_EQ(server_->counters().disconnects, 0u);
}

TEST_F(StreamTest, AClientThatDoesNotReadFillsTheQueueAndDrainsItLater) {
  start({.stream_queue_bytes = 64u << 10});
  RawClient client(port(), 4096);
  const std::shared_ptr<Exchange> exchange = held(client, "GET /held HTTP/1.0\r\n\r\n");
  const std::shared_ptr<BodyStream> stream = exchange->start_stream({});
  Signal drained;
  stream->on_drain([&drained] { drained.set(); });
  ASSERT_EQ(stream->write(std::string(kMoreThanTheSystemBuffers, 'x')), WriteResult::kFull);
  EXPECT_EQ(stream->write(""), WriteResult::kFull);
  EXPECT_EQ(drained.count(), 0);
  std::thread reading([&client] { EXPECT_TRUE(client.closed_by_server()); });
  EXPECT_TRUE(drained.wait());
  EXPECT_EQ(stream->write("x"), WriteResult::kQueued);
  stream->finish();
  reading.join();
  EXPECT_TRUE(
      eventually([this] { return server_->counters().bytes_sent > kMoreThanTheSystemBuffers; }));
}

TEST_F(StreamTest, AProducerThatIgnoresAFullQueueHasItsClientCutOff) {
  start({.stream_queue_bytes = 16u << 10});
  RawClient client(port(), 4096);
  const std::shared_ptr<Exchange> exchange = held(client);
  Signal gone;
  exchange->on_disconnect([&gone] { gone.set(); });
  const std::shared_ptr<BodyStream> stream = exchange->start_stream({});
  const std::string block(16u << 10, 'x');
  std::size_t taken = 0;
  while (stream->write(block) != WriteResult::kClosed && taken < (64u << 20)) taken += block.size();
  EXPECT_LT(taken, 64u << 20);
  EXPECT_EQ(stream->write("x"), WriteResult::kClosed);
  EXPECT_TRUE(gone.wait());
}

TEST_F(StreamTest, AClientThatTakesNothingForTooLongIsCutOff) {
  start({.stream_queue_bytes = 16u << 10, .write_timeout = milliseconds(80)});
  RawClient client(port(), 4096);
  RawClient other(port());
  const std::shared_ptr<Exchange> exchange = held(client);
  Signal gone;
  exchange->on_disconnect([&gone] { gone.set(); });
  const std::shared_ptr<BodyStream> stream = exchange->start_stream({});
  ASSERT_EQ(stream->write(std::string(kMoreThanTheSystemBuffers, 'x')), WriteResult::kFull);
  ASSERT_TRUE(other.send("GET /echo HTTP/1.1\r\n\r\n"));  // Others are served meanwhile.
  EXPECT_EQ(other.read().status, 200);
  EXPECT_TRUE(gone.wait());
  EXPECT_EQ(stream->write("x"), WriteResult::kClosed);
}

TEST_F(StreamTest, ManyThreadsMayWriteToOneStream) {
  start();
  RawClient client(port());
  const std::shared_ptr<Exchange> exchange = held(client, "GET /held HTTP/1.0\r\n\r\n");
  const std::shared_ptr<BodyStream> stream = exchange->start_stream({});
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([stream] {
      for (int k = 0; k < 500; ++k) EXPECT_NE(stream->write("12345"), WriteResult::kClosed);
    });
  }
  for (std::thread& thread : threads) thread.join();
  stream->finish();
  client.read_until("\r\n\r\n");
  EXPECT_EQ(client.read_until("never").size(), 4u * 500u * 5u);
}

TEST_F(StreamTest, StoppingClosesIdleConnectionsAndLetsRunningOnesFinish) {
  start();
  RawClient idle(port());
  RawClient busy(port());
  ASSERT_TRUE(idle.send("GET /echo HTTP/1.1\r\n\r\n"));
  ASSERT_EQ(idle.read().status, 200);
  std::shared_ptr<Exchange> exchange = held(busy);
  std::thread stopping([this] { server_->stop(std::chrono::seconds(10)); });
  EXPECT_TRUE(idle.closed_by_server());
  EXPECT_FALSE(RawClient(port()).connected());
  exchange->respond(text_response(200, "finished"));
  const RawAnswer answer = busy.read();
  EXPECT_EQ(answer.body, "finished");
  EXPECT_TRUE(answer.has("Connection: close"));
  stopping.join();
}

TEST_F(StreamTest, StoppingDoesNotWaitForRequestsThatAreStillBeingSent) {
  for (const std::string_view half : {"GET /echo HTTP/1.1\r\nHost: a",
                                      "POST /echo HTTP/1.1\r\n"
                                      "Content-Length: 9\r\n\r\nhalf"}) {
    start({.stop_notice = milliseconds(20)});
    RawClient client(port());  // Sends no more and does not leave.
    ASSERT_TRUE(client.send(half));
    ASSERT_TRUE(eventually([&] { return server_->counters().bytes_received == half.size(); }));
    Signal stopped;
    std::thread stopping([&] {
      server_->stop(std::chrono::hours(1));
      stopped.set();
    });
    EXPECT_TRUE(stopped.wait());
    const RawAnswer answer = client.read();
    EXPECT_EQ(answer.status, 503) << half;
    EXPECT_TRUE(answer.has("Retry-After: 5"));
    client.close();
    stopping.join();
  }
}

TEST_F(StreamTest, AStreamThatOutlivesTheGraceIsToldAndMaySayGoodbye) {
  start();
  RawClient client(port());
  const std::shared_ptr<Exchange> exchange = held(client);
  const std::shared_ptr<BodyStream> stream = exchange->start_stream(sse_head());
  exchange->on_stop([stream] {
    stream->write(sse_event("stopping"));
    stream->finish();
  });
  server_->stop(milliseconds(20));
  client.read_until("\r\n\r\n");
  EXPECT_EQ(client.read_until("0\r\n\r\n"), "10\r\ndata: stopping\n\n\r\n0\r\n\r\n");
}

TEST_F(StreamTest, AStreamThatIgnoresTheEndIsCut) {
  start({.stop_notice = milliseconds(20)});
  RawClient client(port());
  const std::shared_ptr<Exchange> exchange = held(client);
  Signal gone;
  exchange->on_disconnect([&gone] { gone.set(); });
  const std::shared_ptr<BodyStream> stream = exchange->start_stream({.body = "x"});
  server_->stop(milliseconds(20));
  EXPECT_EQ(gone.count(), 1);
  EXPECT_EQ(stream->write("y"), WriteResult::kClosed);
  EXPECT_TRUE(client.closed_by_server());
}

TEST_F(StreamTest, AnExchangeMayOutliveTheServer) {
  start({.stop_notice = milliseconds(1)});
  RawClient client(port());
  std::shared_ptr<Exchange> exchange = held(client);
  server_.reset();
  EXPECT_TRUE(exchange->client_gone());
  exchange->respond(text_response(200, "x"));
  EXPECT_EQ(exchange->request().path, "/held");
  exchange.reset();
}

}  // namespace
}  // namespace axle::http
