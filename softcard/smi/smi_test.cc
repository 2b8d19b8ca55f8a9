#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <string>

// The program itself, on a machine of its own.
namespace axle::smi {
namespace {

using testing::ContainsRegex;
using testing::HasSubstr;

class SmiTest : public testing::Test {
 protected:
  SmiTest() : state_(testing::TempDir() + "softcard_smi_" + std::to_string(::getpid())) {
    ::setenv("AXLE_SOFTCARD_STATE", state_.c_str(), 1);
    ::setenv("AXLE_SOFTCARD", "toml:[[card]]\nbus = 3\n[[card]]\nbus = 129\nmemory_mib = 3072", 1);
  }
  ~SmiTest() override {
    std::filesystem::remove(state_);
    std::filesystem::remove(state_ + ".smi");
  }

  // What it prints; the exit code must be 0 whatever happens.
  static std::string smi(const std::string& arguments, const std::string& input = "") {
    const std::string command =
        "echo '" + input + "' | " + std::string(AXLE_SOFTCARD_SMI) + " " + arguments;
    std::FILE* pipe = ::popen(command.c_str(), "r");
    std::string output;
    std::array<char, 4096> buffer{};
    while (pipe != nullptr && std::fgets(buffer.data(), buffer.size(), pipe) != nullptr) {
      output += buffer.data();
    }
    EXPECT_EQ(::pclose(pipe), 0);
    return output;
  }
  const std::string state_;
};

TEST_F(SmiTest, TheSummaryShowsEveryCard) {
  const std::string text = smi("");
  EXPECT_THAT(text, ContainsRegex("\\|    0  AX650N +V3.10.2 \\| 0000:03:00.0 \\|"));
  EXPECT_THAT(text, ContainsRegex("\\|    1  AX650N +V3.10.2 \\| 0000:81:00.0 \\|"));
  EXPECT_THAT(text, HasSubstr("     3072 MiB |"));
}

TEST_F(SmiTest, InfoAnswersForTheCardOfTheIndex) {
  EXPECT_EQ(smi("info --temp -d 1"),
            "Device ID           : 129 (0x81)\ntemperature         : 45000\n\n");
  EXPECT_THAT(smi("info --cmm -d 0"), HasSubstr("CMM Total           :  7208960 KiB\n"));
  EXPECT_THAT(smi("info --temp -d 3"),
              HasSubstr("device index 3 is out of connected devices number 2"));
}

TEST_F(SmiTest, ShellCommandsReachTheCard) {
  EXPECT_THAT(smi("-d 0 sh cat /proc/ax_proc/mem_cmm_info"), HasSubstr("total size=7208960KB"));
  EXPECT_EQ(smi("set -f 1200000 -d 0"), "set cpu frequency 1200000 to device 3 succeed.\n");
}

TEST_F(SmiTest, ARebootAsksFirst) {
  EXPECT_EQ(smi("reboot -d 0", "n"), "Do you want to reboot device 0 ? (y/n): ");
  EXPECT_EQ(smi("reboot -d 0", "y"),
            "Do you want to reboot device 0 ? (y/n): reboot device 3 success\n");
}

TEST_F(SmiTest, AMachineWithoutDriverSaysSoWithExitCodeZero) {
  ::setenv("AXLE_SOFTCARD", "toml:[[fault]]\ncall = \"Init\"\naction = \"error\"\n", 1);
  EXPECT_THAT(smi(""), HasSubstr("axcl init fail, ret = 0x8030010b"));
  EXPECT_THAT(smi("-v"), HasSubstr("AXCL-SMI V3.10.2_20251215140224 BUILD: "));
  EXPECT_THAT(smi("--what"), HasSubstr("usage: axcl-smi"));
}

}  // namespace
}  // namespace axle::smi
