#include "http/server.h"

#include <gmock/gmock.h>

#include "http/test_support.h"

namespace axle::http {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

TEST_F(ServerTest, AnswersWithTheHandlersResponse) {
  start();
  Client client = this->client();
  Result<Response> answer = client.post("/echo?beta=true", "hello");
  ASSERT_TRUE(answer.ok()) << answer.status();
  EXPECT_EQ(answer->status, 200);
  EXPECT_EQ(answer->body, "POST /echo hello");
  EXPECT_EQ(find_header(answer->headers, "content-type"), "text/plain; charset=utf-8");
}

TEST_F(ServerTest, ServesAHundredRequestsOnOneConnectionAlsoAfterErrorsWithABody) {
  start();
  Client client = this->client();
  for (int i = 0; i < 120; ++i) {
    ASSERT_EQ(client.post("/nowhere", std::string(100'000, 'x'))->status, 404);
    ASSERT_EQ(client.post("/items/a", "body")->status, 405);
    ASSERT_EQ(client.post("/echo", "a")->status, 200);
  }
  EXPECT_EQ(server_->counters().connections_total, 1u);
  EXPECT_EQ(server_->counters().requests_total, 360u);
}

TEST_F(ServerTest, UnknownPathsGiveAJsonErrorAndWrongMethodsNameTheRightOnes) {
  router_.set_error_writer("/api", plain_error);
  start();
  Client client = this->client();
  Result<Response> unknown = client.get("/nowhere");
  ASSERT_TRUE(unknown.ok());
  EXPECT_EQ(unknown->status, 404);
  EXPECT_EQ(find_header(unknown->headers, "content-type"), "application/json");
  EXPECT_THAT(unknown->body, HasSubstr("\"code\":\"not_found\""));
  EXPECT_THAT(client.get("/api/nowhere")->body, StartsWith("{\"error\":\"there is nothing"));
  Result<Response> wrong = client.request("DELETE", "/echo", "", {});
  ASSERT_TRUE(wrong.ok());
  EXPECT_EQ(wrong->status, 405);
  EXPECT_EQ(find_header(wrong->headers, "allow"), "GET, HEAD, OPTIONS, POST");
}

TEST_F(ServerTest, DoubledSlashesEscapesAndTailsReachTheRoute) {
  start();
  Client client = this->client();
  EXPECT_EQ(client.get("//items//org/model:tag/")->body, "org/model:tag");
  EXPECT_EQ(client.get("/items/org%2Fmodel%3Atag")->body, "org/model:tag");
  EXPECT_EQ(client.get("/items/%zz")->status, 400);
  EXPECT_EQ(client.get("/items/../echo")->status, 400);
}

TEST_F(ServerTest, HeadAnswersAsGetWithoutTheBody) {
  start();
  Client client = this->client();
  Result<Response> head = client.request("HEAD", "/echo", "", {});
  ASSERT_TRUE(head.ok()) << head.status();
  EXPECT_EQ(head->status, 200);
  EXPECT_EQ(head->body, "");
  EXPECT_EQ(find_header(head->headers, "content-length"), "11");  // "HEAD /echo "
  EXPECT_EQ(client.get("/echo")->body, "GET /echo ");
}

TEST_F(ServerTest, PreflightNeedsNoKeyAndEveryAnswerCarriesTheOrigin) {
  start({.api_keys = {"k"}});
  Client client = this->client();
  for (const std::string_view path : {"/echo", "/nowhere", "/"}) {
    Result<Response> preflight = client.request(
        "OPTIONS", path, "", {{"Origin", "http://a"}, {"Access-Control-Request-Method", "POST"}});
    ASSERT_TRUE(preflight.ok());
    EXPECT_EQ(preflight->status, 204);
    EXPECT_EQ(find_header(preflight->headers, "access-control-allow-origin"), "*");
    EXPECT_THAT(std::string(*find_header(preflight->headers, "access-control-allow-methods")),
                HasSubstr("OPTIONS"));
  }
  for (const std::string_view path : {"/echo", "/nowhere", "/open", "/items/%zz"}) {
    EXPECT_EQ(find_header(client.get(path)->headers, "access-control-allow-origin"), "*") << path;
  }
}

TEST_F(ServerTest, AMissingOrWrongKeyGives401InTheKnownShape) {
  start({.api_keys = {"right"}});
  Client without = client();
  Result<Response> refused = without.get("/echo");
  ASSERT_TRUE(refused.ok());
  EXPECT_EQ(refused->status, 401);
  EXPECT_EQ(find_header(refused->headers, "www-authenticate"), "Bearer");
  EXPECT_THAT(refused->body, HasSubstr("\"code\":\"invalid_api_key\""));
  EXPECT_EQ(without.get("/open")->status, 200);
  EXPECT_EQ(without.get("/echo", {{"x-api-key", "right"}})->status, 200);
  EXPECT_EQ(client("wrong").get("/echo")->status, 401);
  EXPECT_EQ(client("right").get("/echo")->status, 200);
}

TEST_F(ServerTest, ADialectMayAskForAPasswordInItsOwnWay) {
  router_.set_error_writer("/echo", [](const ErrorInfo& error) {
    Response response = plain_error(error);
    response.headers.emplace_back("WWW-Authenticate", "Basic realm=\"axle\"");
    return response;
  });
  start({.api_keys = {"right"}});
  Result<Response> refused = client().get("/echo");
  ASSERT_TRUE(refused.ok());
  EXPECT_EQ(find_header(refused->headers, "www-authenticate"), "Basic realm=\"axle\"");
  EXPECT_EQ(client().get("/echo", {{"Authorization", "Basic dTpyaWdodA=="}})->status, 200);
}

TEST_F(ServerTest, EveryAnswerHasARequestIdAndKeepsAPlainOne) {
  start();
  Client client = this->client();
  EXPECT_THAT(std::string(*find_header(client.get("/echo")->headers, "x-request-id")),
              StartsWith("req-"));
  EXPECT_TRUE(find_header(client.get("/nowhere")->headers, "x-request-id"));
  Result<Response> own = client.get("/echo", {{"X-Request-Id", "mine-1"}});
  EXPECT_EQ(find_header(own->headers, "x-request-id"), "mine-1");
  Result<Response> odd = client.get("/echo", {{"X-Request-Id", "<script>"}});
  EXPECT_THAT(std::string(*find_header(odd->headers, "x-request-id")), StartsWith("req-"));
}

TEST_F(ServerTest, LargeBodiesArriveWhole) {
  start();
  EXPECT_EQ(client().post("/length", std::string(20'000'000, 'x'))->body, "20000000");
}

TEST_F(ServerTest, ABodyOverTheLimitGives413ToAClientThatSendsAllOfItFirst) {
  start({.max_body_bytes = 1000});
  Client client = this->client();
  for (const std::size_t size : {std::size_t{1001}, std::size_t{600'000}, std::size_t{3'000'000}}) {
    Result<Response> answer = client.post("/length", std::string(size, 'x'));
    ASSERT_TRUE(answer.ok()) << size << ": " << answer.status();
    EXPECT_EQ(answer->status, 413) << size;
    EXPECT_THAT(answer->body, HasSubstr("\"code\":\"body_too_large\""));
  }
  EXPECT_EQ(client.post("/length", std::string(1000, 'x'))->body, "1000");
}

TEST_F(ServerTest, AHandlerThatThrowsOrForgetsGives500) {
  router_.add("GET", "/throws",
              [](const std::shared_ptr<Exchange>&) { throw std::runtime_error("secret detail"); });
  router_.add("GET", "/forgets", [](const std::shared_ptr<Exchange>&) {});
  start();
  Client client = this->client();
  for (const std::string_view path : {"/throws", "/forgets"}) {
    Result<Response> answer = client.get(path);
    ASSERT_TRUE(answer.ok()) << answer.status();
    EXPECT_EQ(answer->status, 500);
    EXPECT_THAT(answer->body, HasSubstr("internal_error"));
    EXPECT_EQ(answer->body.find("secret"), std::string::npos);
  }
  EXPECT_EQ(client.get("/echo")->status, 200);
}

TEST_F(ServerTest, AnAnswerThatWouldInjectAHeaderIsNotSent) {
  router_.add("GET", "/inject", [](const std::shared_ptr<Exchange>& exchange) {
    exchange->respond({.headers = {{"X-A", "b\r\nSet-Cookie: c"}}, .body = "x"});
  });
  router_.add("GET", "/inject-stream", [](const std::shared_ptr<Exchange>& exchange) {
    exchange->start_stream({.headers = {{"X-A", "b\nSet-Cookie: c"}}})->finish();
  });
  start();
  Client client = this->client();
  for (const std::string_view path : {"/inject", "/inject-stream"}) {
    Result<Response> answer = client.get(path);
    ASSERT_TRUE(answer.ok()) << answer.status();
    EXPECT_EQ(answer->status, 500);
    EXPECT_FALSE(find_header(answer->headers, "set-cookie"));
  }
}

TEST_F(ServerTest, OnlyTheFirstAnswerCounts) {
  router_.add("GET", "/twice", [](const std::shared_ptr<Exchange>& exchange) {
    exchange->respond(text_response(200, "first"));
    exchange->respond(text_response(200, "second"));
    EXPECT_EQ(exchange->start_stream({})->write("third"), WriteResult::kClosed);
  });
  start();
  Client client = this->client();
  EXPECT_EQ(client.get("/twice")->body, "first");
  EXPECT_EQ(client.get("/echo")->body, "GET /echo ");
}

TEST_F(ServerTest, AFullWorkerQueueGives503WithRetryAfter) {
  Signal entered;
  Signal go_on;
  router_.add("GET", "/blocks", [&](const std::shared_ptr<Exchange>& exchange) {
    entered.set();
    go_on.wait();
    exchange->respond(text_response(200, "done"));
  });
  start({.worker_threads = 1, .worker_queue = 1});
  RawClient running(port());
  RawClient waiting(port());
  ASSERT_TRUE(running.send("GET /blocks HTTP/1.1\r\n\r\n"));
  ASSERT_TRUE(entered.wait());
  ASSERT_TRUE(waiting.send("GET /blocks HTTP/1.1\r\n\r\n"));
  ASSERT_TRUE(eventually([this] { return server_->counters().requests_active == 2; }));
  Result<Response> refused = client().get("/echo");
  go_on.set();
  ASSERT_TRUE(refused.ok());
  EXPECT_EQ(refused->status, 503);
  EXPECT_EQ(find_header(refused->headers, "retry-after"), "1");
  EXPECT_EQ(running.read().body, "done");
  EXPECT_EQ(waiting.read().body, "done");
  EXPECT_EQ(server_->counters().requests_refused, 1u);
}

TEST_F(ServerTest, TooManyConnectionsGive503) {
  start({.max_connections = 2});
  RawClient first(port());
  RawClient second(port());
  ASSERT_TRUE(eventually([this] { return server_->counters().connections_open == 2; }));
  RawClient third(port());
  const RawAnswer refused = third.read();
  EXPECT_EQ(refused.status, 503);
  EXPECT_THAT(refused.body, HasSubstr("too many connections"));
  EXPECT_TRUE(refused.has("Retry-After: 1") && refused.has("x-request-id: req-"));
  first.close();
  ASSERT_TRUE(eventually([this] { return server_->counters().connections_open == 1; }));
  EXPECT_EQ(client().get("/echo")->status, 200);
}

TEST_F(ServerTest, CountsBytesBothWays) {
  start();
  ASSERT_EQ(client().post("/length", std::string(5000, 'x'))->status, 200);
  EXPECT_GT(server_->counters().bytes_received, 5000u);
  EXPECT_TRUE(eventually([this] { return server_->counters().bytes_sent > 50; }));
}

TEST_F(ServerTest, SeveralListenersServeTheSameRoutes) {
  start({.listeners = {{"127.0.0.1", 0}, {"localhost", 0}}, .threads = 2});
  EXPECT_NE(server_->port(0), server_->port(1));
  EXPECT_EQ(server_->port(2), 0);
  for (const std::size_t i : {0u, 1u}) {
    RawClient client(server_->port(i));
    ASSERT_TRUE(client.send("GET /echo HTTP/1.1\r\n\r\n"));
    EXPECT_EQ(client.read().body, "GET /echo ");
  }
}

TEST_F(ServerTest, APortInUseIsToldWithWhatToDo) {
  start();
  Result<std::unique_ptr<Server>> second =
      Server::start({.listeners = {{"127.0.0.1", port()}}}, router_);
  EXPECT_EQ(second.status().code(), Code::kUnavailable);
  EXPECT_THAT(second.status().message(), HasSubstr(std::to_string(port())));
  EXPECT_THAT(second.status().message(), HasSubstr("already in use"));
}

TEST_F(ServerTest, AnAddressOfAnotherMachineIsToldAsSuch) {
  // 192.0.2.0/24 is for documentation (RFC 5737): no machine has it.
  const auto server = Server::start({.listeners = {{"192.0.2.1", 0}}}, router_);
  EXPECT_EQ(server.status().code(), Code::kUnavailable);
  EXPECT_THAT(server.status().message(), HasSubstr("no network of this machine"));
}

TEST_F(ServerTest, OptionsOutOfRangeAreRefused) {
  const auto code_for = [this](ServerOptions options) {
    return Server::start(std::move(options), router_).status().code();
  };
  EXPECT_EQ(code_for({.listeners = {{"not an address", 0}}}), Code::kInvalidArgument);
  EXPECT_EQ(code_for({.listeners = {}}), Code::kInvalidArgument);
  EXPECT_EQ(code_for({.threads = 0}), Code::kInvalidArgument);
  EXPECT_EQ(code_for({.worker_threads = 0}), Code::kInvalidArgument);
  EXPECT_EQ(code_for({.worker_queue = 0}), Code::kInvalidArgument);
  EXPECT_EQ(code_for({.max_connections = 0}), Code::kInvalidArgument);
  EXPECT_EQ(code_for({.max_header_bytes = 10}), Code::kInvalidArgument);
  EXPECT_EQ(code_for({.stream_queue_bytes = 0}), Code::kInvalidArgument);
  EXPECT_EQ(code_for({.read_timeout = std::chrono::milliseconds(0)}), Code::kInvalidArgument);
}

}  // namespace
}  // namespace axle::http
