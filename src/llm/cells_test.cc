#include "llm/cells.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>
#include <vector>

namespace axle::llm {
namespace {

using ::testing::ElementsAre;

TEST(CellsTest, GivesTheLowestFreeCellFirst) {
  Cells cells(4);
  EXPECT_EQ(cells.take(), Cell{0});
  EXPECT_EQ(cells.take(), Cell{1});
  EXPECT_EQ(cells.take(), Cell{2});
  cells.release(1);
  EXPECT_EQ(cells.lowest_free(), Cell{1});
  EXPECT_EQ(cells.take(), Cell{1});
  EXPECT_EQ(cells.take(), Cell{3});
}

TEST(CellsTest, GivesNothingWhenAllAreHeld) {
  Cells cells(2);
  ASSERT_TRUE(cells.take().has_value());
  ASSERT_TRUE(cells.take().has_value());
  EXPECT_FALSE(cells.take().has_value());
  EXPECT_EQ(cells.free_count(), 0u);
  cells.release(0);
  EXPECT_EQ(cells.take(), Cell{0});
}

TEST(CellsTest, SharedCellIsFreeOnlyWhenItsLastOwnerReleasesIt) {
  Cells cells(2);
  const Cell cell = *cells.take();
  cells.share(cell);
  EXPECT_EQ(cells.references(cell), 2u);
  cells.release(cell);
  EXPECT_EQ(cells.free_count(), 1u);
  EXPECT_NE(cells.take(), cell);
  cells.release(cell);
  EXPECT_EQ(cells.references(cell), 0u);
  EXPECT_EQ(cells.take(), cell);
}

TEST(CellsTest, HasNoReferencesBeyondItsEnd) {
  const Cells cells(2);
  EXPECT_EQ(cells.references(7), 0u);
  EXPECT_EQ(cells.count(), 2u);
}

// Against a plain map of owners: no cell is lost or given twice, whatever the order of events.

TEST(CellsTest, GivesNeighboursBelowTheLimitElseTheLowest) {
  Cells cells(12);
  EXPECT_THAT(cells.take(3, 12), ElementsAre(0u, 1u, 2u));
  cells.release(1);
  EXPECT_EQ(cells.end_of_lowest(2), 4u);
  EXPECT_THAT(cells.take(2, 5), ElementsAre(3u, 4u));
  EXPECT_THAT(cells.take(2, 6), ElementsAre(1u, 5u));
  EXPECT_THAT(cells.take(0, 12), ::testing::IsEmpty());
  EXPECT_THAT(cells.take(2, 12, 9), ElementsAre(9u, 10u));
  EXPECT_THAT(cells.take(2, 12, 10), ElementsAre(6u, 7u));
  EXPECT_EQ(cells.free_count(), 2u);
}

TEST(CellsTest, CountsTheFreeOnesBelow) {
  Cells cells(8);
  (void)cells.take(4, 8);
  cells.release(2);
  EXPECT_EQ(cells.free_below(4), 1u);
  EXPECT_EQ(cells.free_below(6), 3u);
  EXPECT_EQ(cells.free_below(100), 5u);
}

TEST(CellsTest, OwnersMoveWithTheirCell) {
  Cells cells(4);
  (void)cells.take(2, 4);
  cells.share(0);
  cells.move({0, 3});
  EXPECT_EQ(cells.references(3), 2u);
  EXPECT_EQ(cells.references(0), 0u);
  EXPECT_EQ(cells.lowest_free(), Cell{0});
  cells.move({1, 0});
  EXPECT_EQ(cells.take(), Cell{1});
  EXPECT_EQ(cells.free_count(), 1u);
}

class CellsPropertyTest : public ::testing::TestWithParam<unsigned> {};

TEST_P(CellsPropertyTest, LosesAndDoublesNothingUnderRandomUse) {
  constexpr std::size_t kCount = 97;
  std::mt19937 random(GetParam());
  Cells cells(kCount);
  std::map<Cell, unsigned> owners;
  const auto any_held = [&] {
    auto it = owners.begin();
    std::advance(it, static_cast<std::ptrdiff_t>(random() % owners.size()));
    return it->first;
  };
  for (int event = 0; event < 20'000; ++event) {
    const auto kind = random() % 5;
    if (kind < 2) {
      const auto cell = cells.take();
      ASSERT_EQ(cell.has_value(), owners.size() < kCount);
      if (!cell) continue;
      for (Cell lower = 0; lower < *cell; ++lower) ASSERT_TRUE(owners.contains(lower));
      ASSERT_TRUE(owners.emplace(*cell, 1u).second) << "cell " << *cell << " was given twice";
    } else if (owners.empty()) {
      continue;
    } else if (kind == 2) {
      const Cell cell = any_held();
      cells.share(cell);
      ++owners[cell];
    } else {
      const Cell cell = any_held();
      cells.release(cell);
      if (--owners[cell] == 0) owners.erase(cell);
    }
    ASSERT_EQ(cells.free_count(), kCount - owners.size());
  }
  for (Cell cell = 0; cell < kCount; ++cell) {
    EXPECT_EQ(cells.references(cell), owners.contains(cell) ? owners[cell] : 0u);
  }
}

INSTANTIATE_TEST_SUITE_P(Seeds, CellsPropertyTest, ::testing::Values(1u, 2u, 3u, 4u));

}  // namespace
}  // namespace axle::llm
