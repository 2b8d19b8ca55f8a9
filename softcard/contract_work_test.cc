#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>

#include <cstring>
#include <thread>

#include "base/file.h"
#include "softcard/testing/fixture.h"

// Memory, streams and engines of an open card.
namespace axle::softcard::testing {
namespace {

using ::testing::Each;
using ::testing::ElementsAre;

class MemoryTest : public SoftcardTest {
  void SetUp() override { open_card(); }
};

TEST_F(MemoryTest, BlocksAreZeroAndFollowEachOtherInPages) {
  void* first = allocate(1);
  void* second = allocate(4097);
  EXPECT_EQ(reinterpret_cast<std::uintptr_t>(first), 0x148000000u);
  EXPECT_EQ(second, at(first, 4096));
  EXPECT_EQ(allocate(1), at(second, 8192));
  EXPECT_THAT(download(second, 4097), Each(0));
}

TEST_F(MemoryTest, InteriorAddressesMayBeUsedEverywhereButToFree) {
  void* block = allocate(8192);
  upload(at(block, 5000), {1, 2, 3});
  EXPECT_EQ(AX(client(), axclrtMemcpy)(at(block, 100), at(block, 5000), 3, kDeviceToDevice), kOk);
  EXPECT_THAT(download(at(block, 101), 2), ElementsAre(2, 3));
  EXPECT_EQ(AX(client(), axclrtMemcmp)(at(block, 100), at(block, 5000), 3), 0);
  EXPECT_NE(AX(client(), axclrtMemcmp)(at(block, 100), at(block, 5001), 3), 0);
  EXPECT_EQ(AX(client(), axclrtFree)(at(block, 4096)), kNotDeviceMemory);
  EXPECT_EQ(AX(client(), axclrtMemFlush)(at(block, 1), 1), kNotDeviceMemory);
  EXPECT_EQ(AX(client(), axclrtMemInvalidate)(block, 8192), kOk);
  EXPECT_EQ(AX(client(), axclrtFree)(block), kOk);
  EXPECT_EQ(AX(client(), axclrtFree)(block), kNotDeviceMemory);
}

TEST_F(MemoryTest, ACopyThatIsTooLongSpillsIntoTheNextBlock) {
  void* first = allocate(4096);
  void* second = allocate(4096);
  upload(first, std::vector<std::uint8_t>(4100, 9));
  EXPECT_THAT(download(second, 5), ElementsAre(9, 9, 9, 9, 0));
}

TEST_F(MemoryTest, AddressesThatAreNotTheCardsAreRefused) {
  std::uint8_t host[16] = {};
  void* block = allocate(16);
  void* outside = reinterpret_cast<void*>(0x1000);
  EXPECT_EQ(AX(client(), axclrtMemcpy)(outside, host, 16, kHostToDevice), kMemoryExecute);
  EXPECT_EQ(AX(client(), axclrtMemcpy)(block, block, 16, kHostToDevice), kMemoryExecute);
  EXPECT_EQ(AX(client(), axclrtMemcpy)(block, block, 16, kDeviceToHost), kMemoryExecute);
  EXPECT_EQ(AX(client(), axclrtMemcpy)(outside, block, 16, kDeviceToDevice), kMemoryExecute);
  EXPECT_EQ(AX(client(), axclrtMemset)(outside, 1, 16), kMemoryExecute);
  EXPECT_EQ(AX(client(), axclrtMemcpy)(block, host, 16, kHostPhysicalToDevice), kMemoryUnsupported);
}

TEST_F(MemoryTest, TheLimitIsThatOfTheCardAndNothingIsLostAtIt) {
  void* pointer = nullptr;
  EXPECT_EQ(AX(client(), axclrtMalloc)(&pointer, std::size_t{7041} << 20, 2), kMemoryExecute);
  void* half = allocate(std::size_t{4000} << 20);
  EXPECT_EQ(AX(client(), axclrtMalloc)(&pointer, std::size_t{4000} << 20, 2), kMemoryExecute);
  EXPECT_EQ(free_cmm_kb(), 3040u << 10);
  EXPECT_EQ(AX(client(), axclrtFree)(half), kOk);
  EXPECT_EQ(free_cmm_kb(), 7040u << 10);
}

TEST_F(MemoryTest, TheMemoryOfAKilledProcessComesBack) {
  int ready[2];
  ASSERT_EQ(::pipe(ready), 0);
  const std::string command = std::string(AXLE_SOFTCARD_HOLDER) + " " + AXLE_SOFTCARD_LIBRARY +
                              " 6000 >&" + std::to_string(ready[1]);
  const pid_t child = ::fork();
  if (child == 0) {
    ::execl("/bin/sh", "sh", "-c", ("exec " + command).c_str(), nullptr);
    ::_exit(127);
  }
  char answer = 0;
  ASSERT_EQ(::read(ready[0], &answer, 1), 1);
  ASSERT_EQ(answer, 'y');
  void* pointer = nullptr;
  EXPECT_EQ(AX(client(), axclrtMalloc)(&pointer, std::size_t{2000} << 20, 2), kMemoryExecute);
  ::kill(child, SIGKILL);
  ::waitpid(child, nullptr, 0);
  EXPECT_EQ(AX(client(), axclrtMalloc)(&pointer, std::size_t{2000} << 20, 2), kOk);
}

class AsyncTest : public EngineTest {
  void SetUp() override {
    open_card();
    ASSERT_EQ(AX(client(), axclrtCreateStream)(&stream_), kOk);
  }

