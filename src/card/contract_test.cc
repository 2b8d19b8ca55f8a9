// What this client expects of a card's library: the same cases run on the software card and, with
// AXLE_CARD=1, on the vendor's library and a real card. There AXLE_CARD_ENGINE names an engine file
// for the cases that run one, and AXLE_CARD_REBOOT=1 allows the restart of the card.
#include <gmock/gmock.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <optional>
#include <thread>

#include "card/card.h"
#include "card/device_buffer.h"
#include "card/engine.h"
#include "card/stream.h"
#include "card/testing/contract_engine.h"

namespace axle::card {
namespace {

using testing::HasSubstr;

bool real_card() { return std::getenv("AXLE_CARD") != nullptr; }

class ContractTest : public testing::Test {
 protected:
  void SetUp() override {
    // A machine of our own: other software cards on this one are not disturbed. A child of a test
    // keeps its parent's.
    state = std::filesystem::path(testing::TempDir()) /
            ("contract_" + std::to_string(getpid()) + ".state");
    setenv("AXLE_SOFTCARD_STATE", state.c_str(), 0);
    play("");
  }
  void TearDown() override {
    card.reset();
    library.reset();
    unsetenv("AXLE_SOFTCARD");
    std::filesystem::remove(state);
  }

  // What kind of machine the software card plays. Before opening it.
  static void play(const std::string& profile) {
    setenv("AXLE_SOFTCARD", ("toml:" + profile).c_str(), 1);
  }
  LibraryOptions options() const {
    LibraryOptions result;
    result.library = real_card() ? "vendor" : AXLE_SOFTCARD_LIBRARY;
    result.hide_symbols = hidden;
    return result;
  }
  void open_library() {
    Result<std::unique_ptr<Library>> opened = Library::open(options());
    ASSERT_TRUE(opened.ok()) << opened.status();
    library = *std::move(opened);
  }
  void open_card() {
    open_library();
    if (HasFatalFailure()) return;
    Result<std::unique_ptr<Card>> opened = Card::open(*library);
    ASSERT_TRUE(opened.ok()) << opened.status();
    card = *std::move(opened);
  }
  DeviceBuffer take(std::size_t size_bytes) {
    Result<DeviceBuffer> buffer = DeviceBuffer::allocate(*card, size_bytes);
    EXPECT_TRUE(buffer.ok()) << buffer.status();
    return buffer.ok() ? *std::move(buffer) : DeviceBuffer();
  }
  std::uint64_t free_bytes() {
    const Result<std::uint64_t> result = card->memory_free();
    EXPECT_TRUE(result.ok()) << result.status();
    return result.ok() ? *result : 0;
  }

