#include "http/access.h"

#include <gtest/gtest.h>

namespace axle::http {
namespace {

TEST(KeyRingTest, WithoutKeysEveryoneMayCall) {
  const KeyRing keys({});
  EXPECT_TRUE(keys.accepts({}));
  EXPECT_TRUE(keys.accepts({{"Authorization", "Bearer dummy"}}));
}

TEST(KeyRingTest, AcceptsAKeyInEachOfItsPlaces) {
  const KeyRing keys({"sk-1", "secret"});
  EXPECT_TRUE(keys.accepts({{"Authorization", "Bearer sk-1"}}));
  EXPECT_TRUE(keys.accepts({{"authorization", "bearer  secret "}}));
  EXPECT_TRUE(keys.accepts({{"x-api-key", "secret"}}));
  EXPECT_TRUE(keys.accepts({{"Authorization", "Basic dXNlcjpzZWNyZXQ="}}));  // user:secret
}

TEST(KeyRingTest, AKeyWithAUserWantsBoth) {
  const KeyRing keys({"user:secret"});
  EXPECT_TRUE(keys.accepts({{"Authorization", "Basic dXNlcjpzZWNyZXQ="}}));
  EXPECT_FALSE(keys.accepts({{"Authorization", "Basic b3RoZXI6c2VjcmV0"}}));  // other:secret
}

TEST(KeyRingTest, RefusesEverythingElse) {
  const KeyRing keys({"secret"});
  for (const std::string_view value : {"", "Bearer", "Bearer ", "Bearer secre", "Bearer secrets",
                                       "secret", "Basic secret", "Basic !!!!", "Digest secret"}) {
    EXPECT_FALSE(keys.accepts({{"Authorization", std::string(value)}})) << value;
  }
  EXPECT_FALSE(keys.accepts({}));
  EXPECT_FALSE(keys.accepts({{"x-api-key", ""}}));
}

TEST(CorsPolicyTest, AWildcardNeverGoesWithCredentials) {
  const CorsPolicy cors({"*"});
  HeaderList answer;
  cors.decorate({{"Origin", "http://a"}}, answer);
  EXPECT_EQ(find_header(answer, "access-control-allow-origin"), "*");
  EXPECT_FALSE(find_header(answer, "access-control-allow-credentials"));
}

TEST(CorsPolicyTest, AListReflectsItsOwnOriginsOnly) {
  const CorsPolicy cors({"http://a", "http://b"});
  HeaderList known;
  cors.decorate({{"Origin", "http://b"}}, known);
  EXPECT_EQ(find_header(known, "access-control-allow-origin"), "http://b");
  EXPECT_EQ(find_header(known, "access-control-allow-credentials"), "true");
  HeaderList unknown;
  cors.decorate({{"Origin", "http://c"}}, unknown);
  EXPECT_EQ(unknown, (HeaderList{{"Vary", "Origin"}}));
}

TEST(CorsPolicyTest, PagesMayReadWhatIsToldOfAPicture) {
  HeaderList answer;
  CorsPolicy({"*"}).decorate({{"Origin", "http://a"}}, answer);
  const std::string headers(*find_header(answer, "access-control-expose-headers"));
  for (const std::string_view name :
       {"x-request-id", "retry-after", "etag", "x-process-time", "x-image-width", "x-image-height",
        "x-image-format", "x-image-seed", "x-image-notes"}) {
    EXPECT_NE(headers.find(name), std::string::npos) << name;
  }
}

TEST(CorsPolicyTest, PreflightNamesMethodsHeadersAndPrivateNetwork) {
  const CorsPolicy cors({"*"});
  const Response answer = cors.preflight({{"Origin", "http://a"},
                                          {"Access-Control-Request-Headers", "x-own, b\xff ad"},
                                          {"Access-Control-Request-Private-Network", "true"}},
                                         "GET, POST");
  EXPECT_EQ(answer.status, 204);
  EXPECT_EQ(find_header(answer.headers, "access-control-allow-methods"), "GET, POST");
  EXPECT_EQ(find_header(answer.headers, "access-control-allow-private-network"), "true");
  const std::string headers(*find_header(answer.headers, "access-control-allow-headers"));
  for (const std::string_view name : {"authorization", "content-type", "x-stainless-os", "x-own"}) {
    EXPECT_NE(headers.find(name), std::string::npos) << name;
  }
  EXPECT_EQ(headers.find('\xff'), std::string::npos);
}

TEST(CorsPolicyTest, WithoutOriginsNothingIsAllowed) {
  const CorsPolicy cors({});
  HeaderList answer;
  cors.decorate({{"Origin", "http://a"}}, answer);
  EXPECT_TRUE(answer.empty());
  EXPECT_FALSE(find_header(cors.preflight({}, "GET").headers, "access-control-allow-methods"));
}

}  // namespace
}  // namespace axle::http
