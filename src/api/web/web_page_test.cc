#include "api/web/web_page.h"

#include <gtest/gtest.h>

#include <array>
#include <optional>

namespace axle::api {
namespace {

constexpr std::array<WebFile, 2> kFiles = {
    WebFile{"/index.html", "text/html; charset=utf-8", "\"i1\"", "<!doctype html>", ""},
    WebFile{"/assets/a-1.js", "text/javascript; charset=utf-8", "\"a1\"", "let a", "zipped"}};

// A request and the answer to it.
class RecordedExchange : public http::Exchange {
 public:
  explicit RecordedExchange(http::Request request) : request_(std::move(request)) {}
  const http::Request& request() const override { return request_; }
  void respond(http::Response response) override { response_ = std::move(response); }
  std::shared_ptr<http::BodyStream> start_stream(http::Response) override { return nullptr; }
  void on_disconnect(std::function<void()>) override {}
  bool client_gone() const override { return false; }
  void on_stop(std::function<void()>) override {}
  const http::Response& response() const { return response_.value(); }

 private:
  http::Request request_;
  std::optional<http::Response> response_;
};

http::Request get(http::HeaderList headers = {}) {
  http::Request request;
  request.method = "GET";
  request.headers = std::move(headers);
  return request;
}

http::Response ask(std::span<const WebFile> files, std::vector<std::string> segments,
                   http::HeaderList headers = {}) {
  const WebPage page(files, "1.2.3");
  http::Router router;
  page.add_routes(router);
  const http::Router::Match match = router.match("GET", segments);
  EXPECT_NE(match.handler, nullptr);
  EXPECT_EQ(match.access, http::Access::kOpen);
  const auto exchange = std::make_shared<RecordedExchange>(get(std::move(headers)));
  (*match.handler)(exchange);
  return exchange->response();
}

std::string header(const http::Response& response, std::string_view name) {
  return std::string(http::find_header(response.headers, name).value_or(""));
}

TEST(WebPageTest, BrowsersGetThePageAndProgramsALineOfText) {
  const http::Response page = ask(kFiles, {}, {{"Accept", "text/html,*/*;q=0.8"}});
  EXPECT_EQ(page.body, "<!doctype html>");
  EXPECT_EQ(header(page, "Content-Type"), "text/html; charset=utf-8");
  const http::Response text = ask(kFiles, {}, {{"Accept", "*/*"}});
  EXPECT_EQ(text.body, "axle 1.2.3 is running. Chat: POST /v1/chat/completions\n");
  EXPECT_EQ(header(text, "Vary"), "Accept");
}

TEST(WebPageTest, ABuildWithoutThePageSaysSoAndThatAxleRuns) {
  EXPECT_EQ(ask({}, {}, {{"Accept", "text/html"}}).body,
            "axle 1.2.3 is running, built without its page. Chat: POST /v1/chat/completions\n");
}

TEST(WebPageTest, NothingFromElsewhereMayBeLoaded) {
  const http::Response page = ask(kFiles, {}, {{"Accept", "text/html"}});
  const std::string policy = header(page, "Content-Security-Policy");
  EXPECT_TRUE(policy.starts_with("default-src 'none';")) << policy;
  EXPECT_EQ(policy.find("unsafe"), std::string::npos);
  EXPECT_EQ(policy.find("http"), std::string::npos);
  EXPECT_EQ(header(page, "X-Content-Type-Options"), "nosniff");
}

TEST(WebPageTest, FilesWithAHashInTheirNameAreKeptForEver) {
  EXPECT_NE(header(ask(kFiles, {"assets", "a-1.js"}), "Cache-Control").find("immutable"),
            std::string::npos);
  EXPECT_EQ(header(ask(kFiles, {"index.html"}), "Cache-Control"), "no-cache");
}

TEST(WebPageTest, WhoTakesGzipGetsIt) {
  const WebFile& script = kFiles[1];
  for (const char* accepted : {"gzip", "br, GZIP;q=0.5", "deflate ,gzip ; q=1"}) {
    const http::Response response = file_response(script, get({{"Accept-Encoding", accepted}}));
    EXPECT_EQ(response.body, "zipped") << accepted;
    EXPECT_EQ(header(response, "Content-Encoding"), "gzip");
  }
  for (const char* refused : {"", "br", "gzip;q=0", "gzip;q=0.0", "x-gzip"}) {
    const http::Response response = file_response(script, get({{"Accept-Encoding", refused}}));
    EXPECT_EQ(response.body, "let a") << refused;
    EXPECT_EQ(header(response, "Content-Encoding"), "");
  }
  EXPECT_EQ(file_response(kFiles[0], get({{"Accept-Encoding", "gzip"}})).body, "<!doctype html>");
}

TEST(WebPageTest, WhoHasAFileIsNotSentItAgain) {
  for (const char* known : {"\"a1\"", "\"x\", W/\"a1\"", "*"}) {
    const http::Response response = file_response(kFiles[1], get({{"If-None-Match", known}}));
    EXPECT_EQ(response.status, 304) << known;
    EXPECT_EQ(response.body, "");
    EXPECT_EQ(header(response, "ETag"), "\"a1\"");
  }
  EXPECT_EQ(file_response(kFiles[1], get({{"If-None-Match", "\"i1\""}})).status, 200);
}

}  // namespace
}  // namespace axle::api