  std::filesystem::path state;
  std::vector<std::string> hidden;
  std::unique_ptr<Library> library;
  std::unique_ptr<Card> card;
};

std::vector<std::byte> pattern(std::size_t size_bytes, unsigned seed = 1) {
  std::vector<std::byte> bytes(size_bytes);
  for (std::size_t i = 0; i < size_bytes; ++i) {
    bytes[i] = static_cast<std::byte>((i * 31 + seed) >> 3);
  }
  return bytes;
}

TEST_F(ContractTest, TheLibrarySaysWhatItIs) {
  open_library();
  EXPECT_EQ(library->kind(), real_card() ? LibraryKind::kVendor : LibraryKind::kSoftCard);
  EXPECT_GE(library->version().major, 2);
  EXPECT_THAT(library->full_version(), HasSubstr(std::to_string(library->version().minor)));
}

TEST_F(ContractTest, CardsAreNamedByBusNumberAndOpenedByIt) {
  play("[[card]]\nbus = 129\n[[card]]\nbus = 3\n");
  open_library();
  const auto devices = library->devices();
  ASSERT_TRUE(devices.ok());
  ASSERT_FALSE(devices->empty());
  if (!real_card()) {
    EXPECT_THAT(*devices, testing::ElementsAre(DeviceId{3}, DeviceId{129}));
  }
  const auto opened = Card::open(*library, {.device = devices->back()});
  ASSERT_TRUE(opened.ok()) << opened.status();
  EXPECT_EQ((*opened)->device(), devices->back());
}

TEST_F(ContractTest, AnIndexIsNotADevice) {
  open_library();
  EXPECT_EQ(Card::open(*library, {.device = DeviceId{0}}).status().code(), Code::kNotFound);
}

TEST_F(ContractTest, BytesComeBackFromTheCardAsTheyWent) {
  open_card();
  for (const std::size_t size_bytes : {1u, 4095u, 4096u, (5u << 20) + 3}) {
    DeviceBuffer buffer = take(size_bytes);
    const std::vector<std::byte> sent = pattern(size_bytes);
    ASSERT_TRUE(buffer.write(0, sent).ok());
    std::vector<std::byte> back(size_bytes);
    ASSERT_TRUE(buffer.read(0, back).ok());
    EXPECT_EQ(back, sent);
  }
}

TEST_F(ContractTest, InteriorRangesAreReadWrittenFilledAndCopied) {
  open_card();
  DeviceBuffer buffer = take(8192);
  ASSERT_TRUE(buffer.fill(0, 8192, std::byte{0}).ok());
  const std::vector<std::byte> sent = pattern(100);
  ASSERT_TRUE(buffer.write(4099, sent).ok());
  ASSERT_TRUE(copy(*card, buffer.slice(4099, 100), buffer.slice(7, 100)).ok());
  ASSERT_TRUE(buffer.fill(57, 50, std::byte{0xee}).ok());
  std::vector<std::byte> back(8192);
  ASSERT_TRUE(buffer.read(0, back).ok());
  std::vector<std::byte> expected(8192);
  std::copy(sent.begin(), sent.end(), expected.begin() + 4099);
  std::copy(sent.begin(), sent.begin() + 50, expected.begin() + 7);
  std::fill(expected.begin() + 57, expected.begin() + 107, std::byte{0xee});
  EXPECT_EQ(back, expected);
}

TEST_F(ContractTest, ComparesMemoryOnTheCard) {
  open_card();
  if (!card->features().compare) GTEST_SKIP() << "the library cannot compare";
  DeviceBuffer buffer = take(200);
  ASSERT_TRUE(buffer.write(0, pattern(100)).ok());
  ASSERT_TRUE(buffer.write(100, pattern(100)).ok());
  const auto same = equal(*card, buffer.slice(0, 100), buffer.slice(100, 100));
  ASSERT_TRUE(same.ok()) << same.status();
  EXPECT_TRUE(*same);
  ASSERT_TRUE(buffer.fill(150, 1, std::byte{0x55}).ok());
  const auto different = equal(*card, buffer.slice(0, 100), buffer.slice(100, 100));
  ASSERT_TRUE(different.ok()) << different.status();
  EXPECT_FALSE(*different);
}

TEST_F(ContractTest, BuffersDoNotOverlapAndGiveTheirMemoryBack) {
  open_card();
  const std::uint64_t before = free_bytes();
  {
    const DeviceBuffer first = take(4096);
    const DeviceBuffer second = take(1 << 20);
    EXPECT_FALSE(first.span().overlaps(second.span()));
    EXPECT_LE(free_bytes() + 4096 + (1 << 20), before);
  }
  EXPECT_EQ(free_bytes(), before);
}

TEST_F(ContractTest, MoreThanTheCardHasIsExhaustedAndTheCardStaysUsable) {
  open_card();
  const auto readings = card->readings();
  ASSERT_TRUE(readings.ok());
  const auto buffer = DeviceBuffer::allocate(*card, readings->cmm_total_bytes + 4096);
  EXPECT_EQ(buffer.status().code(), Code::kExhausted);
  EXPECT_THAT(buffer.status().message(), HasSubstr("bytes free"));
  EXPECT_NE(buffer.status().vendor_code(), 0);
  EXPECT_TRUE(DeviceBuffer::allocate(*card, 4096).ok());
}

TEST_F(ContractTest, OtherThreadsUseTheCardWithoutSteps) {
  open_card();
  DeviceBuffer buffer = take(4096);
  std::vector<std::jthread> threads;
  for (std::size_t t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      const std::vector<std::byte> sent = pattern(1024, static_cast<unsigned>(t));
      EXPECT_TRUE(buffer.write(t * 1024, sent).ok());
    });
  }
  threads.clear();
  for (std::size_t t = 0; t < 4; ++t) {
    std::vector<std::byte> back(1024);
    ASSERT_TRUE(buffer.read(t * 1024, back).ok());
    EXPECT_EQ(back, pattern(1024, static_cast<unsigned>(t)));
  }
}

