#include "api/openai/picture_files.h"

#include <gtest/gtest.h>

namespace axle::api {
namespace {

using std::chrono::minutes;

constexpr PictureFiles::Time kNow{};

TEST(PictureFilesTest, AFileIsFoundByItsNameForAnHour) {
  PictureFiles files({});
  const Result<std::string> name = files.add({"pixels", "image/png"}, kNow);
  ASSERT_TRUE(name.ok()) << name.status();
  EXPECT_EQ(name->size(), 32u);
  const auto found = files.find(*name, kNow + minutes(59));
  ASSERT_NE(found, nullptr);
  EXPECT_EQ(found->bytes, "pixels");
  EXPECT_EQ(found->media_type, "image/png");
  EXPECT_EQ(files.find(*name, kNow + minutes(60)), nullptr);
  EXPECT_EQ(files.find("other", kNow), nullptr);
}

TEST(PictureFilesTest, TheOldestGoWhereThereAreTooMany) {
  PictureFiles files({.max_files = 2});
  const auto first = files.add({"a", ""}, kNow);
  const auto second = files.add({"b", ""}, kNow);
  const auto third = files.add({"c", ""}, kNow);
  EXPECT_EQ(files.find(*first, kNow), nullptr);
  EXPECT_NE(files.find(*second, kNow), nullptr);
  EXPECT_NE(files.find(*third, kNow), nullptr);
}

TEST(PictureFilesTest, TheOldestGoWhereTheyAreTooLarge) {
  PictureFiles files({.max_bytes = 10});
  const auto first = files.add({"aaaa", ""}, kNow);
  const auto second = files.add({"bbbb", ""}, kNow);
  const auto third = files.add({"cccccc", ""}, kNow);
  EXPECT_EQ(files.find(*first, kNow), nullptr);
  EXPECT_NE(files.find(*second, kNow), nullptr);
  EXPECT_NE(files.find(*third, kNow), nullptr);
  EXPECT_NE(files.find(*files.add({"0123456789", ""}, kNow), kNow), nullptr);
}

TEST(PictureFilesTest, AFileThatIsLargerThanAllMayBeIsRefused) {
  PictureFiles files({.max_bytes = 10});
  const Result<std::string> name = files.add({"01234567890", ""}, kNow);
  EXPECT_EQ(name.status().code(), Code::kExhausted);
  EXPECT_NE(name.status().message().find("b64_json"), std::string::npos);
}

}  // namespace
}  // namespace axle::api
