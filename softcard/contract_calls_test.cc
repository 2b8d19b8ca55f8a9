#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>
#include <fstream>
#include <string_view>
#include <thread>

#include "softcard/testing/fixture.h"

// What calls answer without a card, without a context and with wrong arguments; contexts and the
// list of devices.
namespace axle::softcard::testing {
namespace {

constexpr std::string_view kRefusingProfile =
    "[[fault]]\ncall = \"Init\"\naction = \"error\"\ncount = 0\n";

class NoCardTest : public SoftcardTest {
 protected:
  void SetUp() override {
    set_profile(std::string(kRefusingProfile));
    ASSERT_EQ(AX(client(), axclInit)(nullptr), kDeviceOpen);
  }
  void* const any_ = reinterpret_cast<void*>(0x148000000);
};

TEST_F(NoCardTest, VersionsAndTheEmptyListAreAnswered) {
  std::int32_t major = 0;
  std::int32_t minor = 0;
  std::int32_t patch = 0;
  EXPECT_EQ(AX(client(), axclrtGetVersion)(&major, &minor, &patch), kOk);
  EXPECT_EQ(major * 10000 + minor * 100 + patch, 31002);
  axclrtDeviceList list{};
  list.num = 9;
  EXPECT_EQ(AX(client(), axclrtGetDeviceList)(&list), kOk);
  EXPECT_EQ(list.num, 0u);
  EXPECT_EQ(AX(client(), axclrtGetDeviceList)(nullptr), kDeviceNull);
  EXPECT_STREQ(AX(client(), axclrtGetSocName)(), "UNKNOWN");
  EXPECT_EQ(AX(client(), axclFinalize)(), kOk);
  EXPECT_EQ(AX(client(), axclFinalize)(), kOk);
}

TEST_F(NoCardTest, DeviceAndContextCallsAnswerTheirCodes) {
  std::int32_t device = 0;
  void* handle = nullptr;
  axclrtDeviceProperties properties{};
  EXPECT_EQ(AX(client(), axclrtGetDevice)(&device), kDeviceNoActive);
  EXPECT_EQ(AX(client(), axclrtSetDevice)(1), kDeviceInvalidId);
  EXPECT_EQ(AX(client(), axclrtResetDevice)(1), kDeviceInvalidId);
  EXPECT_EQ(AX(client(), axclrtCreateContext)(&handle, 1), kDeviceInvalidId);
  EXPECT_EQ(AX(client(), axclrtCreateContext)(nullptr, 1), kContextNull);
  EXPECT_EQ(AX(client(), axclrtGetCurrentContext)(&handle), kContextNoBind);
  EXPECT_EQ(AX(client(), axclrtGetDeviceProperties)(1, &properties), kDeviceQuery);
  EXPECT_EQ(AX(client(), axclrtSynchronizeDevice)(), kOk);
}

TEST_F(NoCardTest, MemoryCallsAnswerTheirCodes) {
  void* pointer = nullptr;
  std::uint8_t host[2] = {1, 2};
  EXPECT_EQ(AX(client(), axclrtMalloc)(&pointer, 4096, 0), kContextNoBind);
  EXPECT_EQ(AX(client(), axclrtMalloc)(&pointer, 0, 0), kContextNoBind);
  EXPECT_EQ(AX(client(), axclrtMalloc)(nullptr, 1, 0), kMemoryNull);
  EXPECT_EQ(AX(client(), axclrtFree)(nullptr), kMemoryNull);
  EXPECT_EQ(AX(client(), axclrtFree)(any_), kContextNoBind);
  EXPECT_EQ(AX(client(), axclrtMallocHost)(&pointer, 0), kOk);
  EXPECT_EQ(AX(client(), axclrtFreeHost)(pointer), kOk);
  EXPECT_EQ(AX(client(), axclrtFreeHost)(nullptr), kOk);
  EXPECT_EQ(AX(client(), axclrtMemcpy)(host, host + 1, 1, kHostToHost), kOk);
  EXPECT_EQ(host[0], 2);
  EXPECT_EQ(AX(client(), axclrtMemcpy)(nullptr, host, 1, kHostToHost), kMemoryNull);
  EXPECT_EQ(AX(client(), axclrtMemcpy)(any_, host, 1, kHostToDevice), kContextNoBind);
  EXPECT_EQ(AX(client(), axclrtMemcpy)(any_, host, 1, 99), kContextNoBind);
  EXPECT_EQ(AX(client(), axclrtMemset)(nullptr, 0, 1), kMemoryNull);
  EXPECT_EQ(AX(client(), axclrtMemcmp)(nullptr, any_, 1), kMemoryNull);
  EXPECT_EQ(AX(client(), axclrtMemFlush)(nullptr, 1), kMemoryNull);
  EXPECT_EQ(AX(client(), axclrtMemInvalidate)(nullptr, 1), kMemoryNull);
}

TEST_F(NoCardTest, StreamAndEventCallsAnswerTheirCodes) {
  void* handle = nullptr;
  EXPECT_EQ(AX(client(), axclrtCreateStream)(&handle), kContextNoBind);
  EXPECT_EQ(AX(client(), axclrtDestroyStream)(nullptr), kStreamNull);
  EXPECT_EQ(AX(client(), axclrtSynchronizeStream)(nullptr), kStreamNull);
  EXPECT_EQ(AX(client(), axclrtCreateEvent)(&handle), kDeviceNoActive);
}

TEST_F(NoCardTest, EngineLoadCallsAnswerTheirCodes) {
  std::uint64_t model = 0;
  std::int64_t size = 0;
  std::int32_t kind = 0;
  const std::string existing = write_model(adding_model());
  EXPECT_EQ(AX(client(), axclrtEngineInit)(0), kContextNoBind);
  EXPECT_EQ(AX(client(), axclrtEngineGetVNpuKind)(&kind), kContextNoBind);
  EXPECT_EQ(AX(client(), axclrtEngineGetVNpuKind)(nullptr), kEngineNull);
  EXPECT_EQ(AX(client(), axclrtEngineFinalize)(), kContextNoBind);
  EXPECT_EQ(AX(client(), axclrtEngineLoadFromFile)("/no/such.axmodel", &model), kEngineIllegal);
  EXPECT_EQ(AX(client(), axclrtEngineLoadFromFile)(existing.c_str(), &model), kMemoryExecute);
  EXPECT_EQ(AX(client(), axclrtEngineLoadFromFile)(nullptr, &model), kEngineNull);
  EXPECT_EQ(AX(client(), axclrtEngineLoadFromMem)(nullptr, 5, &model), kEngineIllegal);
  EXPECT_EQ(AX(client(), axclrtEngineLoadFromMem)(any_, 0, &model), kEngineIllegal);
  EXPECT_EQ(AX(client(), axclrtEngineLoadFromMem)(any_, 5, &model), kContextNoBind);
  EXPECT_EQ(AX(client(), axclrtEngineGetUsage)("/no/such", &size, &size), kMemoryExecute);
  EXPECT_EQ(AX(client(), axclrtEngineGetModelType)("/no/such", &kind), kMemoryExecute);
}

TEST_F(NoCardTest, EngineIdCallsAnswerTheirCodes) {
  std::uint64_t id = 0;
  void* handle = nullptr;
  axclrtEngineSet set = 0;
  EXPECT_EQ(AX(client(), axclrtEngineUnload)(0), kEngineIllegal);
  EXPECT_EQ(AX(client(), axclrtEngineUnload)(5), kContextNoBind);
  EXPECT_EQ(AX(client(), axclrtEngineGetIOInfo)(0, &handle), kEngineIllegal);
  EXPECT_EQ(AX(client(), axclrtEngineGetIOInfo)(5, &handle), kContextNoBind);
  EXPECT_EQ(AX(client(), axclrtEngineGetIOInfo)(5, nullptr), kEngineNull);
  EXPECT_EQ(AX(client(), axclrtEngineCreateContext)(0, &id), kEngineIllegal);
  EXPECT_EQ(AX(client(), axclrtEngineCreateContext)(5, &id), kContextNoBind);
  EXPECT_EQ(AX(client(), axclrtEngineExecute)(5, 1, 0, nullptr), kEngineNull);
  EXPECT_EQ(AX(client(), axclrtEngineExecuteAsync)(5, 1, 0, nullptr, nullptr), kEngineNull);
  EXPECT_EQ(AX(client(), axclrtEngineExecute)(0, 1, 0, any_), kEngineIllegal);
  EXPECT_EQ(AX(client(), axclrtEngineGetAffinity)(0, &set), kEngineIllegal);
  EXPECT_EQ(AX(client(), axclrtEngineSetAffinity)(5, 0), kEngineIllegal);
  EXPECT_EQ(AX(client(), axclrtEngineSetAffinity)(5, 1), kContextNoBind);
  EXPECT_EQ(AX(client(), axclrtEngineSetContextAffinity)(5, 1, 1), kEngineUnsupported);
  EXPECT_EQ(AX(client(), axclrtEngineGetContextAffinity)(5, 1, &set), kEngineUnsupported);
  EXPECT_EQ(AX(client(), axclrtEngineGetModelCompilerVersion)(0), nullptr);
  EXPECT_EQ(AX(client(), axclrtEngineGetModelCompilerVersion)(5), nullptr);
}

TEST_F(NoCardTest, EngineIoCallsOnNothingAnswerTheirCodes) {
  constexpr std::uint32_t kNullAsValue = 0x80300702;
  void* handle = nullptr;
  EXPECT_EQ(AX(client(), axclrtEngineDestroyIOInfo)(nullptr), kEngineNull);
  EXPECT_EQ(AX(client(), axclrtEngineCreateIO)(nullptr, &handle), kEngineNull);
  EXPECT_EQ(AX(client(), axclrtEngineDestroyIO)(nullptr), kEngineNull);
  EXPECT_EQ(AX(client(), axclrtEngineSetInputBufferByIndex)(nullptr, 0, any_, 1), kEngineNull);
  EXPECT_EQ(AX(client(), axclrtEngineSetDynamicBatchSize)(nullptr, 1), kEngineNull);
  EXPECT_EQ(AX(client(), axclrtEngineGetShapeGroupsCount)(nullptr, nullptr), kEngineNull);
  EXPECT_EQ(AX(client(), axclrtEngineGetNumInputs)(nullptr), kNullAsValue);
  EXPECT_EQ(AX(client(), axclrtEngineGetInputSizeByIndex)(nullptr, 0, 0), kNullAsValue);
  EXPECT_EQ(AX(client(), axclrtEngineGetInputNameByIndex)(nullptr, 0), nullptr);
  EXPECT_EQ(AX(client(), axclrtEngineGetInputIndexByName)(nullptr, "a"), kEngineNull);
}

class ContextTest : public SoftcardTest {};

TEST_F(ContextTest, InventedAndStaleHandlesAreErrorsAndNotCrashes) {
  open_card();
  void* const invented = reinterpret_cast<void*>(1);
  void* event = nullptr;
  EXPECT_EQ(AX(client(), axclrtSetCurrentContext)(invented), kContextIllegal);
  EXPECT_EQ(AX(client(), axclrtDestroyContext)(invented), kContextIllegal);
  EXPECT_EQ(AX(client(), axclrtSynchronizeStream)(invented), kStreamIllegal);
  EXPECT_EQ(AX(client(), axclrtDestroyStream)(invented), kStreamIllegal);
  EXPECT_EQ(AX(client(), axclrtEngineCreateIO)(invented, &event), kEngineIllegal);
  EXPECT_EQ(AX(client(), axclrtEngineDestroyIO)(invented), kEngineIllegal);
  ASSERT_EQ(AX(client(), axclrtCreateEvent)(&event), kOk);
  EXPECT_EQ(AX(client(), axclrtDestroyEvent)(event), kOk);
  EXPECT_EQ(AX(client(), axclrtDestroyEvent)(event), kStreamIllegal);
  EXPECT_EQ(AX(client(), axclrtEngineUnload)(12345), kEngineRefused);
}

TEST_F(ContextTest, TheCurrentContextBelongsToTheThread) {
  open_card();
  void* context = nullptr;
  ASSERT_EQ(AX(client(), axclrtGetCurrentContext)(&context), kOk);
  std::thread([context] {
    void* memory = nullptr;
    EXPECT_EQ(AX(client(), axclrtMalloc)(&memory, 1, 2), kContextNoBind);
    EXPECT_EQ(AX(client(), axclrtSetCurrentContext)(context), kOk);
    EXPECT_EQ(AX(client(), axclrtMalloc)(&memory, 1, 2), kOk);
  }).join();
}

TEST_F(ContextTest, ADestroyedContextIsBoundNoMore) {
  open_card();
  void* created = nullptr;
  void* current = nullptr;
  ASSERT_EQ(AX(client(), axclrtCreateContext)(&created, 1), kOk);
  ASSERT_EQ(AX(client(), axclrtGetCurrentContext)(&current), kOk);
  EXPECT_EQ(current, created);
  EXPECT_EQ(AX(client(), axclrtDestroyContext)(created), kOk);
  EXPECT_EQ(AX(client(), axclrtGetCurrentContext)(&current), kContextNoBind);
  void* usual = nullptr;
  ASSERT_EQ(AX(client(), axclrtGetDefaultContext)(&usual, 1), kOk);
  EXPECT_EQ(AX(client(), axclrtDestroyContext)(usual), kContextDestroy);
}

TEST_F(ContextTest, TheDeviceIsClosedWhenItIsResetAsOftenAsSet) {
  open_card();
  ASSERT_EQ(AX(client(), axclrtSetDevice)(1), kOk);
  allocate(4096);
  EXPECT_EQ(AX(client(), axclrtResetDevice)(1), kOk);
  allocate(4096);
  EXPECT_EQ(AX(client(), axclrtResetDevice)(1), kOk);
  void* memory = nullptr;
  EXPECT_EQ(AX(client(), axclrtMalloc)(&memory, 1, 2), kContextNoBind);
  EXPECT_EQ(AX(client(), axclrtResetDevice)(1), kDeviceNotActive);
  ASSERT_EQ(AX(client(), axclrtSetDevice)(1), kOk);
  EXPECT_EQ(free_cmm_kb(), 7040u << 10);
}

TEST_F(ContextTest, DevicesAreListedByTheirBusNumbers) {
  set_profile("[[card]]\nbus = 129\n[[card]]\nbus = 3\n");
  ASSERT_EQ(AX(client(), axclInit)(""), kOk);
  axclrtDeviceList list{};
  ASSERT_EQ(AX(client(), axclrtGetDeviceList)(&list), kOk);
  ASSERT_EQ(list.num, 2u);
  EXPECT_EQ(list.devices[0], 3);
  EXPECT_EQ(list.devices[1], 129);
  EXPECT_EQ(AX(client(), axclrtSetDevice)(0), kDeviceInvalidId);
  EXPECT_EQ(AX(client(), axclrtSetDevice)(129), kOk);
  std::int32_t device = 0;
  EXPECT_EQ(AX(client(), axclrtGetDevice)(&device), kOk);
  EXPECT_EQ(device, 129);
  EXPECT_STREQ(AX(client(), axclrtGetSocName)(), "AX650N");
}

TEST_F(ContextTest, ABadProfileOrConfigurationFailsTheStart) {
  set_profile("bad = true");
  EXPECT_EQ(AX(client(), axclInit)(nullptr), kConfigLoad);
  set_profile("");
  const std::string path = base_ + ".json";
  std::ofstream(path) << "{";
  EXPECT_EQ(AX(client(), axclInit)(path.c_str()), kConfigLoad);
  EXPECT_EQ(AX(client(), axclInit)("/no/such/axcl.json"), kOk);
}

TEST_F(ContextTest, TheLogGoesToTheConfiguredFileInTheVendorsForm) {
  const std::string log = base_ + ".log";
  const std::string path = base_ + ".json";
  std::ofstream(path) << R"({"log": {"host": {"path": ")" << log << R"(", "level": 2}}})";
  ASSERT_EQ(AX(client(), axclInit)(path.c_str()), kOk);
  void* memory = nullptr;
  EXPECT_EQ(AX(client(), axclrtMalloc)(&memory, 1, 2), kContextNoBind);
  std::ifstream file(log);
  std::string line;
  ASSERT_TRUE(std::getline(file, line));
  EXPECT_THAT(line,
              ::testing::MatchesRegex("\\[2[0-9]*-[0-9: .-]*\\]\\[[0-9]*\\]\\[E\\]\\[context\\]"
                                      "\\[bind_caller\\]\\[[0-9]*\\]: thread [0-9]* hasn't "
                                      "binded any context yet"));
}

}  // namespace
}  // namespace axle::softcard::testing
