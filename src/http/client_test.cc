#include "http/client.h"

#include <gmock/gmock.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstring>

#include "http/sse.h"
#include "http/test_support.h"

namespace axle::http {
namespace {

using std::chrono::milliseconds;
using ::testing::HasSubstr;

// Answers one connection on a unix socket with fixed bytes.
class FixedServer {
 public:
  explicit FixedServer(std::string answer)
      : path_(::testing::TempDir() + "axle_http_" + std::to_string(::getpid()) + ".sock") {
    ::unlink(path_.c_str());
    listening_ = ::socket(AF_UNIX, SOCK_STREAM, 0);
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, path_.data(), path_.size());
    ok_ = ::bind(listening_, reinterpret_cast<sockaddr*>(&address), sizeof(address)) == 0 &&
          ::listen(listening_, 1) == 0;
    thread_ = std::thread([this, answer = std::move(answer)] { serve(answer); });
  }
  ~FixedServer() {
    ::shutdown(listening_, SHUT_RDWR);
    thread_.join();
    ::close(listening_);
    ::unlink(path_.c_str());
  }
  FixedServer(const FixedServer&) = delete;
  FixedServer& operator=(const FixedServer&) = delete;

  bool ok() const { return ok_; }
  Client client(ClientOptions options = {}) const {
    return *Client::create("unix:" + path_, std::move(options));
  }

 private:
  void serve(const std::string& answer) const {
    const int fd = ::accept(listening_, nullptr, nullptr);
    if (fd < 0) return;
    char byte = 0;
    std::string head;
    while (!head.ends_with("\r\n\r\n") && ::recv(fd, &byte, 1, 0) == 1) head += byte;
    ::send(fd, answer.data(), answer.size(), MSG_NOSIGNAL);
    if (answer.empty()) ::recv(fd, &byte, 1, 0);  // Stays silent until the client leaves.
    ::close(fd);
  }

