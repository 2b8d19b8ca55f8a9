#include "llm/prefix_cache.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>
#include <vector>

namespace axle::llm {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

class PrefixCacheTest : public ::testing::Test {
 protected:
  // A conversation that has computed `tokens`, in newly taken cells.
  Sequence compute(const std::vector<TokenId>& tokens) {
    Sequence sequence;
    for (const TokenId token : tokens) {
      sequence.append(token, sequence.next_position(), *cells_.take());
    }
    return sequence;
  }
  void release(const Sequence& sequence) {
    for (const Cell cell : sequence.cells()) cells_.release(cell);
  }
  void release(const std::vector<Cell>& cells) {
    for (const Cell cell : cells) cells_.release(cell);
  }
  // A finished text that only the cache remembers.
  void remember(const std::vector<TokenId>& tokens) {
    const Sequence sequence = compute(tokens);
    cache_.keep(sequence);
    release(sequence);
  }

  Cells cells_{16};
  PrefixCache cache_{cells_, 3};
};

TEST_F(PrefixCacheTest, FindsTheLongestCommonBeginning) {
  remember({1, 2, 3});
  remember({1, 2, 4, 5});
  EXPECT_EQ(cache_.match(std::vector<TokenId>{1, 2, 4, 6}), 3u);
  EXPECT_THAT(cache_.acquire(std::vector<TokenId>{1, 2, 4, 6}), ElementsAre(3u, 4u, 5u));
  EXPECT_THAT(cache_.acquire(std::vector<TokenId>{1, 2, 3}), ElementsAre(0u, 1u, 2u));
  EXPECT_THAT(cache_.acquire(std::vector<TokenId>{2, 2, 3}), IsEmpty());
}

TEST_F(PrefixCacheTest, AcquiredCellsHaveOneMoreOwner) {
  remember({1, 2});
  const std::vector<Cell> cells = cache_.acquire(std::vector<TokenId>{1, 9});
  ASSERT_THAT(cells, ElementsAre(0u));
  EXPECT_EQ(cells_.references(0), 2u);
  EXPECT_EQ(cells_.references(1), 1u);
  EXPECT_EQ(cache_.evictable(), 1u);
  release(cells);
  EXPECT_EQ(cache_.evictable(), 2u);
}

TEST_F(PrefixCacheTest, LongerTextReplacesTheOneItExtends) {
  Sequence sequence = compute({1, 2});
  cache_.keep(sequence);
  sequence.append(3, 2, *cells_.take());
  cache_.keep(sequence);
  release(sequence);
  EXPECT_EQ(cells_.references(0), 1u);
  EXPECT_EQ(cache_.evictable(), 3u);
  EXPECT_THAT(cache_.acquire(std::vector<TokenId>{1, 2, 3}), ElementsAre(0u, 1u, 2u));
}

TEST_F(PrefixCacheTest, DoesNotKeepWhatItHas) {
  remember({1, 2, 3});
  remember({1, 2});
  EXPECT_EQ(cells_.free_count(), 13u);
}

TEST_F(PrefixCacheTest, DoesNotKeepTextsWithGapsInTheirPositions) {
  Sequence sequence;
  sequence.append(1, 0, *cells_.take());
  sequence.append(2, 7, *cells_.take());
  cache_.keep(sequence);
  release(sequence);
  EXPECT_EQ(cells_.free_count(), 16u);
}

TEST_F(PrefixCacheTest, ForgetsTheLeastRecentlyUsedTextWhenThereAreTooMany) {
  remember({1});
  remember({2});
  remember({3});
  release(cache_.acquire(std::vector<TokenId>{1}));
  remember({4});
  EXPECT_THAT(cache_.acquire(std::vector<TokenId>{2}), IsEmpty());
  EXPECT_THAT(cache_.acquire(std::vector<TokenId>{1}), ElementsAre(0u));
}

TEST_F(PrefixCacheTest, GivesCellsBackFromTheEndOfTheOldestText) {
  remember({1, 2, 3, 4, 5, 6, 7, 8});
  remember({9, 10, 11, 12, 13, 14, 15, 16});
  ASSERT_EQ(cells_.free_count(), 0u);
  ASSERT_TRUE(cache_.make_free(1, {}).ok());
  EXPECT_EQ(cells_.lowest_free(), Cell{7});
  EXPECT_THAT(cache_.acquire(std::vector<TokenId>{1, 2, 3, 4, 5, 6, 7, 8}), ::testing::SizeIs(7));
}

TEST_F(PrefixCacheTest, GivesUpNothingWhileEnoughCellsAreFree) {
  remember({1, 2, 3});
  ASSERT_TRUE(cache_.make_free(13, {}).ok());
  EXPECT_EQ(cache_.evictable(), 3u);
}

TEST_F(PrefixCacheTest, TellsOnceOfATextBeforeItLosesCells) {
  remember({1, 2, 3, 4, 5, 6, 7, 8});
  remember({9, 10, 11, 12, 13, 14, 15, 16});
  std::vector<std::vector<TokenId>> told;
  const auto farewell = [&](std::span<const TokenId> tokens,
                            std::span<const Cell> cells) -> Status {
    EXPECT_EQ(tokens.size(), cells.size());
    told.emplace_back(tokens.begin(), tokens.end());
    return {};
  };
  ASSERT_TRUE(cache_.make_free(2, farewell).ok());
  ASSERT_TRUE(cache_.make_free(4, farewell).ok());
  EXPECT_THAT(told, ElementsAre(ElementsAre(1, 2, 3, 4, 5, 6, 7, 8)));
}

TEST_F(PrefixCacheTest, AFarewellThatFailsLeavesTheTextThere) {
  remember({1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16});
  const auto farewell = [](std::span<const TokenId>, std::span<const Cell>) -> Status {
    return unavailable("no");
  };
  EXPECT_FALSE(cache_.make_free(1, farewell).ok());
  EXPECT_EQ(cells_.free_count(), 0u);
}

TEST_F(PrefixCacheTest, NeverGivesUpCellsThatSomebodyUses) {
  const Sequence sequence = compute(std::vector<TokenId>(16, 1));
  cache_.keep(sequence);
  ASSERT_TRUE(cache_.make_free(1, {}).ok());
  EXPECT_EQ(cells_.free_count(), 0u);
  EXPECT_EQ(cache_.evictable(), 0u);
  release(sequence);
  ASSERT_TRUE(cache_.make_free(1, {}).ok());
  EXPECT_EQ(cells_.free_count(), 1u);
}

TEST_F(PrefixCacheTest, TellsWhichCellsAreIdleTheLeastRecentlyUsedFirst) {
  remember({1, 2});
  remember({3, 4});
  const std::vector<Cell> in_use = cache_.acquire(std::vector<TokenId>{1});
  EXPECT_THAT(cache_.idle_cells(16), ElementsAre(2u, 3u, 1u));
  EXPECT_THAT(cache_.idle_cells(3), ElementsAre(2u, 1u));
  release(in_use);
}

TEST_F(PrefixCacheTest, FollowsCellsThatMove) {
  remember({1, 2});
  std::vector<Cell> by_cell(16);
  for (Cell cell = 0; cell < 16; ++cell) by_cell[cell] = cell == 1 ? 9 : cell;
  cells_.move({1, 9});
  cache_.renumber(by_cell);
  const std::vector<Cell> cells = cache_.acquire(std::vector<TokenId>{1, 2});
  EXPECT_THAT(cells, ElementsAre(0u, 9u));
  release(cells);
  EXPECT_EQ(cache_.evictable(), 2u);
}

TEST_F(PrefixCacheTest, GivesAllCellsBackWhenItGoes) {
  {
    PrefixCache cache(cells_, 2);
    const Sequence sequence = compute({1, 2, 3});
    cache.keep(sequence);
    release(sequence);
    EXPECT_EQ(cells_.free_count(), 13u);
  }
  EXPECT_EQ(cells_.free_count(), 16u);
}

// Random texts that begin alike: whatever is kept, found and evicted, an acquired cell holds the
// token that was computed into it, and every cell comes back in the end.
TEST(PrefixCachePropertyTest, FindsOnlyWhatWasComputedAndLosesNoCell) {
  constexpr std::size_t kCount = 64;
  std::mt19937 random(7);
  Cells cells(kCount);
  std::vector<std::vector<TokenId>> written(kCount);  // Cell -> the whole prefix computed into it.
  {
    PrefixCache cache(cells, 5);
    for (int round = 0; round < 3000; ++round) {
      std::vector<TokenId> tokens(1 + random() % 20);
      for (TokenId& token : tokens) token = static_cast<TokenId>(random() % 2);
      Sequence sequence;
      for (const Cell cell : cache.acquire(tokens)) {
        const std::size_t at = sequence.size();
        ASSERT_EQ(written[cell],
                  std::vector<TokenId>(tokens.begin(),
                                       tokens.begin() + static_cast<std::ptrdiff_t>(at) + 1));
        sequence.append(tokens[at], static_cast<std::uint32_t>(at), cell);
      }
      while (sequence.size() < tokens.size()) {
        ASSERT_TRUE(cache.make_free(1, {}).ok());
        const Cell cell = *cells.take();
        const std::size_t at = sequence.size();
        sequence.append(tokens[at], static_cast<std::uint32_t>(at), cell);
        written[cell].assign(tokens.begin(), tokens.begin() + static_cast<std::ptrdiff_t>(at) + 1);
      }
      cache.keep(sequence);
      for (const Cell cell : sequence.cells()) cells.release(cell);
      ASSERT_EQ(cache.evictable() + cells.free_count(), kCount);
    }
  }
  EXPECT_EQ(cells.free_count(), kCount);
}

}  // namespace
}  // namespace axle::llm
