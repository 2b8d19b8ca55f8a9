#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>

#include <chrono>
#include <cmath>
#include <thread>

#include "softcard/testing/fixture.h"

// Faults of the profile, a dying card, and a card that is restarted.
namespace axle::softcard::testing {
namespace {

using std::chrono::steady_clock;
using namespace std::chrono_literals;

class FaultTest : public EngineTest {};

TEST_F(FaultTest, ACardThatDoesNotGrantPortsAnswersAfterTheSetTime) {
  set_profile("[[fault]]\ncall = \"SetDevice\"\naction = \"sleep_then_error\"\nseconds = 0.05\n");
  ASSERT_EQ(AX(client(), axclInit)(nullptr), kOk);
  const auto begin = steady_clock::now();
  EXPECT_EQ(AX(client(), axclrtSetDevice)(1), kDevicePorts);
  EXPECT_GE(steady_clock::now() - begin, 50ms);
  EXPECT_EQ(AX(client(), axclrtSetDevice)(1), kOk);
}

TEST_F(FaultTest, NoCardEnumeratedIsAnErrorOfTheStart) {
  set_profile("[[fault]]\ncall = \"Init\"\naction = \"error\"\ncode = 0x80300181\n");
  EXPECT_EQ(AX(client(), axclInit)(nullptr), kDeviceNoConnect);
}

TEST_F(FaultTest, TheSecondAllocationFailsAndTheThirdWorks) {
  set_profile("[[fault]]\ncall = \"Malloc\"\naction = \"error\"\nat = 2\n");
  open_card();
  allocate(1);
  void* pointer = nullptr;
  EXPECT_EQ(AX(client(), axclrtMalloc)(&pointer, 1, 2), kMemoryExecute);
  allocate(1);
}

TEST_F(FaultTest, ABrokenLoadAnswersItsCode) {
  set_profile("[[fault]]\ncall = \"EngineLoadFromFile\"\naction = \"error\"\n");
  open_card();
  const std::string path = write_model(adding_model());
  std::uint64_t model = 0;
  EXPECT_EQ(AX(client(), axclrtEngineLoadFromFile)(path.c_str(), &model), kEngineDecode);
  EXPECT_EQ(AX(client(), axclrtEngineLoadFromFile)(path.c_str(), &model), kOk);
}

TEST_F(FaultTest, AWrongResultIsAllNan) {
  set_profile("[[fault]]\naction = \"nan\"\nat = 2\n");
  open_card();
  BoundEngine engine;
  bind(engine);
  EXPECT_EQ(execute(engine), kOk);
  EXPECT_THAT(download(engine.sum, 4), ::testing::Each(2));
  EXPECT_EQ(execute(engine), kOk);
  EXPECT_THAT(download(engine.sum, 4), ::testing::Each(0xff));
}

TEST_F(FaultTest, APacedRunTakesItsTimeAndASlowLinkItsOwn) {
  set_profile("[timing]\ncall_ms = 20\ncopy_ms = 10\ncopy_bytes_per_second = 1e6\n");
  open_card();
  BoundEngine engine;
  bind(engine);
  auto begin = steady_clock::now();
  EXPECT_EQ(execute(engine), kOk);
  EXPECT_GE(steady_clock::now() - begin, 20ms);
  void* block = allocate(20000);
  begin = steady_clock::now();
  upload(block, std::vector<std::uint8_t>(20000));
  EXPECT_GE(steady_clock::now() - begin, 30ms);
}

TEST_F(FaultTest, SkippedArithmeticGivesAFunctionOfTheInput) {
  set_profile("skip_arithmetic = true");
  open_card();
  BoundEngine engine;
  bind(engine);
  EXPECT_EQ(execute(engine), kOk);
  const std::vector<std::uint8_t> zeros = download(engine.sum, 4);
  upload(engine.a, {9, 9, 9, 9});
  EXPECT_EQ(execute(engine), kOk);
  EXPECT_NE(download(engine.sum, 4), zeros);
}

TEST_F(FaultTest, AnEngineWithoutWeightsRunsOnlyWhereArithmeticIsSkipped) {
  axmodel::Model shape = adding_model();
  shape.op_type = "Other";  // No executor knows it; with skipped arithmetic none is asked.
  shape.weights.push_back({"matrix", "q8_0", {4096, 4096}, {}});
  const std::string path = base_ + ".axmodel";
  ASSERT_TRUE(axmodel::write_without_weights(shape, path).ok());
  std::uint64_t model = 0;
  open_card();
  EXPECT_EQ(AX(client(), axclrtEngineInit)(0), kOk);
  EXPECT_EQ(AX(client(), axclrtEngineLoadFromFile)(path.c_str(), &model), kEngineRefused);
  EXPECT_EQ(AX(client(), axclFinalize)(), kOk);

  set_profile("skip_arithmetic = true");
  open_card();
  EXPECT_EQ(AX(client(), axclrtEngineInit)(0), kOk);
  const std::uint32_t before = free_cmm_kb();
  EXPECT_EQ(AX(client(), axclrtEngineLoadFromFile)(path.c_str(), &model), kOk);
  // The card's memory counts what the weights would take.
  EXPECT_NEAR(before - free_cmm_kb(), 4096 * 4096 / 32 * 34 / 1024, 64);
}

// What a process prints that runs engines until the card dies; it is killed when it hangs.
// A call that hangs leaves its thread behind, and LeakSanitizer crashes when it reads such a
// thread's storage for a library that was opened at run time: the processes of these tests go
// without it.
bool thread_left_behind = false;
extern "C" int __lsan_is_turned_off() { return thread_left_behind ? 1 : 0; }

class DyingCardTest : public EngineTest {
 protected:
  static constexpr const char* kProfile =
      "[[card]]\ndead_open_seconds = 0.05\n[[fault]]\nafter_executes = 3\naction = \"die\"\n";
  // Runs engines in a second thread until one of them hangs; waits for the card's death.
  void run_until_dead() {
    bind(engine_);
    void* context = nullptr;
    ASSERT_EQ(AX(client(), axclrtGetCurrentContext)(&context), kOk);
    thread_left_behind = true;
    std::thread([context, engine = engine_] {
      AX(client(), axclrtSetCurrentContext)(context);
      while (execute(engine) == kOk) {
      }
    }).detach();  // The fourth run never returns.
    void* memory = nullptr;
    while (AX(client(), axclrtMalloc)(&memory, 1, 2) == kOk) std::this_thread::yield();
  }
  BoundEngine engine_;
};

TEST_F(DyingCardTest, TheRunningCallHangsAndLaterOnesSayThatTheCardIsGone) {
  set_profile(kProfile);
  open_card();
  run_until_dead();
  void* memory = nullptr;
  EXPECT_EQ(AX(client(), axclrtMalloc)(&memory, 1, 2), kTaskExecute);
  EXPECT_EQ(execute(engine_), kTaskExecute);
  EXPECT_EQ(AX(client(), axclrtResetDevice)(1), kOk);
  EXPECT_EQ(AX(client(), axclrtSetDevice)(1), kDevicePorts);
  EXPECT_EQ(AX(client(), axclrtRebootDevice)(1), kOk);
  EXPECT_EQ(AX(client(), axclrtSetDevice)(1), kOk);
  EXPECT_EQ(free_cmm_kb(), 7040u << 10);
}

TEST_F(DyingCardTest, ARestartOfTheCardTakesItFromItsUsers) {
  open_card();
  BoundEngine engine;
  bind(engine);
  EXPECT_EQ(AX(client(), axclrtRebootDevice)(1), kOk);
  EXPECT_EQ(execute(engine), kTaskExecute);
  void* memory = nullptr;
  EXPECT_EQ(AX(client(), axclrtMalloc)(&memory, 1, 2), kTaskExecute);
  EXPECT_EQ(AX(client(), axclrtResetDevice)(1), kOk);
  EXPECT_EQ(AX(client(), axclrtSetDevice)(1), kOk);
  EXPECT_EQ(execute(engine), kEngineRefused);
}

TEST_F(DyingCardTest, DeathIsLoggedWithTheListOfAllocations) {
  set_profile(kProfile);
  ::testing::internal::CaptureStdout();
  open_card();
  run_until_dead();
  const std::string output = ::testing::internal::GetCapturedStdout();
  EXPECT_THAT(output, ::testing::HasSubstr("device 1 is dead"));
  EXPECT_THAT(output, ::testing::HasSubstr("[C][device]"));
  EXPECT_THAT(output, ::testing::HasSubstr("allocated device memories: "));
  EXPECT_THAT(output, ::testing::HasSubstr("[0x148000000] : 0x1000 bytes"));
}

TEST_F(FaultTest, ACrashKillsTheProcess) {
  set_profile("[[fault]]\ncall = \"SetDevice\"\naction = \"crash\"\n");
  EXPECT_EXIT(
      {
        AX(client(), axclInit)(nullptr);
        AX(client(), axclrtSetDevice)(1);
      },
      ::testing::KilledBySignal(SIGKILL), "");
}

class ControlTest : public SoftcardTest {};

TEST_F(ControlTest, ReadingsAndProcessesAreTold) {
  set_profile("[[card]]\ntemperature = 61.5\nuid = \"0xabc\"\n");
  open_card();
  axclrtDeviceProperties properties{};
  ASSERT_EQ(AX(client(), axclrtGetDeviceProperties)(1, &properties), kOk);
  EXPECT_EQ(properties.temperature, 61500);
  EXPECT_EQ(properties.uid, 0xabcu);
  EXPECT_EQ(properties.totalCmmSize, 7208960u);
  EXPECT_STREQ(properties.swVersion, "V3.10.2_20251215140224");
  axclrtDevicePidInfo pids{};
  ASSERT_EQ(AX(client(), axclrtGetDevicePidInfo)(1, &pids), kOk);
  ASSERT_EQ(pids.num, 1u);
  EXPECT_EQ(pids.pid[0], static_cast<std::uint32_t>(::getpid()));
  std::free(pids.pid);
  axclrtDeviceBusInfo bus{};
  EXPECT_EQ(AX(client(), axclrtGetDeviceBusInfo)(1, &bus), kOk);
  EXPECT_EQ(bus.bus, 1u);
}

TEST_F(ControlTest, ShellCommandsAreAnsweredByTheCard) {
  open_card();
  const char* arguments[] = {"/sys/class/thermal/thermal_zone0/temp"};
  char* output = nullptr;
  ASSERT_EQ(AX(client(), axclrtControlExecuteShellCmd)("cat", arguments, 1, &output, 1000), kOk);
  EXPECT_STREQ(output, "45000\n");
  std::free(output);
  EXPECT_EQ(AX(client(), axclrtControlExecuteShellCmd)(nullptr, nullptr, 0, &output, 1),
            kControlNull);
}

TEST_F(ControlTest, WorkBetweenCardsIsRefused) {
  open_card();
  void* unit = nullptr;
  const axclrtP2PUnitInfo info{};
  EXPECT_EQ(AX(client(), axclrtCreateP2PUnit)(&info, &unit), kP2pUnsupported);
  EXPECT_EQ(AX(client(), axclrtTransferFile)("a", "b", 0), kUserWorkUnsupported);
  EXPECT_EQ(AX(client(), axclrtTransferFile)(nullptr, "b", 0), kUserWorkNull);
}

}  // namespace
}  // namespace axle::softcard::testing