  std::string path_;
  int listening_ = -1;
  bool ok_ = false;
  std::thread thread_;
};

Code code_for(const std::string& answer, ClientOptions options = {}) {
  const FixedServer server(answer);
  EXPECT_TRUE(server.ok());
  return server.client(std::move(options)).get("/").status().code();
}

TEST(ClientTest, SpeaksOverAUnixSocketAndReadsUntilTheEnd) {
  const FixedServer server("HTTP/1.1 200 OK\r\n\r\nhello");
  ASSERT_TRUE(server.ok());
  Result<Response> answer = server.client().get("/");
  ASSERT_TRUE(answer.ok()) << answer.status();
  EXPECT_EQ(answer->body, "hello");
}

TEST(ClientTest, TellsWhatIsWrongWithAnAnswer) {
  EXPECT_EQ(code_for("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhello"), Code::kUnavailable);
  EXPECT_EQ(code_for("SMTP ready\r\n\r\n"), Code::kCorrupt);
  EXPECT_EQ(code_for("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", {.max_body_bytes = 4}),
            Code::kExhausted);
  EXPECT_EQ(code_for("", {.read_timeout = milliseconds(50)}), Code::kDeadlineExceeded);
}

TEST(ClientTest, ASilentAnswerCanBeCancelled) {
  std::atomic<bool> cancel{false};
  const FixedServer server("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhello");
  ASSERT_TRUE(server.ok());
  Client client = server.client({.cancel = &cancel});
  const auto answer = client.post_stream("/", "", [&cancel](std::string_view) {
    cancel = true;  // As a signal would, while the rest never comes.
    return true;
  });
  EXPECT_EQ(answer.status().code(), Code::kCancelled);
}

TEST(ClientTest, TellsThatNobodyListens) {
  std::uint16_t port = 0;
  {
    Result<std::unique_ptr<Server>> server = Server::start({}, Router());
    ASSERT_TRUE(server.ok());
    port = (*server)->port();
  }
  Result<Client> client = Client::create("http://127.0.0.1:" + std::to_string(port));
  ASSERT_TRUE(client.ok());
  EXPECT_EQ(client->get("/").status().code(), Code::kUnavailable);
  EXPECT_THAT(client->get("/").status().message(), HasSubstr("127.0.0.1:"));
}

TEST(ClientTest, RefusesBadAddresses) {
  for (const std::string_view bad :
       {"", "host:80", "https://host", "http://", "http://:80", "http://host:", "http://host:80x",
        "unix:", "http://host/a b"}) {
    EXPECT_EQ(Client::create(bad).status().code(), Code::kInvalidArgument) << bad;
  }
  EXPECT_TRUE(Client::create("http://[::1]:8000/prefix/").ok());
}

TEST(ClientTest, RefusesRequestsThatWouldBreakTheFormat) {
  Client client = *Client::create("http://127.0.0.1:1");
  EXPECT_EQ(client.get("no-slash").status().code(), Code::kInvalidArgument);
  EXPECT_EQ(client.get("/a b").status().code(), Code::kInvalidArgument);
  EXPECT_EQ(client.get("/", {{"A", "b\r\nC: d"}}).status().code(), Code::kInvalidArgument);
  EXPECT_EQ(client.request("GE T", "/", "", {}).status().code(), Code::kInvalidArgument);
}

TEST_F(ServerTest, ClientGetsAStreamPieceByPiece) {
  start();
  Client client = this->client();
  Signal first_seen;
  std::string all;
  SseParser parser;
  std::vector<SseEvent> events;
  std::thread answering([this, &first_seen] {
    const std::shared_ptr<Exchange> exchange = mailbox_.take();
    const std::shared_ptr<BodyStream> stream = exchange->start_stream(sse_head());
    stream->write(sse_event("one"));
    EXPECT_TRUE(first_seen.wait());
    stream->write(sse_event("two"));
    stream->finish();
  });
  Result<Response> answer = client.post_stream("/held", "{}", [&](std::string_view bytes) {
    Result<std::vector<SseEvent>> more = parser.feed(bytes);
    EXPECT_TRUE(more.ok());
    if (more.ok()) events.insert(events.end(), more->begin(), more->end());
    first_seen.set();
    return true;
  });
  answering.join();
  ASSERT_TRUE(answer.ok()) << answer.status();
  EXPECT_EQ(answer->body, "");
  EXPECT_EQ(events, (std::vector<SseEvent>{{"", "one"}, {"", "two"}}));
}

TEST_F(ServerTest, ClientCanEndAStreamAndTheServerNotices) {
  start();
  Client client = this->client();
  Signal gone;
  std::shared_ptr<BodyStream> stream;
  std::thread answering([&] {
    const std::shared_ptr<Exchange> exchange = mailbox_.take();
    exchange->on_disconnect([&gone] { gone.set(); });
    stream = exchange->start_stream({.body = "x"});
  });
  const Result<Response> answer =
      client.post_stream("/held", "{}", [](std::string_view) { return false; });
  answering.join();
  EXPECT_EQ(answer.status().code(), Code::kCancelled);
  EXPECT_TRUE(gone.wait());
}

TEST_F(ServerTest, ClientReturnsAnErrorAnswerWholeAlsoFromAStream) {
  start();
  Client client = this->client();
  const Result<Response> answer =
      client.post_stream("/nowhere", "{}", [](std::string_view) { return true; });
  ASSERT_TRUE(answer.ok());
  EXPECT_EQ(answer->status, 404);
  EXPECT_THAT(answer->body, HasSubstr("not_found"));
}

TEST_F(ServerTest, ClientReconnectsAfterTheServerClosedAnIdleConnection) {
  start({.idle_timeout = milliseconds(20)});
  Client client = this->client();
  ASSERT_EQ(client.get("/echo")->status, 200);
  ASSERT_TRUE(eventually([this] { return server_->counters().connections_open == 0; }));
  EXPECT_EQ(client.get("/echo")->status, 200);
}

}  // namespace
}  // namespace axle::http
