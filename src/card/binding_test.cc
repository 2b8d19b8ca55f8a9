#include <gmock/gmock.h>

#include <optional>

#include "card/fake_test.h"
#include "card/stream.h"

namespace axle::card {
namespace {

using testing::HasSubstr;

// One engine; group 0 has inputs K_cache (64 bytes) and input (16), outputs K_cache_out (16) and
// output (16); group 1 has 32 bytes everywhere.
class BindingTest : public FakeTest {
 protected:
  void SetUp() override {
    FakeTest::SetUp();
    open_card();
    engine.emplace(*Engine::load(*card, engine_path));
    memory.emplace(*DeviceBuffer::allocate(*card, 256));
    ASSERT_TRUE(memory->fill(0, 256, std::byte{0}).ok());
  }
  void TearDown() override {
    memory.reset();
    engine.reset();
    FakeTest::TearDown();
  }
  Binding make(const BindingOptions& options = {}) {
    Result<Binding> binding = engine->make_binding(0, options);
    EXPECT_TRUE(binding.ok()) << binding.status();
    return *std::move(binding);
  }
  // Cache at 0, input at 64, new rows at 80, output at 96.
  Binding make_bound(const BindingOptions& options = {}) {
    Binding binding = make(options);
    EXPECT_TRUE(binding.bind_input(0, memory->slice(0, 64)).ok());
    EXPECT_TRUE(binding.bind_input(1, memory->slice(64, 16)).ok());
    EXPECT_TRUE(binding.bind_output(0, memory->slice(80, 16)).ok());
    EXPECT_TRUE(binding.bind_output(1, memory->slice(96, 16)).ok());
    return binding;
  }

