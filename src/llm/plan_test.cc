#include "llm/plan.h"

#include <gtest/gtest.h>

#include <vector>

namespace axle::llm {
namespace {

using std::chrono::nanoseconds;

// Decode with 100 cells, chunks of 8 rows with 0, 16 and 64 cells, as a package's ladder has them.
package::LayerShape ladder() {
  package::LayerShape shape;
  shape.hidden = 4;
  shape.kv_width = 2;
  shape.groups = {{.index = 0, .rows = 1, .history = 100, .cache_rows = 100},
                  {.index = 1, .rows = 8, .history = 0, .cache_rows = 1},
                  {.index = 2, .rows = 8, .history = 16, .cache_rows = 16},
                  {.index = 3, .rows = 8, .history = 64, .cache_rows = 64}};
  return shape;
}

const std::vector<double> kCosts = {1.0, 2.0, 2.2, 3.0};

TEST(ChooseGroupTest, OneRowGoesToTheDecodeGroup) {
  EXPECT_EQ(choose_group(ladder(), kCosts, {.count = 1, .history_end = 0}), (GroupChoice{0, 1}));
  EXPECT_EQ(choose_group(ladder(), kCosts, {.count = 1, .history_end = 99}), (GroupChoice{0, 1}));
}

TEST(ChooseGroupTest, TakesTheSmallestHistoryThatCoversTheCells) {
  EXPECT_EQ(choose_group(ladder(), kCosts, {.count = 20, .history_end = 0}), (GroupChoice{1, 8}));
  EXPECT_EQ(choose_group(ladder(), kCosts, {.count = 20, .history_end = 1}), (GroupChoice{2, 8}));
  EXPECT_EQ(choose_group(ladder(), kCosts, {.count = 20, .history_end = 16}), (GroupChoice{2, 8}));
  EXPECT_EQ(choose_group(ladder(), kCosts, {.count = 20, .history_end = 17}), (GroupChoice{3, 8}));
}

TEST(ChooseGroupTest, FallsBackToDecodeBeyondTheLadder) {
  EXPECT_EQ(choose_group(ladder(), kCosts, {.count = 20, .history_end = 65}), (GroupChoice{0, 1}));
}

TEST(ChooseGroupTest, TakesAChunkOnlyWhereItIsCheaperPerRow) {
  // A chunk costs as much as two decode steps: worth it from three rows on.
  EXPECT_EQ(choose_group(ladder(), kCosts, {.count = 2, .history_end = 0}), (GroupChoice{0, 1}));
  EXPECT_EQ(choose_group(ladder(), kCosts, {.count = 3, .history_end = 0}), (GroupChoice{1, 3}));
  const std::vector<double> slow_chunks = {1.0, 6.0, 6.0, 6.0};
  EXPECT_EQ(choose_group(ladder(), slow_chunks, {.count = 6, .history_end = 0}),
            (GroupChoice{0, 1}));
  EXPECT_EQ(choose_group(ladder(), slow_chunks, {.count = 7, .history_end = 0}),
            (GroupChoice{1, 7}));
}

TEST(ChooseGroupTest, PackageWithDecodeAloneRunsRowByRow) {
  package::LayerShape shape = ladder();
  shape.groups.resize(1);
  EXPECT_EQ(choose_group(shape, std::vector<double>{1.0}, {.count = 20, .history_end = 3}),
            (GroupChoice{0, 1}));
}

TEST(PrefillCostTest, AddsUpTheStepsThatWouldBeTaken) {
  // 8 rows without history, 8 with 8 cells, 4 with 16 cells.
  EXPECT_DOUBLE_EQ(prefill_cost(ladder(), kCosts, {.count = 20, .history_end = 0}),
                   2.0 + 2.2 + 2.2);
  // Beyond the ladder: row by row.
  EXPECT_DOUBLE_EQ(prefill_cost(ladder(), kCosts, {.count = 5, .history_end = 70}), 5.0);
}

TEST(PrefillCostTest, ShowsThatAShortCachedBeginningCanCostMoreThanNone) {
  package::LayerShape shape = ladder();
  shape.groups.resize(2);  // Decode and one chunk without history.
  const std::vector<double> costs = {1.0, 2.0};
  EXPECT_GT(prefill_cost(shape, costs, {.count = 6, .history_end = 2}),
            prefill_cost(shape, costs, {.count = 8, .history_end = 0}));
}

TEST(PrefillHistoryTest, IsTheLongestHistoryOfAChunk) {
  EXPECT_EQ(prefill_history(ladder()), 64u);
  package::LayerShape decode_only = ladder();
  decode_only.groups.resize(1);
  EXPECT_EQ(prefill_history(decode_only), 0u);
}

TEST(CostModelTest, BeginsWithGuessesThatGrowWithRowsAndHistory) {
  const CostModel model(ladder());
  EXPECT_DOUBLE_EQ(model.costs()[0], 1.0);
  EXPECT_GT(model.costs()[1], 1.0);
  EXPECT_GT(model.costs()[3], model.costs()[1]);
}

TEST(CostModelTest, LearnsTheTimesOfTheGroupsThatRun) {
  CostModel model(ladder());
  for (int i = 0; i < 50; ++i) {
    model.measured(0, nanoseconds(1000));
    model.measured(1, nanoseconds(16'000));
  }
  EXPECT_NEAR(model.costs()[0], 1000.0, 1.0);
  EXPECT_NEAR(model.costs()[1], 16'000.0, 400.0);
  // A group that never ran is guessed in proportion to the decode group.
  EXPECT_NEAR(model.costs()[3], 1000.0 * CostModel(ladder()).costs()[3], 1.0);
}

TEST(CostModelTest, LeavesTheFirstStepOfAGroupOut) {
  CostModel model(ladder());
  model.measured(0, nanoseconds(1'000'000));
  EXPECT_DOUBLE_EQ(model.costs()[0], 1.0);
  model.measured(0, nanoseconds(1000));
  EXPECT_DOUBLE_EQ(model.costs()[0], 1000.0);
}

TEST(CostModelTest, OneSlowStepOfABusyMachineChangesLittle) {
  CostModel model(ladder());
  for (int i = 0; i < 10; ++i) model.measured(0, nanoseconds(1000));
  model.measured(0, nanoseconds(10'000));
  EXPECT_LT(model.costs()[0], 1500.0);
  model.measured(0, nanoseconds(900));
  EXPECT_LT(model.costs()[0], 1250.0);
}

TEST(CostModelTest, OneBadMeasurementIsForgottenInTheEnd) {
  CostModel model(ladder());
  model.measured(1, nanoseconds(2000));
  model.measured(1, nanoseconds(1'000'000'000));
  for (int i = 0; i < 20'000; ++i) model.measured(0, nanoseconds(1000));
  const GroupChoice choice = choose_group(ladder(), model.costs(), {.count = 8, .history_end = 0});
  EXPECT_EQ(choice.rows, 8u);
}

}  // namespace
}  // namespace axle::llm
