#include "app/config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>

namespace axle::app {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

// Writes a configuration file, and keeps the environment of axle clean around each test.
class ConfigTest : public testing::Test {
 protected:
  void SetUp() override {
    for (const Setting& setting : settings()) ::unsetenv(std::string(setting.env).c_str());
    ::unsetenv("AXLE_CONFIG");
    std::string name = (std::filesystem::temp_directory_path() / "axle_config_XXXXXX").string();
    file_ = std::filesystem::path(::mkdtemp(name.data())) / "axle.toml";
  }
  void TearDown() override {
    SetUpEnvironmentAgain();
    std::filesystem::remove_all(file_.parent_path());
  }
  static void SetUpEnvironmentAgain() {
    for (const Setting& setting : settings()) ::unsetenv(std::string(setting.env).c_str());
  }
  Result<Config> load(const std::string& text, const FlagValues& flags = {}) {
    std::ofstream(file_) << text;
    return load_config(file_, flags);
  }
  std::string error(const std::string& text) { return load(text).status().message(); }
  std::filesystem::path file_;
};

TEST_F(ConfigTest, FlagsBeatTheEnvironmentWhichBeatsTheFile) {
  const std::string text = "[server]\nport = 1\naddress = \"10.0.0.1\"\n[log]\nlevel = \"debug\"\n";
  ::setenv("AXLE_PORT", "2", 1);
  ::setenv("AXLE_ADDRESS", "10.0.0.2", 1);
  const Result<Config> config = load(text, {{"--port", {"3"}}});
  ASSERT_TRUE(config.ok()) << config.status();
  EXPECT_EQ(config->port, 3);
  EXPECT_EQ(config->address, "10.0.0.2");
  EXPECT_EQ(config->log_level, LogLevel::kDebug);
}

TEST_F(ConfigTest, ListsComeFromArraysCommasAndRepeatedFlags) {
  EXPECT_THAT(load("models.load = [\"a\", \"b\"]")->models, ElementsAre("a", "b"));
  EXPECT_THAT(load("", {{"--load", {"c", "d"}}})->models, ElementsAre("c", "d"));
  ::setenv("AXLE_LOAD", "e,f", 1);
  EXPECT_THAT(load("")->models, ElementsAre("e", "f"));
}

TEST_F(ConfigTest, ErrorsNameTheFileTheLineAndWhatIsAllowed) {
  EXPECT_THAT(error("[server]\nport = 70000\n"), HasSubstr("axle.toml:2: server.port"));
  EXPECT_THAT(error("[server]\nport = 70000\n"), HasSubstr("from 0 to 65535, found \"70000\""));
  EXPECT_THAT(error("[server]\n\nprot = 1\n"), HasSubstr("axle.toml:3: server.prot: unknown key"));
  EXPECT_THAT(error("[server\n"), HasSubstr("axle.toml:1"));
  EXPECT_THAT(error("server.port = [1, 2]"), HasSubstr("takes one value"));
  EXPECT_THAT(error("log.format = \"xml\""), HasSubstr("\"text\" or \"json\""));
  EXPECT_THAT(error("log.level = \"loud\""), HasSubstr("unknown log level"));
  EXPECT_THAT(error("llm.order = \"any\""),
              HasSubstr("must be one of auto, chained, vendor, found \"any\""));
  EXPECT_THAT(error("[llm]\nprobe = \"no\""), HasSubstr("must be one of auto, always, off"));
  EXPECT_THAT(error("pictures.fetch = \"yes\""), HasSubstr("must be one of off, public, any"));
}

TEST_F(ConfigTest, APortThatIsNotNamedIsNotZero) {
  EXPECT_EQ(load("")->pictures_port, std::nullopt);
  EXPECT_EQ(load("pictures.port = 0")->pictures_port, 0);
}

TEST_F(ConfigTest, ValuesThatAreNoTextAndEmptyEntriesAreRefused) {
  EXPECT_THAT(error("server.api_keys = [[1]]"), HasSubstr("found something else"));
  EXPECT_THAT(error("server.api_keys = [\"a\", {x = 1}]"), HasSubstr("found something else"));
  EXPECT_THAT(error("server.address = 2024-01-01"), HasSubstr("found something else"));
  EXPECT_THAT(error("server.api_keys = [\"\"]"), HasSubstr("must not hold an empty entry"));
  ::setenv("AXLE_API_KEYS", "a,,b", 1);
  EXPECT_THAT(error(""), HasSubstr("AXLE_API_KEYS: must not hold an empty entry"));
}

TEST_F(ConfigTest, WrongEnvironmentAndFlagsNameTheirPlace) {
  ::setenv("AXLE_PORT", "many", 1);
  EXPECT_THAT(error(""), HasSubstr("AXLE_PORT: must be a whole number"));
  ::unsetenv("AXLE_PORT");
  EXPECT_THAT(load("", {{"--port", {"-1"}}}).status().message(), HasSubstr("--port: must be"));
}

TEST_F(ConfigTest, NamedFileThatIsMissingIsAnError) {
  EXPECT_EQ(load_config("/nowhere/axle.toml", {}).status().code(), Code::kNotFound);
}

TEST_F(ConfigTest, NothingSetGivesTheDefaults) { EXPECT_EQ(*load(""), Config{}); }

TEST_F(ConfigTest, EverySettingIsReachableByItsThreeNames) {
  for (const Setting& setting : settings()) {
    EXPECT_FALSE(setting.key.empty() || setting.env.empty() || setting.flag.empty());
    EXPECT_TRUE(setting.env.starts_with("AXLE_")) << setting.env;
    EXPECT_TRUE(setting.flag.starts_with("--")) << setting.flag;
  }
}

}  // namespace
}  // namespace axle::app
