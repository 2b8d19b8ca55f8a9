#include "app/image_request.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/json.hpp>
#include <map>

#include "base/base64.h"
#include "http/multipart.h"

namespace axle::app {
namespace {

using ::testing::HasSubstr;

ImageArguments arguments() {
  ImageArguments made;
  made.prompt = "Red apple, on a table!";
  made.seed = 7;
  made.steps = 2;
  return made;
}

TEST(ImageCallTest, APromptIsSentAsJson) {
  const ImageCall call = image_call(arguments(), "", "");
  EXPECT_EQ(call.path, "/v1/images/generations");
  const boost::json::value body = boost::json::parse(call.body);
  EXPECT_EQ(body.at("prompt"), "Red apple, on a table!");
  EXPECT_EQ(body.at("seed"), 7);
  EXPECT_EQ(body.at("steps"), 2);
  EXPECT_EQ(body.at("stream"), true);
  EXPECT_FALSE(body.as_object().contains("model"));
}

TEST(ImageCallTest, APictureIsSentAsAForm) {
  ImageArguments made = arguments();
  made.strength = 0.5;
  const ImageCall call = image_call(made, "PNG", "MASK");
  EXPECT_EQ(call.path, "/v1/images/edits");
  const auto parts = http::parse_multipart(call.headers.front().second, call.body);
  ASSERT_TRUE(parts.ok()) << parts.status();
  std::map<std::string, std::string> fields;
  for (const http::FormPart& part : *parts) fields[part.name] = part.body;
  EXPECT_EQ(fields["prompt"], "Red apple, on a table!");
  EXPECT_EQ(fields["image"], "PNG");
  EXPECT_EQ(fields["mask"], "MASK");
  EXPECT_EQ(fields["stream"], "true");
  EXPECT_EQ(fields["strength"], "5E-1");
}

TEST(ImageNewsTest, EventsTellPartialAndFinishedPictures) {
  const auto partial = image_news(
      R"({"type":"image_generation.partial_image","b64_json":"QQ==","partial_image_index":1,"index":2})");
  ASSERT_TRUE(partial.ok()) << partial.status();
  EXPECT_FALSE(partial->finished);
  EXPECT_EQ(partial->partial, 1);
  EXPECT_EQ(partial->index, 2);
  const auto finished = image_news(
      R"({"type":"image_edit.completed","b64_json":"QUJD","seed":18446744073709551615})");
  ASSERT_TRUE(finished.ok()) << finished.status();
  EXPECT_TRUE(finished->finished);
  EXPECT_EQ(finished->file, "ABC");
}

TEST(ImageNewsTest, FailuresAreTold) {
  const Status failed = image_news(R"({"error":{"message":"the card is lost"}})").status();
  EXPECT_EQ(failed.code(), Code::kUnavailable);
  EXPECT_EQ(failed.message(), "the card is lost");
  EXPECT_EQ(image_news("nothing").status().code(), Code::kCorrupt);
  EXPECT_EQ(image_news(R"({"type":"x"})").status().code(), Code::kCorrupt);
  EXPECT_FALSE(image_news(R"({"type":"x.completed","b64_json":"?"})").ok());
}

TEST(ImageFileTest, FilesAreNamedByThePromptOrAsWanted) {
  EXPECT_EQ(image_file(arguments(), 0, 1, 7), "red-apple-on-a-table-7.png");
  ImageArguments named = arguments();
  named.output = "/tmp/a.webp";
  EXPECT_EQ(image_file(named, 0, 1, 7), "/tmp/a.webp");
  EXPECT_EQ(image_file(named, 1, 3, 7), "/tmp/a-2.webp");
  named.output.clear();
  named.prompt = "\xF0\x9F\x8D\x8E";
  EXPECT_EQ(image_file(named, 0, 1, 7), "picture-7.png");
}

}  // namespace
}  // namespace axle::app
