#include "softcard/machine.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>

namespace axle::softcard {
namespace {

constexpr int kBus = 3;
constexpr std::uint64_t kLimit = 1000;

class MachineTest : public testing::Test {
 protected:
  MachineTest()
      : path_(testing::TempDir() + "softcard_machine_" + std::to_string(::getpid()) + "_" +
              testing::UnitTest::GetInstance()->current_test_info()->name()) {}
  ~MachineTest() override { std::filesystem::remove(path_); }

  std::unique_ptr<Machine> open() {
    Result<std::unique_ptr<Machine>> machine = Machine::open(path_);
    EXPECT_TRUE(machine.ok()) << machine.status();
    return *std::move(machine);
  }

  // Starts a process that holds `bytes` of the card and then waits to be killed.
  pid_t start_holder(std::uint64_t bytes, Machine::OnKill on_kill) {
    int ready[2];
    EXPECT_EQ(::pipe(ready), 0);
    const pid_t child = ::fork();
    if (child == 0) {
      const auto machine = open();
      const bool held =
          machine->attach(kBus, on_kill).ok() && machine->charge(kBus, bytes, kLimit).ok();
      const char answer = held ? 'y' : 'n';
      if (::write(ready[1], &answer, 1) != 1) ::_exit(1);
      while (true) ::pause();
    }
    char answer = 0;
    EXPECT_EQ(::read(ready[0], &answer, 1), 1);
    EXPECT_EQ(answer, 'y');
    ::close(ready[0]);
    ::close(ready[1]);
    return child;
  }

  static void kill_and_reap(pid_t child) {
    ::kill(child, SIGKILL);
    ::waitpid(child, nullptr, 0);
  }

  const std::string path_;
};

TEST_F(MachineTest, MemoryIsSharedByAllProcesses) {
  const auto machine = open();
  ASSERT_TRUE(machine->attach(kBus, Machine::OnKill::kFree).ok());
  const pid_t other = start_holder(700, Machine::OnKill::kFree);
  EXPECT_EQ(machine->charge(kBus, 301, kLimit).code(), Code::kExhausted);
  EXPECT_TRUE(machine->charge(kBus, 300, kLimit).ok());
  EXPECT_EQ(machine->view(kBus).used_bytes, 1000u);
  EXPECT_EQ(machine->view(kBus).processes.size(), 2u);
  machine->discharge(kBus, 300);
  EXPECT_EQ(machine->view(kBus).used_bytes, 700u);
  kill_and_reap(other);
}

TEST_F(MachineTest, WhatAKilledProcessHeldIsFree) {
  const auto machine = open();
  ASSERT_TRUE(machine->attach(kBus, Machine::OnKill::kFree).ok());
  kill_and_reap(start_holder(1000, Machine::OnKill::kFree));
  EXPECT_TRUE(machine->charge(kBus, 1000, kLimit).ok());
  EXPECT_EQ(machine->view(kBus).processes.size(), 1u);
}

TEST_F(MachineTest, AProcessThatWasNotReapedYetCountsAsEnded) {
  const auto machine = open();
  const pid_t child = start_holder(1000, Machine::OnKill::kFree);
  ::kill(child, SIGKILL);
  siginfo_t info{};
  ASSERT_EQ(::waitid(P_PID, static_cast<id_t>(child), &info, WEXITED | WNOWAIT), 0);
  EXPECT_EQ(machine->view(kBus).used_bytes, 0u);
  ::waitpid(child, nullptr, 0);
}

TEST_F(MachineTest, LeakedMemoryStaysUntilTheReboot) {
  const auto machine = open();
  ASSERT_TRUE(machine->attach(kBus, Machine::OnKill::kFree).ok());
  kill_and_reap(start_holder(600, Machine::OnKill::kLeak));
  EXPECT_EQ(machine->charge(kBus, 500, kLimit).code(), Code::kExhausted);
  EXPECT_EQ(machine->view(kBus).leaked_bytes, 600u);
  machine->reboot(kBus);
  EXPECT_EQ(machine->view(kBus).used_bytes, 0u);
}

TEST_F(MachineTest, ADeadCardIsDeadForEverybodyUntilItIsRebooted) {
  const auto machine = open();
  const auto other = open();
  ASSERT_TRUE(machine->attach(kBus, Machine::OnKill::kFree).ok());
  const std::uint64_t before = other->generation(kBus);
  machine->declare_dead(kBus);
  EXPECT_TRUE(other->dead(kBus));
  other->reboot(kBus);
  EXPECT_FALSE(machine->dead(kBus));
  EXPECT_EQ(machine->generation(kBus), before + 1);
}

TEST_F(MachineTest, AKeyCanBeClaimedOnce) {
  const auto machine = open();
  const auto other = open();
  EXPECT_TRUE(machine->claim(5));
  EXPECT_FALSE(other->claim(5));
  EXPECT_TRUE(other->claim(6));
}

TEST_F(MachineTest, DetachingGivesEverythingBack) {
  const auto machine = open();
  ASSERT_TRUE(machine->attach(kBus, Machine::OnKill::kFree).ok());
  ASSERT_TRUE(machine->charge(kBus, 400, kLimit).ok());
  machine->detach(kBus);
  EXPECT_EQ(machine->view(kBus).used_bytes, 0u);
  EXPECT_TRUE(machine->view(kBus).processes.empty());
  EXPECT_EQ(machine->charge(kBus, 1, kLimit).code(), Code::kCardLost);
}

TEST_F(MachineTest, MoreCardsThanTheTableHoldsAreRefused) {
  const auto machine = open();
  for (int bus = 1; bus <= static_cast<int>(Machine::kMaxCards); ++bus) {
    EXPECT_TRUE(machine->attach(bus, Machine::OnKill::kFree).ok());
  }
  EXPECT_EQ(machine->attach(99, Machine::OnKill::kFree).code(), Code::kExhausted);
}

TEST_F(MachineTest, ADamagedStateFileIsReplaced) {
  std::FILE* file = std::fopen(path_.c_str(), "w");
  ASSERT_NE(file, nullptr);
  std::fputs("not a state", file);
  std::fclose(file);
  const auto machine = open();
  EXPECT_TRUE(machine->attach(kBus, Machine::OnKill::kFree).ok());
}

TEST_F(MachineTest, AStateFileHasItsSpaceFromTheStart) {
  const auto machine = open();
  struct stat file {};
  ASSERT_EQ(::stat(path_.c_str(), &file), 0);
  EXPECT_GE(file.st_blocks * 512, file.st_size) << "a hole could end a process on a full disk";
}

TEST_F(MachineTest, AStateFileInAMissingDirectoryIsAnError) {
  EXPECT_EQ(Machine::open("/no/such/directory/state").status().code(), Code::kUnavailable);
}

}  // namespace
}  // namespace axle::softcard