TEST_F(ContractTest, ReadingsArePlausible) {
  open_card();
  const auto readings = card->readings();
  ASSERT_TRUE(readings.ok()) << readings.status();
  EXPECT_GT(readings->temperature_celsius, 0.0);
  EXPECT_LT(readings->temperature_celsius, 120.0);
  EXPECT_LE(readings->cmm_free_bytes, readings->cmm_total_bytes);
  EXPECT_GE(readings->cmm_total_bytes, std::uint64_t{3000} << 20);
  EXPECT_LE(readings->npu_percent, 100.0);
  EXPECT_FALSE(readings->firmware_version.empty());
}

TEST_F(ContractTest, ACardCanBeClosedAndOpenedAgain) {
  open_card();
  ASSERT_TRUE(card->close().ok());
  card.reset();
  auto again = Card::open(*library);
  ASSERT_TRUE(again.ok()) << again.status();
  EXPECT_TRUE((*again)->readings().ok());
}

// Cases that run an engine.
class EngineContractTest : public ContractTest {
 protected:
  void SetUp() override {
    ContractTest::SetUp();
    const char* given = std::getenv("AXLE_CARD_ENGINE");
    if (real_card() && given == nullptr) GTEST_SKIP() << "AXLE_CARD_ENGINE names no engine file";
    path = real_card() ? std::filesystem::path(given) : write_contract_engine();
    open_card();
  }
  void TearDown() override {
    outputs.clear();
    inputs.clear();
    if (!real_card()) std::filesystem::remove(path);
    ContractTest::TearDown();
  }
  Engine load() {
    Result<Engine> engine = Engine::load(*card, path);
    EXPECT_TRUE(engine.ok()) << engine.status();
    return *std::move(engine);
  }
  // A buffer of its own for every tensor; inputs hold a small pattern of finite bf16 numbers.
  Binding bind(Engine& engine, std::size_t group) {
    inputs.clear();
    outputs.clear();
    Result<Binding> binding = engine.make_binding(group);
    EXPECT_TRUE(binding.ok()) << binding.status();
    for (const TensorInfo& tensor : engine.group(group).inputs) {
      inputs.push_back(take(tensor.size_bytes));
      EXPECT_TRUE(inputs.back().write(0, small_numbers(tensor.size_bytes)).ok());
      EXPECT_TRUE(binding->bind_input(inputs.size() - 1, inputs.back().span()).ok());
    }
    for (const TensorInfo& tensor : engine.group(group).outputs) {
      outputs.push_back(take(tensor.size_bytes));
      EXPECT_TRUE(outputs.back().fill(0, tensor.size_bytes, std::byte{0x77}).ok());
      EXPECT_TRUE(binding->bind_output(outputs.size() - 1, outputs.back().span()).ok());
    }
    return *std::move(binding);
  }
  static std::vector<std::byte> small_numbers(std::size_t size_bytes) {
    std::vector<std::byte> bytes(size_bytes);
    for (std::size_t i = 1; i < size_bytes; i += 2) {
      bytes[i] = std::byte{0x3c};
      bytes[i - 1] = static_cast<std::byte>(i * 7);
    }
    return bytes;
  }
  std::vector<std::byte> output(std::size_t index) {
    std::vector<std::byte> bytes(outputs[index].size_bytes());
    EXPECT_TRUE(outputs[index].read(0, bytes).ok());
    return bytes;
  }

  std::filesystem::path path;
  std::vector<DeviceBuffer> inputs;
  std::vector<DeviceBuffer> outputs;
};

TEST_F(EngineContractTest, AnEngineTellsItsTensors) {
  const Engine engine = load();
  ASSERT_GE(engine.groups().size(), 1u);
  EXPECT_FALSE(engine.compiler_version().empty());
  const GroupInfo& group = engine.group(0);
  ASSERT_FALSE(group.inputs.empty());
  EXPECT_NE(group.inputs[0].dtype, DataType::kNone);
  EXPECT_EQ(group.find_input(group.inputs[0].name), 0u);
  if (real_card()) return;
  EXPECT_EQ(group.inputs[0].name, "input");
  EXPECT_EQ(group.inputs[0].dtype, DataType::kBf16);
  EXPECT_THAT(group.outputs[0].dims, testing::ElementsAre(1, 1, kContractVocab));
  EXPECT_EQ(group.outputs[0].size_bytes, 2u * kContractVocab);
}

