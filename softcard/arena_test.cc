#include "softcard/arena.h"

#include <gtest/gtest.h>

namespace axle::softcard {
namespace {

constexpr std::size_t kPage = Arena::kPageBytes;

std::unique_ptr<Arena> make_arena(std::size_t pages) {
  Result<std::unique_ptr<Arena>> arena = Arena::create(pages * kPage);
  EXPECT_TRUE(arena.ok()) << arena.status();
  return *std::move(arena);
}

std::uint64_t allocate(Arena& arena, std::size_t bytes) {
  const Result<std::uint64_t> address = arena.allocate(bytes);
  EXPECT_TRUE(address.ok()) << address.status();
  return address.ok() ? *address : 0;
}

TEST(ArenaTest, BlocksFollowEachOtherUpwardsFromTheFirstAddress) {
  const auto arena = make_arena(16);
  EXPECT_EQ(allocate(*arena, 1), Arena::kFirstAddress);
  EXPECT_EQ(allocate(*arena, kPage + 1), Arena::kFirstAddress + kPage);
  EXPECT_EQ(allocate(*arena, kPage), Arena::kFirstAddress + 3 * kPage);
}

TEST(ArenaTest, TheLowestHoleThatIsLargeEnoughIsTaken) {
  const auto arena = make_arena(16);
  const std::uint64_t small = allocate(*arena, kPage);
  allocate(*arena, kPage);
  const std::uint64_t large = allocate(*arena, 3 * kPage);
  allocate(*arena, kPage);
  arena->release(small);
  arena->release(large);
  EXPECT_EQ(allocate(*arena, 2 * kPage), large);
  EXPECT_EQ(allocate(*arena, kPage), small);
}

TEST(ArenaTest, NeighbouringHolesBecomeOne) {
  const auto arena = make_arena(4);
  const std::uint64_t first = allocate(*arena, kPage);
  const std::uint64_t second = allocate(*arena, kPage);
  const std::uint64_t third = allocate(*arena, kPage);
  arena->release(first);
  arena->release(third);
  arena->release(second);
  EXPECT_EQ(allocate(*arena, 4 * kPage), first);
}

TEST(ArenaTest, ABlockThatDoesNotFitIsRefusedAndNothingIsLost) {
  const auto arena = make_arena(2);
  EXPECT_EQ(arena->allocate(3 * kPage).status().code(), Code::kExhausted);
  EXPECT_EQ(arena->allocate(0).status().code(), Code::kExhausted);
  allocate(*arena, kPage);
  EXPECT_EQ(arena->allocate(2 * kPage).status().code(), Code::kExhausted);
  EXPECT_EQ(allocate(*arena, kPage), Arena::kFirstAddress + kPage);
}

TEST(ArenaTest, OnlyFirstAddressesOfLiveBlocksCanBeReleased) {
  const auto arena = make_arena(4);
  const std::uint64_t block = allocate(*arena, 2 * kPage);
  EXPECT_FALSE(arena->release(block + kPage).has_value());
  EXPECT_FALSE(arena->release(block - kPage).has_value());
  EXPECT_FALSE(arena->release(0).has_value());
  EXPECT_EQ(arena->block_bytes(block), 2 * kPage);
  EXPECT_EQ(arena->release(block), 2 * kPage);
  EXPECT_FALSE(arena->release(block).has_value());
  EXPECT_TRUE(arena->blocks().empty());
}

TEST(ArenaTest, AReusedBlockReadsAsZeros) {
  const auto arena = make_arena(4);
  const std::uint64_t block = allocate(*arena, kPage);
  arena->host(block)[17] = std::byte{5};
  arena->release(block);
  EXPECT_EQ(arena->host(allocate(*arena, kPage))[17], std::byte{0});
}

TEST(ArenaTest, RangesAreClippedToTheCardAndNotToTheBlock) {
  const auto arena = make_arena(4);
  const std::uint64_t end = Arena::kFirstAddress + 4 * kPage;
  EXPECT_EQ(arena->clip(end - 10, 100), 10u);
  EXPECT_EQ(arena->clip(Arena::kFirstAddress, 3 * kPage), 3 * kPage);
  EXPECT_EQ(arena->clip(end, 1), 0u);
  EXPECT_EQ(arena->clip(Arena::kFirstAddress - 1, 100), 0u);
}

TEST(ArenaTest, MoreAddressSpaceThanThereIsIsAnError) {
  EXPECT_EQ(Arena::create(std::size_t{1} << 60).status().code(), Code::kExhausted);
}

}  // namespace
}  // namespace axle::softcard
