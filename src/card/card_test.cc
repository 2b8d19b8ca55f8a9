#include "card/card.h"

#include <gmock/gmock.h>

#include <thread>

#include "card/fake_test.h"

namespace axle::card {
namespace {

using testing::HasSubstr;

class CardTest : public FakeTest {};

TEST_F(CardTest, OpensTheFirstCardByItsBusNumber) {
  open_card();
  EXPECT_EQ(card->device(), DeviceId{3});
  EXPECT_EQ(fake.selected, 3);
  EXPECT_EQ(fake.count("axclrtEngineInit"), 1u);
}

TEST_F(CardTest, OpensACardByIndexOrByBusNumber) {
  open_library();
  auto by_index = Card::open(*library, {.index = 1});
  ASSERT_TRUE(by_index.ok());
  EXPECT_EQ((*by_index)->device(), DeviceId{129});
  auto by_bus = Card::open(*library, {.device = DeviceId{129}});
  ASSERT_TRUE(by_bus.ok());
  EXPECT_EQ((*by_bus)->device(), DeviceId{129});
}

TEST_F(CardTest, ACardThatDoesNotExistIsNotFoundAndTheOthersAreNamed) {
  open_library();
  const auto by_bus = Card::open(*library, {.device = DeviceId{1}});
  EXPECT_EQ(by_bus.status().code(), Code::kNotFound);
  EXPECT_THAT(by_bus.status().message(), HasSubstr("cards are on PCIe bus 3, 129"));
  EXPECT_EQ(Card::open(*library, {.index = 2}).status().code(), Code::kNotFound);
  fake.devices.clear();
  EXPECT_THAT(Card::open(*library).status().message(), HasSubstr("no card is connected"));
  EXPECT_EQ(fake.count("axclrtSetDevice"), 0u);
}

TEST_F(CardTest, ACardThatGrantsNoPortsIsUnavailable) {
  open_library();
  fake.fail_next("axclrtSetDevice", 0x80300186);
  const auto opened = Card::open(*library);
  EXPECT_EQ(opened.status().code(), Code::kUnavailable);
  EXPECT_EQ(static_cast<std::uint32_t>(opened.status().vendor_code()), 0x80300186u);
  EXPECT_EQ(fake.count("axclrtResetDevice"), 0u);
}

TEST_F(CardTest, ACardThatDiesWhileOpeningIsLostAndReleased) {
  open_library();
  fake.fail_next("axclrtEngineInit", 0x8030040c);
  EXPECT_EQ(Card::open(*library).status().code(), Code::kCardLost);
  EXPECT_EQ(fake.count("axclrtResetDevice"), 1u);
}

TEST_F(CardTest, ALibraryThatGivesNoContextIsNotUsed) {
  open_library();
  fake.null_handles = true;
  EXPECT_FALSE(Card::open(*library).ok());
  EXPECT_EQ(fake.count("axclrtResetDevice"), 1u);
}

TEST_F(CardTest, ClosesOnceInTheVendorsOrder) {
  open_card();
  EXPECT_TRUE(card->close().ok());
  EXPECT_TRUE(card->close().ok());
  card.reset();
  const auto& calls = fake.calls;
  ASSERT_GE(calls.size(), 2u);
  EXPECT_EQ(calls[calls.size() - 2], "axclrtEngineFinalize");
  EXPECT_EQ(calls.back(), "axclrtResetDevice");
  EXPECT_EQ(fake.count("axclrtResetDevice"), 1u);
}

TEST_F(CardTest, CallsAfterClosingAreRefusedWithoutTouchingTheLibrary) {
  open_card();
  ASSERT_TRUE(card->close().ok());
  const std::size_t calls = fake.calls.size();
  EXPECT_EQ(card->readings().status().code(), Code::kUnavailable);
  EXPECT_EQ(card->bind_thread().code(), Code::kUnavailable);
  EXPECT_EQ(card->health().code(), Code::kUnavailable);
  EXPECT_EQ(DeviceBuffer::allocate(*card, 1).status().code(), Code::kUnavailable);
  EXPECT_EQ(fake.calls.size(), calls);
}

TEST_F(CardTest, AThreadGetsTheContextAtItsFirstCallAndOnlyThen) {
  open_card();
  std::jthread([&] {
    EXPECT_TRUE(DeviceBuffer::allocate(*card, 16).ok());
    EXPECT_TRUE(card->bind_thread().ok());
  }).join();
  EXPECT_EQ(fake.count("axclrtSetCurrentContext"), 1u);
}

TEST_F(CardTest, AFailedBindingOfAThreadIsTheErrorOfItsCall) {
  open_card();
  std::jthread([&] {
    fake.fail_next("axclrtSetCurrentContext", 0x80300283);
    EXPECT_EQ(fill(*card, DeviceSpan{4096, 1}, std::byte{0}).code(), Code::kUnavailable);
  }).join();
  EXPECT_EQ(fake.count("axclrtMemset"), 0u);
}

TEST_F(CardTest, ReadingsComeInCelsiusBytesAndPercent) {
  open_card();
  const auto readings = card->readings();
  ASSERT_TRUE(readings.ok());
  EXPECT_DOUBLE_EQ(readings->temperature_celsius, 54.321);
  EXPECT_EQ(readings->cmm_total_bytes, std::uint64_t{7040} << 20);
  EXPECT_EQ(readings->cmm_free_bytes, 1024000u);
  EXPECT_EQ(readings->memory_total_bytes, 968356u * 1024);
  EXPECT_DOUBLE_EQ(readings->cpu_percent, 2.3);
  EXPECT_DOUBLE_EQ(readings->npu_percent, 50.0);
  EXPECT_EQ(readings->firmware_version, "V3.10.2_20251215140224");
  const auto free_bytes = card->memory_free();
  ASSERT_TRUE(free_bytes.ok());
  EXPECT_EQ(*free_bytes, 1024000u);
}

TEST_F(CardTest, RoomIsRefusedWithWhatIsWantedAndWhatIsFree) {
  open_card();
  EXPECT_TRUE(card->check_room(1024000, "m", "a smaller one").ok());
  const Status status = card->check_room(1048576, "m", "a smaller one");
  EXPECT_EQ(status.code(), Code::kExhausted);
  EXPECT_EQ(status.message(),
            "m needs 1.0 MiB of card memory, but 1.0 MiB are free; unload another model or take a "
            "smaller one");
}

TEST_F(CardTest, ReadingsAreUnsupportedWhereTheLibraryHasNone) {
  hidden = {"axclrtGetDeviceProperties"};
  open_card();
  EXPECT_EQ(card->readings().status().code(), Code::kUnsupported);
  EXPECT_EQ(card->memory_free().status().code(), Code::kUnsupported);
  EXPECT_TRUE(card->check_room(std::uint64_t{1} << 60, "m", "a smaller one").ok());
}

TEST_F(CardTest, ALostCardKeepsItsFirstErrorForEveryLaterCall) {
  open_card();
  lose_card();
  const std::size_t calls = fake.calls.size();
  EXPECT_EQ(card->health().code(), Code::kCardLost);
  EXPECT_EQ(card->readings().status(), card->health());
  EXPECT_EQ(static_cast<std::uint32_t>(card->health().vendor_code()), 0x8030040cu);
  EXPECT_EQ(fake.calls.size(), calls);
}

TEST_F(CardTest, ALostCardIsResetButItsEngineIsNotFinalized) {
  open_card();
  lose_card();
  EXPECT_TRUE(card->close().ok());
  EXPECT_EQ(fake.count("axclrtEngineFinalize"), 0u);
  EXPECT_EQ(fake.count("axclrtResetDevice"), 1u);
}

TEST_F(CardTest, ALostCardCanBeOpenedAgainInTheSameProcess) {
  open_card();
  lose_card();
  card.reset();
  auto again = Card::open(*library);
  ASSERT_TRUE(again.ok());
  EXPECT_TRUE((*again)->readings().ok());
}

TEST_F(CardTest, AHungCallIsSeenByAnotherThread) {
  open_card();
  std::optional<CallInProgress> seen;
  fake.on_call = [&](const std::string&) { std::jthread([&] { seen = card->in_call(); }).join(); };
  EXPECT_TRUE(card->readings().ok());
  fake.on_call = nullptr;
  ASSERT_TRUE(seen.has_value());
  EXPECT_EQ(seen->name, "axclrtGetDeviceProperties");
  EXPECT_FALSE(card->in_call().has_value());
}

}  // namespace
}  // namespace axle::card
