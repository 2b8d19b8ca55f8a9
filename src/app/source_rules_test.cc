#include "app/source_rules.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "http/server.h"

namespace axle::app {
namespace {

Config config(const std::string& fetch) {
  Config made;
  made.pictures_fetch = fetch;
  return made;
}

TEST(SourceRulesTest, AddressesAreFetchedWhereThatIsAllowed) {
  http::Router router;
  router.add("GET", "/a.png", [](const std::shared_ptr<http::Exchange>& exchange) {
    exchange->respond(http::text_response(200, "file"));
  });
  const auto server = http::Server::start({}, router);
  ASSERT_TRUE(server.ok()) << server.status();
  const std::string url = "http://127.0.0.1:" + std::to_string((*server)->port()) + "/a.png";
  const auto any = pictures::source_file(url, source_rules(config("any")));
  ASSERT_TRUE(any.ok()) << any.status();
  EXPECT_EQ(*any, "file");
  EXPECT_EQ(pictures::source_file(url, source_rules(config("public"))).status().code(),
            Code::kInvalidArgument);
  EXPECT_EQ(pictures::source_file(url, source_rules(config("off"))).status().code(),
            Code::kUnsupported);
}

TEST(SourceRulesTest, FilesMayBeAsLargeAsABody) {
  Config small = config("off");
  small.max_body_mib = 1;
  EXPECT_EQ(source_rules(small).limits.max_bytes, std::size_t{1} << 20);
}

}  // namespace
}  // namespace axle::app