  std::optional<Engine> engine;
  std::optional<DeviceBuffer> memory;
};

TEST_F(BindingTest, ARunReadsAndWritesTheBoundRanges) {
  Binding binding = make_bound();
  ASSERT_TRUE(memory->fill(64, 16, std::byte{41}).ok());
  ASSERT_TRUE(engine->run(binding).ok());
  std::vector<std::byte> out(16);
  ASSERT_TRUE(memory->read(96, out).ok());
  EXPECT_EQ(out, bytes_of(16, 42));
}

TEST_F(BindingTest, RefusesToRunWithATensorUnbound) {
  Binding binding = make();
  ASSERT_TRUE(binding.bind_input(0, memory->slice(0, 64)).ok());
  const Status status = engine->run(binding);
  EXPECT_EQ(status.code(), Code::kInvalidArgument);
  EXPECT_THAT(status.message(), HasSubstr("layer_3.axmodel, group 0: input input has no memory"));
  EXPECT_EQ(fake.count("axclrtEngineExecute"), 0u);
}

TEST_F(BindingTest, RefusesMemoryThatIsTooSmallAndTensorsThatDoNotExist) {
  Binding binding = make();
  const Status status = binding.bind_input(0, memory->slice(0, 63));
  EXPECT_EQ(status.code(), Code::kInvalidArgument);
  EXPECT_THAT(status.message(), HasSubstr("tensor K_cache needs 64 bytes, got 63"));
  EXPECT_EQ(binding.bind_output(2, memory->span()).code(), Code::kInvalidArgument);
  EXPECT_EQ(binding.bind_input(1, DeviceSpan{0, 16}).code(), Code::kInvalidArgument);
  EXPECT_EQ(fake.count("axclrtEngineSetInputBufferByIndex"), 0u);
}

TEST_F(BindingTest, BindsExactlyTheTensorsBytesOfLargerMemory) {
  Binding binding = make();
  ASSERT_TRUE(binding.bind_input(1, memory->span()).ok());
  EXPECT_EQ(binding.input(1), memory->slice(0, 16));
}

TEST_F(BindingTest, BindingTheSameRangeAgainCostsNoCall) {
  Binding binding = make_bound();
  const std::size_t calls = fake.calls.size();
  ASSERT_TRUE(binding.bind_input(1, memory->slice(64, 16)).ok());
  ASSERT_TRUE(binding.bind_output(1, memory->slice(96, 32)).ok());
  EXPECT_EQ(fake.calls.size(), calls);
  ASSERT_TRUE(binding.bind_input(1, memory->slice(112, 16)).ok());
  EXPECT_EQ(fake.calls.size(), calls + 1);
}

TEST_F(BindingTest, AFailedBindIsNotRemembered) {
  Binding binding = make_bound();
  fake.fail_next("axclrtEngineSetInputBufferByIndex", 0x80300781);
  EXPECT_FALSE(binding.bind_input(1, memory->slice(128, 16)).ok());
  EXPECT_EQ(binding.input(1), memory->slice(64, 16));
}

TEST_F(BindingTest, NeverReadsAndWritesTheSameMemory) {
  for (const bool in_place : {false, true}) {
    Binding binding = make_bound({.allow_in_place = in_place});
    ASSERT_TRUE(binding.bind_output(1, memory->slice(64, 16)).ok());
    const Status status = engine->run(binding);
    EXPECT_EQ(status.code(), Code::kInvalidArgument);
    EXPECT_THAT(status.message(), HasSubstr("output output would be written over input input"));
    ASSERT_TRUE(binding.bind_output(1, memory->slice(72, 16)).ok());
    EXPECT_EQ(binding.check().code(), Code::kInvalidArgument);
  }
}

TEST_F(BindingTest, WritesNewRowsIntoTheCacheOnlyWhereThatIsAllowed) {
  Binding strict = make_bound();
  ASSERT_TRUE(strict.bind_output(0, memory->slice(16, 16)).ok());
  EXPECT_EQ(strict.check().code(), Code::kInvalidArgument);
  Binding in_place = make_bound({.allow_in_place = true});
  ASSERT_TRUE(in_place.bind_output(0, memory->slice(16, 16)).ok());
  EXPECT_TRUE(engine->run(in_place).ok());
}

TEST_F(BindingTest, OutputsMayNotShareMemory) {
  Binding binding = make_bound();
  ASSERT_TRUE(binding.bind_output(1, memory->slice(88, 16)).ok());
  EXPECT_THAT(binding.check().message(), HasSubstr("outputs output and K_cache_out share memory"));
}

TEST_F(BindingTest, ABindingRunsOnlyOnItsOwnEngine) {
  Result<Engine> other = Engine::load(*card, engine_path);
  ASSERT_TRUE(other.ok());
  Binding binding = make_bound();
  EXPECT_EQ(other->run(binding).code(), Code::kInvalidArgument);
}

TEST_F(BindingTest, AnEngineThatFailsOnTheCardIsUnavailableByName) {
  Binding binding = make_bound();
  fake.fail_next("axclrtEngineExecute", 0x8030070c);
  const Status status = engine->run(binding);
  EXPECT_EQ(status.code(), Code::kUnavailable);
  EXPECT_EQ(static_cast<std::uint32_t>(status.vendor_code()), 0x8030070cu);
  EXPECT_THAT(status.message(), HasSubstr("layer_3.axmodel, group 0"));
  EXPECT_TRUE(engine->run(binding).ok());
}

TEST_F(BindingTest, AfterUnloadingABindingIsOfNoUseAndHarmless) {
  Binding binding = make_bound();
  ASSERT_TRUE(engine->unload().ok());
  EXPECT_EQ(engine->run(binding).code(), Code::kUnavailable);
  EXPECT_EQ(binding.bind_input(0, memory->slice(0, 64)).code(), Code::kUnavailable);
  EXPECT_EQ(binding.check().code(), Code::kUnavailable);
}

TEST_F(BindingTest, IsReleasedOnceAndNotOnALostCard) {
  {
    Binding first = make_bound();
    const Binding second = std::move(first);
  }
  EXPECT_EQ(fake.count("axclrtEngineDestroyIO"), 1u);
  {
    Binding binding = make_bound();
    lose_card();
    EXPECT_EQ(engine->run(binding).code(), Code::kCardLost);
  }
  EXPECT_EQ(fake.count("axclrtEngineDestroyIO"), 1u);
  EXPECT_EQ(fake.count("axclrtEngineExecute"), 0u);
}

class StreamTest : public BindingTest {
 protected:
  Stream open_stream() {
    Result<Stream> stream = Stream::create(*card);
    EXPECT_TRUE(stream.ok()) << stream.status();
    return *std::move(stream);
  }
};

TEST_F(StreamTest, QueuedWorkIsDoneInOrder) {
  Binding binding = make_bound();
  Stream stream = open_stream();
  const std::vector<std::byte> in = bytes_of(16, 4);
  std::vector<std::byte> out(16);
  ASSERT_TRUE(stream.write_async(memory->slice(64, 16), in).ok());
  ASSERT_TRUE(stream.run(*engine, binding).ok());
  ASSERT_TRUE(stream.copy_async(memory->slice(96, 16), memory->slice(112, 16)).ok());
  ASSERT_TRUE(stream.fill_async(memory->slice(112, 1), std::byte{9}).ok());
  ASSERT_TRUE(stream.read_async(memory->slice(112, 16), out).ok());
  ASSERT_TRUE(stream.synchronize().ok());
  EXPECT_EQ(out[0], std::byte{9});
  EXPECT_EQ(out[1], std::byte{5});
}

TEST_F(StreamTest, IsUnsupportedWhereOneAsynchronousCallIsMissing) {
  TearDown();
  hidden = {"axclrtEngineExecuteAsync"};
  open_card();
  EXPECT_EQ(Stream::create(*card).status().code(), Code::kUnsupported);
}

TEST_F(StreamTest, AWaitThatRunsOutIsTheDeadlineAndTheStreamIsDroppedByForce) {
  {
    Stream stream = open_stream();
    ASSERT_TRUE(stream.fill_async(memory->slice(0, 1), std::byte{1}).ok());
    fake.fail_next("axclrtSynchronizeStreamWithTimeout", 0x80300383);
    EXPECT_EQ(stream.synchronize(std::chrono::milliseconds(5)).code(), Code::kDeadlineExceeded);
  }
  EXPECT_EQ(fake.count("axclrtDestroyStreamForce"), 1u);
  { const Stream idle = open_stream(); }
  EXPECT_EQ(fake.count("axclrtDestroyStream"), 1u);
  EXPECT_TRUE(fake.streams.empty());
}

TEST_F(StreamTest, ErrorsOfTheCardArriveAtTheWait) {
  Stream stream = open_stream();
  fake.fail_next("axclrtSynchronizeStream", 0x8030040c);
  EXPECT_EQ(stream.synchronize().code(), Code::kCardLost);
  EXPECT_EQ(stream.fill_async(memory->slice(0, 1), std::byte{1}).code(), Code::kCardLost);
}

TEST_F(StreamTest, ChecksRangesAsBlockingTransfersDo) {
  Stream stream = open_stream();
  std::vector<std::byte> four(4);
  EXPECT_EQ(stream.write_async(memory->slice(0, 5), four).code(), Code::kInvalidArgument);
  EXPECT_EQ(stream.read_async(DeviceSpan{0, 4}, four).code(), Code::kInvalidArgument);
  EXPECT_EQ(stream.fill_async(DeviceSpan{0, 4}, std::byte{0}).code(), Code::kInvalidArgument);
  EXPECT_EQ(stream.copy_async(memory->slice(0, 4), memory->slice(2, 4)).code(),
            Code::kInvalidArgument);
  Binding binding = make();
  EXPECT_EQ(stream.run(*engine, binding).code(), Code::kInvalidArgument);
  EXPECT_TRUE(stream.write_async({}, {}).ok());
  EXPECT_EQ(fake.count("axclrtMemcpyAsync"), 0u);
}

TEST_F(StreamTest, AStreamWithoutAHandleIsNotUsed) {
  fake.null_handles = true;
  EXPECT_FALSE(Stream::create(*card).ok());
}

}  // namespace
}  // namespace axle::card
