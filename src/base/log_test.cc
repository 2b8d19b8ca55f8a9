#include "base/log.h"

#include <gtest/gtest.h>

namespace axle {
namespace {

TEST(LogTest, LevelsHaveNamesAndOthersAreRefused) {
  LogLevel level = LogLevel::kInfo;
  EXPECT_TRUE(parse_log_level("warn", level).ok());
  EXPECT_EQ(level, LogLevel::kWarn);
  EXPECT_EQ(parse_log_level("loud", level).code(), Code::kInvalidArgument);
  EXPECT_EQ(level, LogLevel::kWarn);
}

TEST(LogTest, JsonLinesEscapeWhatATextMayHold) {
  testing::internal::CaptureStderr();
  init_logging({.format = LogFormat::kJson, .process = "test"});
  AXLE_LOG_INFO("base", "a \"quoted\"\nline {}", 7);
  AXLE_LOG_DEBUG("base", "below the level");
  const std::string line = testing::internal::GetCapturedStderr();
  EXPECT_NE(line.find(R"("process":"test","room":"base","text":"a \"quoted\"\u000aline 7"})"),
            std::string::npos)
      << line;
  EXPECT_EQ(line.find("below"), std::string::npos);
}

}  // namespace
}  // namespace axle
