#include "http/router.h"

#include <gtest/gtest.h>

#include "http/target.h"

namespace axle::http {
namespace {

Handler nothing() {
  return [](const std::shared_ptr<Exchange>&) {};
}

std::vector<std::string> segments_of(std::string_view target) {
  Result<Target> parsed = parse_target(target);
  EXPECT_TRUE(parsed.ok()) << parsed.status();
  return parsed.ok() ? parsed->segments : std::vector<std::string>();
}

using Params = std::vector<std::pair<std::string, std::string>>;

TEST(TargetTest, DoubledAndTrailingSlashesVanish) {
  Result<Target> target = parse_target("//v1///models/?a=1");
  ASSERT_TRUE(target.ok());
  EXPECT_EQ(target->path, "/v1/models");
  EXPECT_EQ(parse_target("/")->path, "/");
  EXPECT_EQ(parse_target("/")->segments.size(), 0u);
}

TEST(TargetTest, AnEscapedSlashStaysInsideItsSegment) {
  Result<Target> target = parse_target("/a%2Fb/c%3a1");
  ASSERT_TRUE(target.ok());
  EXPECT_EQ(target->segments, (std::vector<std::string>{"a/b", "c:1"}));
  EXPECT_EQ(target->path, "/a/b/c:1");
}

TEST(TargetTest, QueryIsDecodedAndBadEscapesThereAreKept) {
  Result<Target> target = parse_target("/x?a=1+2&b=%41%zz&beta&a=9&=e&&c=d=e#f");
  ASSERT_TRUE(target.ok());
  const std::map<std::string, std::string> wanted = {
      {"a", "1 2"}, {"b", "A%zz"}, {"beta", ""}, {"", "e"}, {"c", "d=e"}};
  EXPECT_EQ(target->query, wanted);
}

TEST(TargetTest, KnowsTheFormWithAHostAndTheStar) {
  EXPECT_EQ(parse_target("http://host:8000/v1?x=1")->path, "/v1");
  EXPECT_EQ(parse_target("http://host?x=1")->query.at("x"), "1");
  EXPECT_EQ(parse_target("http://host")->path, "/");
  EXPECT_EQ(parse_target("*")->path, "/");
}

TEST(TargetTest, RefusesPathsThatCannotBeMeant) {
  for (const std::string_view bad : {"", "v1", "/%", "/%4", "/%zz", "/a%00b", "/a%0d%0ab", "/..",
                                     "/a/../b", "/a/%2e%2e/b", "/.", "host:443"}) {
    const Result<Target> target = parse_target(bad);
    EXPECT_EQ(target.status().code(), Code::kInvalidArgument) << bad;
  }
}

TEST(RouterTest, FindsLiteralsBeforeParametersBeforeTails) {
  Router router;
  router.add("GET", "/m/{id...}", nothing());
  router.add("GET", "/m/{id}", nothing());
  router.add("GET", "/m/list", nothing(), Access::kOpen);
  EXPECT_EQ(router.match("GET", {"m", "list"}).access, Access::kOpen);
  EXPECT_EQ(router.match("GET", {"m", "x"}).params, (Params{{"id", "x"}}));
  EXPECT_EQ(router.match("GET", {"m", "x", "y"}).params, (Params{{"id", "x/y"}}));
  EXPECT_EQ(router.match("GET", {"m"}).handler, nullptr);
}

TEST(RouterTest, ModelIdsMayHoldSlashesAndColonsAlsoEscaped) {
  Router router;
  router.add("GET", "/v1/models/{id...}", nothing());
  for (const std::string_view target :
       {"/v1/models/org/model:tag", "/v1/models/org%2Fmodel%3Atag", "/v1//models/org/model:tag/"}) {
    EXPECT_EQ(router.match("GET", segments_of(target)).params, (Params{{"id", "org/model:tag"}}))
        << target;
  }
}

TEST(RouterTest, PatternsWithSeveralParametersBindEach) {
  Router router;
  router.add("GET", "/a/{x}/b/{y}", nothing());
  EXPECT_EQ(router.match("GET", {"a", "1", "b", "2"}).params, (Params{{"x", "1"}, {"y", "2"}}));
  EXPECT_EQ(router.match("GET", {"a", "1", "c", "2"}).handler, nullptr);
}

TEST(RouterTest, HeadIsServedByGetUnlessItHasARouteOfItsOwn) {
  Router router;
  router.add("GET", "/", nothing());
  router.add("GET", "/own", nothing());
  router.add("HEAD", "/own", nothing(), Access::kOpen);
  EXPECT_NE(router.match("HEAD", {}).handler, nullptr);
  EXPECT_EQ(router.match("HEAD", {"own"}).access, Access::kOpen);
}

TEST(RouterTest, AnotherMethodsPathNamesWhatIsAllowed) {
  Router router;
  router.add("GET", "/a", nothing());
  router.add("POST", "/a", nothing());
  const Router::Match match = router.match("DELETE", {"a"});
  EXPECT_EQ(match.handler, nullptr);
  EXPECT_EQ(match.allow, "GET, HEAD, OPTIONS, POST");
  EXPECT_EQ(router.match("GET", {"b"}).allow, "");
}

TEST(RouterTest, ErrorsSpeakTheDialectOfTheirPath) {
  Router router;
  router.set_error_writer("/api", plain_error);
  router.set_error_writer("/api/v2", [](const ErrorInfo&) { return text_response(418, "own"); });
  const ErrorInfo error{.status = 404, .code = "not_found", .message = "no"};
  EXPECT_EQ(router.write_error({"api", "tags"}, error).body, "{\"error\":\"no\"}");
  EXPECT_EQ(router.write_error({"api", "v2", "x"}, error).status, 418);
  EXPECT_EQ(router.write_error({"apix"}, error).body,
            "{\"error\":{\"message\":\"no\",\"type\":\"invalid_request_error\",\"param\":null,"
            "\"code\":\"not_found\"}}");
  router.set_error_writer("/", plain_error);
  EXPECT_EQ(router.write_error({"apix"}, error).body, "{\"error\":\"no\"}");
}

TEST(RouterTest, ErrorsSayWhetherTheyAreWorthARetry) {
  for (const auto& [status, retry] :
       std::initializer_list<std::pair<int, const char*>>{{400, "false"},
                                                          {401, "false"},
                                                          {404, "false"},
                                                          {408, "true"},
                                                          {413, "false"},
                                                          {500, "false"},
                                                          {503, "true"}}) {
    EXPECT_EQ(find_header(openai_error({.status = status}).headers, "x-should-retry"), retry)
        << status;
  }
}

TEST(RouterTest, ErrorTypesFollowTheStatus) {
  EXPECT_NE(openai_error({.status = 401}).body.find("\"authentication_error\""), std::string::npos);
  EXPECT_NE(openai_error({.status = 429}).body.find("\"rate_limit_error\""), std::string::npos);
  EXPECT_NE(openai_error({.status = 503}).body.find("\"server_error\""), std::string::npos);
}

}  // namespace
}  // namespace axle::http