TEST_F(EngineContractTest, EveryGroupRunsAndTheSameInputGivesTheSameOutput) {
  Engine engine = load();
  for (std::size_t g = 0; g < engine.groups().size(); ++g) {
    Binding binding = bind(engine, g);
    const Status status = engine.run(binding);
    ASSERT_TRUE(status.ok()) << status;
    const std::vector<std::byte> first = output(0);
    EXPECT_NE(first, std::vector<std::byte>(first.size(), std::byte{0x77}));
    ASSERT_TRUE(outputs[0].fill(0, first.size(), std::byte{0}).ok());
    ASSERT_TRUE(engine.run(binding).ok());
    EXPECT_EQ(output(0), first);
  }
}

TEST_F(EngineContractTest, QueuedWorkGivesTheSameAsBlockingWork) {
  if (!card->features().async) GTEST_SKIP() << "the library has no asynchronous calls";
  Engine engine = load();
  Binding binding = bind(engine, 0);
  ASSERT_TRUE(engine.run(binding).ok());
  const std::vector<std::byte> expected = output(0);

  const std::vector<std::byte> input = small_numbers(inputs[0].size_bytes());
  std::vector<std::byte> back(expected.size());
  Result<Stream> stream = Stream::create(*card);
  ASSERT_TRUE(stream.ok()) << stream.status();
  ASSERT_TRUE(stream->fill_async(inputs[0].span(), std::byte{0}).ok());
  ASSERT_TRUE(stream->fill_async(outputs[0].span(), std::byte{0}).ok());
  ASSERT_TRUE(stream->write_async(inputs[0].span(), input).ok());
  ASSERT_TRUE(stream->run(engine, binding).ok());
  ASSERT_TRUE(stream->read_async(outputs[0].span(), back).ok());
  const Status status = stream->synchronize(std::chrono::seconds(30));
  ASSERT_TRUE(status.ok()) << status;
  EXPECT_EQ(back, expected);
}

TEST_F(EngineContractTest, ABindingCanBeChangedBetweenRuns) {
  Engine engine = load();
  Binding binding = bind(engine, 0);
  ASSERT_TRUE(engine.run(binding).ok());
  const std::vector<std::byte> expected = output(0);
  const DeviceBuffer large = take(outputs[0].size_bytes() + 8192);
  const DeviceSpan inside = large.slice(4096, outputs[0].size_bytes());
  ASSERT_TRUE(binding.bind_output(0, inside).ok());
  ASSERT_TRUE(engine.run(binding).ok());
  std::vector<std::byte> back(expected.size());
  ASSERT_TRUE(read(*card, inside, back).ok());
  EXPECT_EQ(back, expected);
}

TEST_F(EngineContractTest, UnloadingGivesTheMemoryBackInEveryOrder) {
  const std::uint64_t before = free_bytes();
  {
    std::optional<Engine> engine(load());
    Binding binding = bind(*engine, 0);
    EXPECT_LT(free_bytes(), before);
    inputs.clear();
    engine.reset();
    outputs.clear();
    EXPECT_EQ(free_bytes(), before);
  }
  {
    std::optional<Engine> engine(load());
    { Binding binding = bind(*engine, 0); }
    outputs.clear();
    inputs.clear();
  }
  EXPECT_EQ(free_bytes(), before);
}

TEST_F(EngineContractTest, AFileThatIsNoEngineIsRefusedAndTheNextOneLoads) {
  const std::filesystem::path bad = path.string() + ".bad";
  std::ofstream(bad) << std::string(4096, 'x');
  const Status status = Engine::load(*card, bad).status();
  EXPECT_TRUE(status.code() == Code::kCorrupt || status.code() == Code::kUnsupported) << status;
  EXPECT_NE(status.vendor_code(), 0);
  EXPECT_TRUE(Engine::load(*card, path).ok());
  std::filesystem::remove(bad);
}

TEST_F(EngineContractTest, WorksWithoutTheOptionalFunctions) {
  card.reset();
  library.reset();
  hidden = {"axclrtMemcpyAsync",
            "axclrtEngineExecuteAsync",
            "axclrtCreateEvent",
            "axclrtGetFullVersion",
            "axclrtGetDeviceProperties",
            "axclrtMemcmp",
            "axclrtEngineGetUsageFromModelId"};
  open_card();
  EXPECT_EQ(Stream::create(*card).status().code(), Code::kUnsupported);
  Engine engine = load();
  EXPECT_EQ(engine.memory_bytes(), std::nullopt);
  Binding binding = bind(engine, 0);
  EXPECT_TRUE(engine.run(binding).ok());
}

