#include "http/fetch.h"

#include <gmock/gmock.h>

#include <cstdlib>

#include "http/fetch_rule.h"
#include "http/test_support.h"

namespace axle::http {
namespace {

using std::chrono::milliseconds;
using ::testing::HasSubstr;
using ::testing::Not;

// The rule of a world in which only 127.0.0.1 is public.
bool is_first_of_loopback(std::span<const std::uint8_t> address) {
  return address.size() == 4 && address[0] == 127 && address[1] == 0 && address[2] == 0 &&
         address[3] == 1;
}

// Adds to the server of ServerTest:
//   GET /hop/{n}      leads to /hop/n-1, and /hop/0 answers "there"
//   GET /to?url=      leads there
//   GET /status/{n}   answers with that status and a body
//   GET /pieces       "0123456789" without a length
//   GET /broken       half of an answer
class FetchTest : public ServerTest {
 protected:
  FetchTest() {
    add("/hop/{n}", [](const std::shared_ptr<Exchange>& exchange) {
      const int left = std::atoi(exchange->request().param("n").c_str());
      if (left == 0) return exchange->respond(text_response(200, "there"));
      exchange->respond(redirect("/hop/" + std::to_string(left - 1)));
    });
    add("/to", [](const std::shared_ptr<Exchange>& exchange) {
      exchange->respond(redirect(exchange->request().query.at("url")));
    });
    add("/status/{n}", [](const std::shared_ptr<Exchange>& exchange) {
      exchange->respond(
          text_response(std::atoi(exchange->request().param("n").c_str()), "no picture"));
    });
    add("/agent", [](const std::shared_ptr<Exchange>& exchange) {
      exchange->respond(
          text_response(200, std::string(exchange->request().header("user-agent").value_or(""))));
    });
    add("/pieces", [](const std::shared_ptr<Exchange>& exchange) {
      const std::shared_ptr<BodyStream> stream = exchange->start_stream({});
      stream->write("01234");
      stream->write("56789");
      stream->finish();
    });
    add("/broken", [](const std::shared_ptr<Exchange>& exchange) {
      exchange->start_stream({})->write("01234");
    });
  }

  void add(std::string_view path, Handler handler) { router_.add("GET", path, std::move(handler)); }

  static Response redirect(std::string target) {
    return {.status = 302, .headers = {{"Location", std::move(target)}}};
  }

  std::string url(std::string_view path) const {
    return "http://127.0.0.1:" + std::to_string(port()) + std::string(path);
  }