 protected:
  void* stream_ = nullptr;
};

TEST_F(AsyncTest, QueuedWorkIsDoneInOrder) {
  void* block = allocate(64);
  const std::vector<std::uint8_t> host(4, 7);
  std::vector<std::uint8_t> back(4);
  EXPECT_EQ(AX(client(), axclrtMemsetAsync)(block, 1, 64, stream_), kOk);
  EXPECT_EQ(AX(client(), axclrtMemcpyAsync)(block, host.data(), 4, kHostToDevice, stream_), kOk);
  EXPECT_EQ(AX(client(), axclrtMemcpyAsync)(at(block, 8), block, 8, kDeviceToDevice, stream_), kOk);
  EXPECT_EQ(AX(client(), axclrtMemcpyAsync)(back.data(), at(block, 10), 4, kDeviceToHost, stream_),
            kOk);
  EXPECT_EQ(AX(client(), axclrtSynchronizeStream)(stream_), kOk);
  EXPECT_THAT(back, ElementsAre(7, 7, 1, 1));
  EXPECT_EQ(AX(client(), axclrtMemcpyAsync)(back.data(), host.data(), 4, kHostToHost, stream_), 4);
  EXPECT_EQ(AX(client(), axclrtDestroyStream)(stream_), kOk);
  EXPECT_EQ(AX(client(), axclrtSynchronizeStream)(stream_), kStreamIllegal);
}

TEST_F(AsyncTest, AFailureIsToldAtTheSynchronisation) {
  EXPECT_EQ(AX(client(), axclrtMemsetAsync)(reinterpret_cast<void*>(16), 1, 4, stream_), kOk);
  EXPECT_EQ(AX(client(), axclrtSynchronizeStream)(stream_), kMemoryExecute);
  EXPECT_EQ(AX(client(), axclrtSynchronizeStreamWithTimeout)(stream_, 1000), kOk);
}

TEST_F(AsyncTest, AStreamWaitsForTheEventOfAnother) {
  BoundEngine engine;
  bind(engine);
  upload(engine.a, {1, 2, 3, 4});
  void* other = nullptr;
  void* event = nullptr;
  ASSERT_EQ(AX(client(), axclrtCreateStream)(&other), kOk);
  ASSERT_EQ(AX(client(), axclrtCreateEvent)(&event), kOk);
  EXPECT_EQ(
      AX(client(), axclrtEngineExecuteAsync)(engine.model, engine.context, 0, engine.io, stream_),
      kOk);
  EXPECT_EQ(AX(client(), axclrtRecordEvent)(event, stream_), kOk);
  EXPECT_EQ(AX(client(), axclrtStreamWaitEvent)(other, event), kOk);
  std::vector<std::uint8_t> back(4);
  EXPECT_EQ(AX(client(), axclrtMemcpyAsync)(back.data(), engine.sum, 4, kDeviceToHost, other), kOk);
  EXPECT_EQ(AX(client(), axclrtSynchronizeStream)(other), kOk);
  EXPECT_THAT(back, ElementsAre(3, 4, 5, 6));
}

TEST_F(AsyncTest, TheDefaultStreamCannotBeDestroyed) {
  void* context = nullptr;
  void* usual = nullptr;
  ASSERT_EQ(AX(client(), axclrtGetCurrentContext)(&context), kOk);
  ASSERT_EQ(AX(client(), axclrtGetDefaultStream)(context, &usual), kOk);
  EXPECT_EQ(AX(client(), axclrtDestroyStream)(usual), kStreamDestroy);
  EXPECT_EQ(AX(client(), axclrtSynchronizeStream)(usual), kOk);
}

class OpenEngineTest : public EngineTest {
  void SetUp() override {
    open_card();
    bind(engine_);
  }

