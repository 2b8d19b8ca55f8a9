#include "card/device_buffer.h"

#include <gmock/gmock.h>

#include "card/fake_test.h"

namespace axle::card {
namespace {

using testing::HasSubstr;

class DeviceBufferTest : public FakeTest {
 protected:
  void SetUp() override {
    FakeTest::SetUp();
    open_card();
  }
  DeviceBuffer take(std::size_t size_bytes) {
    Result<DeviceBuffer> buffer = DeviceBuffer::allocate(*card, size_bytes);
    EXPECT_TRUE(buffer.ok()) << buffer.status();
    return buffer.ok() ? *std::move(buffer) : DeviceBuffer();
  }
};

TEST(DeviceSpanTest, SlicesOverlapAndContainAsRangesDo) {
  const DeviceSpan span{100, 50};
  EXPECT_EQ(span.slice(10, 40), (DeviceSpan{110, 40}));
  EXPECT_TRUE(span.overlaps({149, 10}));
  EXPECT_FALSE(span.overlaps({150, 10}));
  EXPECT_FALSE(span.overlaps({120, 0}));
  EXPECT_TRUE(span.contains({110, 40}));
  EXPECT_FALSE(span.contains({110, 41}));
  EXPECT_FALSE(span.contains({99, 1}));
}

TEST(DeviceSpanDeathTest, ASliceOutsideTheSpanIsAMistakeOfOurs) {
  const DeviceSpan span{100, 50};
  EXPECT_DEATH(static_cast<void>(span.slice(1, 50)), "size_bytes");
}

TEST_F(DeviceBufferTest, BytesComeBackAsTheyWereWritten) {
  DeviceBuffer buffer = take(8);
  ASSERT_TRUE(buffer.fill(0, 8, std::byte{1}).ok());
  ASSERT_TRUE(buffer.write(2, bytes_of(3, 9)).ok());
  std::vector<std::byte> out(8);
  ASSERT_TRUE(buffer.read(0, out).ok());
  const std::vector<std::byte> expected = {std::byte{1}, std::byte{1}, std::byte{9}, std::byte{9},
                                           std::byte{9}, std::byte{1}, std::byte{1}, std::byte{1}};
  EXPECT_EQ(out, expected);
}

TEST_F(DeviceBufferTest, GivesItsMemoryBackExactlyOnceAfterMoves) {
  {
    DeviceBuffer first = take(8);
    DeviceBuffer second = std::move(first);
    EXPECT_EQ(second.size_bytes(), 8u);
    second = take(16);
    EXPECT_EQ(fake.blocks.size(), 1u);
    EXPECT_TRUE(second.release().ok());
    EXPECT_TRUE(second.release().ok());
  }
  EXPECT_TRUE(fake.blocks.empty());
  EXPECT_EQ(fake.count("axclrtFree"), 2u);
}

TEST_F(DeviceBufferTest, NothingIsTakenForZeroBytes) {
  EXPECT_EQ(DeviceBuffer::allocate(*card, 0).status().code(), Code::kInvalidArgument);
  EXPECT_EQ(fake.count("axclrtMalloc"), 0u);
}

TEST_F(DeviceBufferTest, AFullCardIsExhaustedWithWantedAndFreeBytes) {
  fake.fail_next("axclrtMalloc", 0x8030050c);
  const auto buffer = DeviceBuffer::allocate(*card, 5000);
  EXPECT_EQ(buffer.status().code(), Code::kExhausted);
  EXPECT_THAT(buffer.status().message(),
              HasSubstr("wanted 5000 bytes, the card has 1024000 of 7381975040 bytes free"));
}

TEST_F(DeviceBufferTest, SuccessWithoutAnAddressIsNotBelieved) {
  fake.null_handles = true;
  EXPECT_EQ(DeviceBuffer::allocate(*card, 8).status().code(), Code::kExhausted);
}

TEST_F(DeviceBufferTest, RangesOutsideTheBufferNeverReachTheCard) {
  DeviceBuffer buffer = take(8);
  std::vector<std::byte> two(2);
  EXPECT_EQ(buffer.write(7, two).code(), Code::kInvalidArgument);
  EXPECT_EQ(buffer.read(9, two).code(), Code::kInvalidArgument);
  EXPECT_EQ(buffer.fill(static_cast<std::size_t>(-1), 2, std::byte{0}).code(),
            Code::kInvalidArgument);
  EXPECT_EQ(fake.count("axclrtMemcpy") + fake.count("axclrtMemset"), 0u);
}

TEST_F(DeviceBufferTest, EmptyTransfersDoNothing) {
  DeviceBuffer empty;
  EXPECT_TRUE(empty.write(0, {}).ok());
  EXPECT_TRUE(empty.fill(0, 0, std::byte{0}).ok());
  EXPECT_TRUE(copy(*card, {}, {}).ok());
  EXPECT_EQ(fake.count("axclrtMemcpy"), 0u);
}

TEST_F(DeviceBufferTest, SpansWithoutMemoryAndDifferentSizesAreRefused) {
  DeviceBuffer buffer = take(8);
  std::vector<std::byte> four(4);
  EXPECT_EQ(write(*card, buffer.span(), four).code(), Code::kInvalidArgument);
  EXPECT_EQ(read(*card, DeviceSpan{0, 4}, four).code(), Code::kInvalidArgument);
  EXPECT_EQ(fill(*card, DeviceSpan{0, 4}, std::byte{0}).code(), Code::kInvalidArgument);
  EXPECT_EQ(equal(*card, buffer.slice(0, 4), buffer.span()).status().code(),
            Code::kInvalidArgument);
  EXPECT_EQ(fake.count("axclrtMemcpy") + fake.count("axclrtMemset"), 0u);
}

TEST_F(DeviceBufferTest, CopiesWithinTheCardButNotOverItself) {
  DeviceBuffer buffer = take(8);
  ASSERT_TRUE(buffer.fill(0, 4, std::byte{7}).ok());
  ASSERT_TRUE(copy(*card, buffer.slice(0, 4), buffer.slice(4, 4)).ok());
  const auto same = equal(*card, buffer.slice(0, 4), buffer.slice(4, 4));
  ASSERT_TRUE(same.ok());
  EXPECT_TRUE(*same);
  EXPECT_EQ(copy(*card, buffer.slice(0, 4), buffer.slice(3, 4)).code(), Code::kInvalidArgument);
}

TEST_F(DeviceBufferTest, ComparesBytesAndTellsErrorsFromDifferences) {
  DeviceBuffer buffer = take(8);
  ASSERT_TRUE(buffer.fill(0, 4, std::byte{1}).ok());
  ASSERT_TRUE(buffer.fill(4, 4, std::byte{2}).ok());
  const auto same = equal(*card, buffer.slice(0, 4), buffer.slice(4, 4));
  ASSERT_TRUE(same.ok());
  EXPECT_FALSE(*same);
  fake.fail_next("axclrtMemcmp", 0x80300508);
  EXPECT_FALSE(equal(*card, buffer.slice(0, 4), buffer.slice(4, 4)).ok());
}

TEST_F(DeviceBufferTest, ALostCardKeepsTheVendorCodeAndFreesNothing) {
  DeviceBuffer buffer = take(8);
  fake.fail_next("axclrtMemcpy", 0x8030040c);
  const Status status = buffer.write(0, bytes_of(1, 0));
  EXPECT_EQ(status.code(), Code::kCardLost);
  EXPECT_EQ(static_cast<std::uint32_t>(status.vendor_code()), 0x8030040cu);
  EXPECT_TRUE(buffer.release().ok());
  EXPECT_EQ(fake.count("axclrtFree"), 0u);
}

TEST_F(DeviceBufferTest, OutlivesItsCardWithoutHarm) {
  DeviceBuffer buffer = take(8);
  card.reset();
  EXPECT_EQ(buffer.write(0, bytes_of(1, 0)).code(), Code::kUnavailable);
  buffer = DeviceBuffer();
  EXPECT_EQ(fake.count("axclrtFree"), 0u);
}

TEST_F(DeviceBufferTest, ComparingIsUnsupportedWhereTheLibraryCannot) {
  card.reset();
  library.reset();
  hidden = {"axclrtMemcmp"};
  open_card();
  DeviceBuffer buffer = take(8);
  EXPECT_EQ(equal(*card, buffer.slice(0, 4), buffer.slice(4, 4)).status().code(),
            Code::kUnsupported);
}

}  // namespace
}  // namespace axle::card