  Result<std::string> get(std::string_view path, FetchOptions options = {}) const {
    options.allow_private = true;
    return fetch(url(path), options);
  }
};

TEST_F(FetchTest, GivesTheBodyOfAnAnswer) {
  start();
  const Result<std::string> body = get("/items/a%20cat");
  ASSERT_TRUE(body.ok()) << body.status();
  EXPECT_EQ(*body, "a cat");
  EXPECT_EQ(*get("/pieces"), "0123456789");
  EXPECT_EQ(*get("/open"), "");
}

TEST_F(FetchTest, SaysWhoAsks) {
  start();
  EXPECT_THAT(*get("/agent"), ::testing::MatchesRegex("axle/[0-9]+\\.[0-9]+\\.[0-9]+"));
}

TEST_F(FetchTest, UsesNoProxyOfTheEnvironment) {
  ::setenv("http_proxy", "http://127.0.0.1:1", 1);
  ::setenv("ALL_PROXY", "http://127.0.0.1:1", 1);
  start();
  EXPECT_TRUE(get("/open").ok());
  ::unsetenv("http_proxy");
  ::unsetenv("ALL_PROXY");
}

TEST_F(FetchTest, FollowsAFewRedirects) {
  start();
  EXPECT_EQ(*get("/hop/3"), "there");
  EXPECT_EQ(get("/hop/4").status().code(), Code::kInvalidArgument);
  EXPECT_THAT(get("/hop/4").status().message(), HasSubstr("more than 3 redirects"));
  EXPECT_EQ(get("/hop/1", {.max_redirects = 0}).status().code(), Code::kInvalidArgument);
}

TEST_F(FetchTest, ConnectsToPublicAddressesOnly) {
  start();
  const std::string port = ":" + std::to_string(this->port());
  for (const std::string_view host :
       {"127.0.0.1", "localhost", "2130706433", "0x7f.1", "017700000001", "0", "0.0.0.0", "[::1]",
        "[::]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[fe80::1%251]"}) {
    const Status status = fetch("http://" + std::string(host) + port + "/open").status();
    EXPECT_EQ(status.code(), Code::kInvalidArgument) << host << ": " << status;
    EXPECT_THAT(status.message(), HasSubstr("not public")) << host;
  }
  EXPECT_EQ(fetch("https://10.0.0.1/").status().code(), Code::kInvalidArgument);
  EXPECT_EQ(fetch("http://169.254.169.254/latest").status().code(), Code::kInvalidArgument);
  EXPECT_EQ(server_->counters().connections_total, 0u);
}

TEST_F(FetchTest, ARedirectToAnAddressThatIsNotPublicIsRefused) {
  start({.listeners = {{.address = "127.0.0.1"}, {.address = "127.0.0.2"}}});
  const std::string there =
      "/to?url=http://127.0.0.2:" + std::to_string(server_->port(1)) + "/open";
  EXPECT_TRUE(get(there).ok());
  EXPECT_TRUE(fetch_under(is_first_of_loopback, url("/to?url=" + url("/open")), {}).ok());
  const std::uint64_t before = server_->counters().connections_total;
  const Status status = fetch_under(is_first_of_loopback, url(there), {}).status();
  EXPECT_EQ(status.code(), Code::kInvalidArgument);
  EXPECT_THAT(status.message(), HasSubstr("not public"));
  EXPECT_THAT(status.message(), Not(HasSubstr("127.0.0.2")));
  EXPECT_EQ(server_->counters().connections_total, before + 1);
}

TEST_F(FetchTest, ARedirectToAnotherKindOfUrlIsRefused) {
  start();
  for (const std::string target :
       {"ftp://127.0.0.1/x", "file:///etc/hostname", "gopher://127.0.0.1/",
        "http://user:secret@127.0.0.1/", "http://["}) {
    const Status status = get("/to?url=" + target).status();
    EXPECT_EQ(status.code(), Code::kInvalidArgument) << target << ": " << status;
    EXPECT_THAT(status.message(), HasSubstr("a redirect leads to")) << target;
  }
}

TEST_F(FetchTest, ABodyMayBeAsLongAsTheLimit) {
  start();
  for (const std::string_view path : {"/pieces", "/items/0123456789"}) {
    EXPECT_EQ(*get(path, {.max_bytes = 10}), "0123456789");
    const Status status = get(path, {.max_bytes = 9}).status();
    EXPECT_EQ(status.code(), Code::kExhausted) << path;
    EXPECT_THAT(status.message(), HasSubstr("longer than 9 bytes"));
  }
  EXPECT_EQ(get("/pieces", {.max_bytes = 0}).status().code(), Code::kExhausted);
}

TEST_F(FetchTest, DoesNotWaitForASlowServer) {
  start();
  const Status status = get("/held", {.timeout = milliseconds(50)}).status();
  EXPECT_EQ(status.code(), Code::kDeadlineExceeded);
  EXPECT_THAT(status.message(), HasSubstr("within 50 ms"));
}

TEST_F(FetchTest, CanBeCancelledWhileTheServerIsSilent) {
  std::stop_source source;
  add("/silent", [this, &source](std::shared_ptr<Exchange> exchange) {
    mailbox_.put(std::move(exchange));
    source.request_stop();
  });
  start();
  EXPECT_EQ(get("/silent", {.cancel = source.get_token()}).status().code(), Code::kCancelled);
  EXPECT_EQ(get("/open", {.cancel = source.get_token()}).status().code(), Code::kCancelled);
}

TEST_F(FetchTest, TellsWhatTheServerAnswered) {
  start();
  for (const int missing : {404, 410}) {
    const Status status = get("/status/" + std::to_string(missing)).status();
    EXPECT_EQ(status.code(), Code::kNotFound) << missing;
    EXPECT_THAT(status.message(), HasSubstr("'127.0.0.1': the server answered with status 4"));
  }
  for (const int other : {304, 302, 401, 403, 407, 500, 503}) {
    const Status status = get("/status/" + std::to_string(other)).status();
    EXPECT_EQ(status.code(), Code::kUnavailable) << other;
    EXPECT_THAT(status.message(), HasSubstr("status " + std::to_string(other)));
  }
  EXPECT_TRUE(get("/status/201").ok());
}

TEST_F(FetchTest, TellsThatAConnectionFailed) {
  start();
  const std::string port = ":" + std::to_string(this->port());
  EXPECT_EQ(get("/broken").status().code(), Code::kUnavailable);
  const FetchOptions options{.allow_private = true};
  EXPECT_EQ(fetch("https://127.0.0.1" + port + "/", options).status().code(), Code::kUnavailable);
  const std::string gone = url("/open");
  server_.reset();
  EXPECT_EQ(fetch(gone, options).status().code(), Code::kUnavailable);
}

TEST(FetchUrlTest, RefusesWhatIsNotAUrlOfHttp) {
  for (const std::string& bad :
       {std::string(), std::string("example.com/cat.png"), std::string("//example.com"),
        std::string("ftp://example.com/"), std::string("file:///etc/passwd"),
        std::string("data:image/png;base64,AA=="), std::string("http://"),
        std::string("http://a b/"), std::string("http://a/\r\nX: y"),
        std::string("http://a/\0b", 11), std::string("http://a:99999/"),
        std::string("http://user@example.com/"), std::string("https://user:secret@example.com/")}) {
    const Status status = fetch(bad).status();
    EXPECT_EQ(status.code(), Code::kInvalidArgument) << bad;
    EXPECT_THAT(status.message(), Not(HasSubstr("secret")));
  }
}

TEST(FetchUrlTest, TellsThatANameDoesNotResolve) {
  // No name server is asked: a label has at most 63 characters (RFC 1035 section 2.3.4).
  const Status status = fetch("http://" + std::string(64, 'a') + ".invalid/").status();
  EXPECT_EQ(status.code(), Code::kNotFound) << status;
  EXPECT_THAT(status.message(), HasSubstr("does not resolve"));
}

}  // namespace
}  // namespace axle::http