// Faults that only the software card can produce on demand.
class FaultContractTest : public EngineContractTest {
 protected:
  void SetUp() override {
    if (real_card()) GTEST_SKIP() << "faults are played by the software card only";
    EngineContractTest::SetUp();
  }
  // Starts anew on a machine with `faults`.
  void restart(const std::string& faults) {
    card.reset();
    library.reset();
    play(faults);
    open_card();
  }
};

TEST_F(FaultContractTest, ACardThatDiesIsLostOnceAndForAll) {
  restart(
      "[[fault]]\ncall = \"EngineExecute\"\naction = \"error\"\ncode = \"0x8030040c\"\nat = 2\n");
  Engine engine = load();
  Binding binding = bind(engine, 0);
  ASSERT_TRUE(engine.run(binding).ok());
  const Status status = engine.run(binding);
  EXPECT_EQ(status.code(), Code::kCardLost);
  EXPECT_EQ(outputs[0].fill(0, 1, std::byte{0}).code(), Code::kCardLost);
  EXPECT_EQ(Engine::load(*card, path).status().code(), Code::kCardLost);
  EXPECT_EQ(card->health().vendor_code(), status.vendor_code());
}

TEST_F(FaultContractTest, ACallThatHangsIsSeenAndLaterCallsFindTheCardLost) {
  testing::GTEST_FLAG(death_test_style) = "threadsafe";
  const auto scenario = [this] {
    restart("[[fault]]\ncall = \"EngineExecute\"\naction = \"die\"\nat = 1\n");
    Engine engine = load();
    Binding binding = bind(engine, 0);
    std::thread([&] { std::ignore = engine.run(binding); }).detach();
    while (!card->in_call()) std::this_thread::yield();
    Status status;
    while (status.ok()) status = outputs[0].fill(0, 1, std::byte{0});
    const auto stuck = card->in_call();
    const bool seen = stuck && stuck->name == "axclrtEngineExecute";
    std::filesystem::remove(path);
    _exit(seen && status.code() == Code::kCardLost ? 42 : 1);
  };
  EXPECT_EXIT(scenario(), testing::ExitedWithCode(42), "");
}

TEST_F(FaultContractTest, ACardThatGrantsNoPortsIsUnavailableWithTheVendorsCode) {
  card.reset();
  library.reset();
  play("[[fault]]\ncall = \"SetDevice\"\naction = \"error\"\ncode = \"0x80300186\"\n");
  open_library();
  const auto opened = Card::open(*library);
  EXPECT_EQ(opened.status().code(), Code::kUnavailable);
  EXPECT_EQ(static_cast<std::uint32_t>(opened.status().vendor_code()), 0x80300186u);
}

TEST_F(FaultContractTest, AFailedLoadLeavesTheCardUsable) {
  restart("[[fault]]\ncall = \"EngineLoad\"\naction = \"error\"\ncode = \"0x80300709\"\n");
  EXPECT_EQ(Engine::load(*card, path).status().code(), Code::kCorrupt);
  EXPECT_TRUE(Engine::load(*card, path).ok());
}

TEST_F(FaultContractTest, ADriverThatDoesNotAnswerStopsTheOpening) {
  card.reset();
  library.reset();
  play("[[fault]]\ncall = \"Init\"\naction = \"error\"\ncode = \"0x8030010b\"\n");
  const auto opened = Library::open(options());
  EXPECT_EQ(opened.status().code(), Code::kUnavailable);
  EXPECT_EQ(static_cast<std::uint32_t>(opened.status().vendor_code()), 0x8030010bu);
}

TEST_F(EngineContractTest, ARestartedCardHasLostEverythingAndWorksAgain) {
  if (real_card() && std::getenv("AXLE_CARD_REBOOT") == nullptr) {
    GTEST_SKIP() << "AXLE_CARD_REBOOT=1 would allow it";
  }
  std::optional<Engine> engine(load());
  Binding binding = bind(*engine, 0);
  const Status restarted = library->reboot(card->device());
  ASSERT_TRUE(restarted.ok()) << restarted;
  EXPECT_EQ(engine->run(binding).code(), Code::kCardLost);
  outputs.clear();
  inputs.clear();
  engine.reset();
  card.reset();
  Result<std::unique_ptr<Card>> again = Card::open(*library);
  ASSERT_TRUE(again.ok()) << again.status();
  card = *std::move(again);
  engine.emplace(load());
  Binding fresh = bind(*engine, 0);
  EXPECT_TRUE(engine->run(fresh).ok());
}

}  // namespace
}  // namespace axle::card