 protected:
  BoundEngine engine_;
};

TEST_F(OpenEngineTest, TheDescriptionIsThatOfTheFile) {
  std::int32_t groups = 0;
  EXPECT_EQ(AX(client(), axclrtEngineGetShapeGroupsCount)(engine_.info, &groups), kOk);
  EXPECT_EQ(groups, 2);
  EXPECT_EQ(AX(client(), axclrtEngineGetNumInputs)(engine_.info), 2u);
  EXPECT_EQ(AX(client(), axclrtEngineGetNumOutputs)(engine_.info), 1u);
  EXPECT_EQ(AX(client(), axclrtEngineGetInputSizeByIndex)(engine_.info, 1, 0), 8u);
  EXPECT_STREQ(AX(client(), axclrtEngineGetOutputNameByIndex)(engine_.info, 0), "sum");
  EXPECT_EQ(AX(client(), axclrtEngineGetInputIndexByName)(engine_.info, "b"), 1);
  EXPECT_EQ(AX(client(), axclrtEngineGetInputIndexByName)(engine_.info, "c"), kEngineIndex);
  axclrtEngineIODims dims{};
  EXPECT_EQ(AX(client(), axclrtEngineGetOutputDims)(engine_.info, 1, 0, &dims), kOk);
  EXPECT_EQ(dims.dimCount, 2);
  EXPECT_EQ(dims.dims[1], 8);
  std::int32_t type = 0;
  EXPECT_EQ(AX(client(), axclrtEngineGetInputDataType)(engine_.info, 0, &type), kOk);
  EXPECT_EQ(type, 4);
  EXPECT_EQ(AX(client(), axclrtEngineGetInputDims)(engine_.info, 2, 0, &dims), kEngineIndex);
  EXPECT_NE(AX(client(), axclrtEngineGetModelCompilerVersion)(engine_.model), nullptr);
}

TEST_F(OpenEngineTest, BothGroupsRunOnTheSameBuffers) {
  upload(engine_.a, {1, 2, 3, 4, 5, 6, 7, 8});
  EXPECT_EQ(execute(engine_, 0), kOk);
  EXPECT_THAT(download(engine_.sum, 8), ElementsAre(3, 4, 5, 6, 0, 0, 0, 0));
  EXPECT_EQ(execute(engine_, 1), kOk);
  EXPECT_THAT(download(engine_.sum, 8), ElementsAre(3, 4, 5, 6, 7, 8, 9, 10));
  EXPECT_EQ(execute(engine_, 2), kEngineIndex);
}

TEST_F(OpenEngineTest, AnOutputInsideAnInputIsWrittenAfterTheInputWasRead) {
  upload(engine_.a, {1, 2, 3, 4, 5, 6, 7, 8});
  ASSERT_EQ(AX(client(), axclrtEngineSetOutputBufferByIndex)(engine_.io, 0, at(engine_.a, 1), 7),
            kOk);
  EXPECT_EQ(execute(engine_), kOk);
  EXPECT_THAT(download(engine_.a, 8), ElementsAre(1, 3, 4, 5, 6, 6, 7, 8));
}

TEST_F(OpenEngineTest, BuffersThatAreMissingTooSmallOrOutsideAreRefused) {
  void* io = nullptr;
  ASSERT_EQ(AX(client(), axclrtEngineCreateIO)(engine_.info, &io), kOk);
  EXPECT_EQ(AX(client(), axclrtEngineExecute)(engine_.model, engine_.context, 0, io),
            kEngineRefused);
  EXPECT_EQ(AX(client(), axclrtEngineSetInputBufferByIndex)(engine_.io, 2, engine_.a, 4),
            kEngineIndex);
  ASSERT_EQ(AX(client(), axclrtEngineSetInputBufferByIndex)(engine_.io, 0, engine_.a, 3), kOk);
  EXPECT_EQ(execute(engine_), kEngineRefused);
  void* const outside = reinterpret_cast<void*>(0x1000);
  ASSERT_EQ(AX(client(), axclrtEngineSetInputBufferByIndex)(engine_.io, 0, outside, 4), kOk);
  EXPECT_EQ(execute(engine_), kEngineRefused);
}

TEST_F(OpenEngineTest, ItsMemoryCountsUntilItIsUnloaded) {
  std::int64_t system = 0;
  std::int64_t cmm = 0;
  EXPECT_EQ(AX(client(), axclrtEngineGetUsageFromModelId)(engine_.model, &system, &cmm), kOk);
  EXPECT_EQ(cmm, 8192);
  const std::uint32_t before = free_cmm_kb();
  EXPECT_EQ(AX(client(), axclrtEngineUnload)(engine_.model), kOk);
  EXPECT_EQ(free_cmm_kb() - before, 8u);
  EXPECT_EQ(execute(engine_), kEngineRefused);
  EXPECT_EQ(AX(client(), axclrtEngineUnload)(engine_.model), kEngineRefused);
}

TEST_F(OpenEngineTest, TheInfoMayGoBeforeTheIo) {
  EXPECT_EQ(AX(client(), axclrtEngineDestroyIOInfo)(engine_.info), kOk);
  EXPECT_EQ(AX(client(), axclrtEngineGetNumInputs)(engine_.info), 0x80300703u);
  EXPECT_EQ(AX(client(), axclrtEngineSetDynamicBatchSize)(engine_.io, 1), kOk);
  EXPECT_EQ(execute(engine_), kOk);
  void* buffer = nullptr;
  std::uint64_t size = 0;
  EXPECT_EQ(AX(client(), axclrtEngineGetOutputBufferByName)(engine_.io, "sum", &buffer, &size),
            kOk);
  EXPECT_EQ(buffer, engine_.sum);
  EXPECT_EQ(size, 8u);
}

class LoadTest : public SoftcardTest {
 protected:
  void SetUp() override { open_card(); }
  // Loads from card memory, which is freed before the engine is used.
  static axclError load_bytes(const std::string& bytes, std::uint64_t& model) {
    void* memory = allocate(bytes.size());
    EXPECT_EQ(AX(client(), axclrtMemcpy)(memory, bytes.data(), bytes.size(), kHostToDevice), kOk);
    const axclError code = AX(client(), axclrtEngineLoadFromMem)(memory, bytes.size(), &model);
    EXPECT_EQ(AX(client(), axclrtFree)(memory), kOk);
    return code;
  }
};

TEST_F(LoadTest, AnEngineCanBeLoadedFromCardMemory) {
  const Result<std::string> bytes = read_file(write_model(adding_model()));
  ASSERT_TRUE(bytes.ok()) << bytes.status();
  std::uint64_t model = 0;
  ASSERT_EQ(load_bytes(*bytes, model), kOk);
  void* info = nullptr;
  EXPECT_EQ(AX(client(), axclrtEngineGetIOInfo)(model, &info), kOk);
  EXPECT_EQ(AX(client(), axclrtEngineGetNumInputs)(info), 2u);
}

TEST_F(LoadTest, AVendorsEngineIsDescribedAndNotRun) {
  // ir_version 7, producer "Pulsar2", and a graph with one input `x` of float [1, 4].
  const std::string bytes =
      std::string("\x08\x07\x12\x07Pulsar2", 11) +
      std::string(
          "\x3a\x15\x5a\x13\x0a\x01x\x12\x0e\x0a\x0c\x08\x01\x12\x08\x0a\x02\x08\x01"
          "\x0a\x02\x08\x04",
          23);
  std::uint64_t model = 0;
  std::uint64_t context = 0;
  ASSERT_EQ(load_bytes(bytes, model), kOk);
  void* info = nullptr;
  void* io = nullptr;
  ASSERT_EQ(AX(client(), axclrtEngineGetIOInfo)(model, &info), kOk);
  EXPECT_STREQ(AX(client(), axclrtEngineGetInputNameByIndex)(info, 0), "x");
  EXPECT_EQ(AX(client(), axclrtEngineGetInputSizeByIndex)(info, 0, 0), 16u);
  ASSERT_EQ(AX(client(), axclrtEngineCreateContext)(model, &context), kOk);
  ASSERT_EQ(AX(client(), axclrtEngineCreateIO)(info, &io), kOk);
  EXPECT_EQ(AX(client(), axclrtEngineExecute)(model, context, 0, io), kEngineRefused);
}

TEST_F(LoadTest, WhatIsNoEngineIsRefusedAndTakesNothing) {
  const std::uint32_t before = free_cmm_kb();
  std::uint64_t model = 0;
  EXPECT_EQ(load_bytes("this is not a model at all", model), kEngineRefused);
  axmodel::Model other = adding_model();
  other.op_type = "Multiply";
  const std::string path = write_model(other);
  EXPECT_EQ(AX(client(), axclrtEngineLoadFromFile)(path.c_str(), &model), kEngineRefused);
  EXPECT_EQ(free_cmm_kb(), before);
}

TEST_F(LoadTest, LoadingNeedsRoomForTheFileAndTheEngineAtOnce) {
  const std::string path = write_model(adding_model());
  std::uint64_t model = 0;
  void* filling = allocate((std::size_t{7040} << 20) - 2 * 4096);
  EXPECT_EQ(AX(client(), axclrtEngineLoadFromFile)(path.c_str(), &model), kEngineRefused);
  EXPECT_EQ(AX(client(), axclrtFree)(filling), kOk);
  EXPECT_EQ(AX(client(), axclrtEngineLoadFromFile)(path.c_str(), &model), kOk);
}

}  // namespace
}  // namespace axle::softcard::testing
