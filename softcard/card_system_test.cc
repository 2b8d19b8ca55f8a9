#include "softcard/card_system.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

namespace axle::softcard {
namespace {

using testing::HasSubstr;
using testing::MatchesRegex;

class CardSystemTest : public testing::Test {
 protected:
  CardSystemTest() {
    Result<std::unique_ptr<Machine>> machine = Machine::open(path_);
    EXPECT_TRUE(machine.ok()) << machine.status();
    machine_ = *std::move(machine);
    EXPECT_TRUE(machine_->attach(card_.bus, Machine::OnKill::kFree).ok());
  }
  ~CardSystemTest() override { std::filesystem::remove(path_); }
  std::string shell(std::string_view command) { return run_shell(card_, *machine_, command); }

  const std::string path_ = testing::TempDir() + "softcard_system_" + std::to_string(::getpid()) +
                            testing::UnitTest::GetInstance()->current_test_info()->name();
  CardProfile card_;
  std::unique_ptr<Machine> machine_;
};

TEST_F(CardSystemTest, TheMemorySummaryHasTheFormThatClientsParse) {
  ASSERT_TRUE(machine_->charge(card_.bus, 18876 * 1024, card_.memory_bytes).ok());
  EXPECT_EQ(shell("cat /proc/ax_proc/mem_cmm_info  | grep \"total size\""),
            " total size=7208960KB(7040MB),used=18876KB(18MB + 444KB),remain=7190084KB(7021MB + "
            "580KB),partition_number=1,block_number=1\n");
}

TEST_F(CardSystemTest, TheMemoryOfAProcessIsFoundByItsId) {
  ASSERT_TRUE(machine_->charge(card_.bus, 4096, card_.memory_bytes).ok());
  const std::string command = "cat /proc/ax_proc/mem_cmm_info | grep -E 'name=\"npu_.*_pid" +
                              std::to_string(::getpid()) + ".*\"' || true";
  EXPECT_THAT(shell(command), HasSubstr("length=4KB(0MB)"));
}

TEST_F(CardSystemTest, ReadingsHaveTheFormOfTheCard) {
  EXPECT_EQ(shell("cat /sys/class/thermal/thermal_zone0/temp"), "45000\n");
  EXPECT_THAT(shell("cat /proc/meminfo"), HasSubstr("MemTotal:         968356 kB"));
  EXPECT_THAT(shell("cat /proc/ax_proc/version"), HasSubstr("V3.10.2"));
  EXPECT_EQ(shell("cat /proc/ax_proc/npu/top"), "");
  machine_->add_npu_time(card_.bus, 1);
  EXPECT_THAT(shell("cat /proc/ax_proc/npu/top"), HasSubstr("core: 2 utilization: 0%"));
  EXPECT_THAT(shell("top -bn1 | grep -E \"CPU:|Load average:\" | grep -v \"grep\""),
              MatchesRegex("CPU: .*usr.*idle.*\nLoad average: .*\n"));
}

TEST_F(CardSystemTest, TheProcessorsFrequencyCanBeSet) {
  EXPECT_EQ(shell("echo 1200000 > /sys/devices/system/cpu/cpufreq/policy0/scaling_setspeed"), "");
  EXPECT_EQ(shell("cat /sys/devices/system/cpu/cpufreq/policy0/scaling_cur_freq"), "1200000\n");
  EXPECT_THAT(shell("echo 1 > /etc/passwd"), HasSubstr("Permission denied"));
}

TEST_F(CardSystemTest, UnknownCommandsAndFilesAreAnsweredAsByAShell) {
  EXPECT_EQ(shell("rm -rf /"), "sh: rm: not found\n");
  EXPECT_EQ(shell("cat /nowhere"), "cat: can't open '/nowhere': No such file or directory\n");
  EXPECT_EQ(shell("cat /proc/meminfo | sort"), "sh: sort: not found\n");
  EXPECT_EQ(shell("cat /proc/meminfo | grep -E '('"), "grep: bad regex\n");
  EXPECT_EQ(shell(""), "");
}

TEST_F(CardSystemTest, ATemperatureFileWins) {
  card_.temperature_file = path_ + ".temperature";
  std::ofstream(card_.temperature_file) << "81500\n";
  EXPECT_EQ(read_card(card_, *machine_).temperature_millidegrees, 81500);
  std::filesystem::remove(card_.temperature_file);
  EXPECT_EQ(read_card(card_, *machine_).temperature_millidegrees, 45000);
}

}  // namespace
}  // namespace axle::softcard
