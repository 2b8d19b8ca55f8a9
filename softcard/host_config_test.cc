#include "softcard/host_config.h"

#include <gtest/gtest.h>

#include <fstream>

namespace axle::softcard {
namespace {

TEST(HostConfigTest, NoFileMeansTheDefaults) {
  for (const char* path : {static_cast<const char*>(nullptr), "", "/no/such/axcl.json"}) {
    const Result<HostConfig> config = load_host_config(path);
    ASSERT_TRUE(config.ok()) << config.status();
    EXPECT_EQ(config->log_path, "/tmp/axcl/axcl_logs.txt");
    EXPECT_EQ(config->log_level, 2);
  }
}

TEST(HostConfigTest, TheShippedFormIsRead) {
  const Result<HostConfig> config = parse_host_config(R"({
    "log": {"host": {"path": "/tmp/x.txt", "level": 4}, "device": {"level": 2}},
    "dma buf size": "0x200000", "other": [1]})");
  ASSERT_TRUE(config.ok()) << config.status();
  EXPECT_EQ(config->log_path, "/tmp/x.txt");
  EXPECT_EQ(config->log_level, 4);
  EXPECT_EQ(config->dma_buffer_bytes, 0x200000u);
}

TEST(HostConfigTest, TheDmaBufferHasAFloor) {
  const Result<HostConfig> config = parse_host_config(R"({"dma buf size": "4096"})");
  ASSERT_TRUE(config.ok()) << config.status();
  EXPECT_EQ(config->dma_buffer_bytes, 0x100000u);
}

TEST(HostConfigTest, WrongContentIsRefused) {
  for (const char* text :
       {"", "[]", "{", R"({"log": 3})", R"({"log": {"host": 1}})",
        R"({"log": {"host": {"path": 1}}})", R"({"log": {"host": {"level": "x"}}})",
        R"({"dma buf size": 4})", R"({"dma buf size": "0xzz"})"}) {
    EXPECT_EQ(parse_host_config(text).status().code(), Code::kInvalidArgument) << text;
  }
}

TEST(HostConfigTest, AFileThatIsNotJsonIsRefusedWithItsName) {
  const std::string path = testing::TempDir() + "softcard_axcl.json";
  std::ofstream(path) << "hello";
  const Result<HostConfig> config = load_host_config(path.c_str());
  EXPECT_EQ(config.status().code(), Code::kInvalidArgument);
  EXPECT_NE(config.status().message().find(path), std::string::npos);
}

}  // namespace
}  // namespace axle::softcard
