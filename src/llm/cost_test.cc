#include "llm/cost.h"

#include <gtest/gtest.h>

#include <vector>

#include "llm/plan.h"

namespace axle::llm {
namespace {

using std::chrono::nanoseconds;

// Decode with 100 cells, chunks of 8 rows with 0, 16 and 64 cells.
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

// Measures so often that the first one, left out, does not count.
void measure(CostModel& model, std::size_t group, std::size_t rows, int cost, int times = 2) {
  for (int i = 0; i < times; ++i) model.measured(group, rows, nanoseconds(cost));
}

TEST(StepCostsTest, AreLinearBetweenTheMarks) {
  StepCosts costs(std::vector<double>{1.0, 5.0});
  EXPECT_DOUBLE_EQ(costs.of(1, 100), 5.0);
  costs.marks(1)[2] = 10.0;  // 4 rows
  costs.marks(1)[3] = 30.0;  // 8 rows
  EXPECT_DOUBLE_EQ(costs.of(1, 4), 10.0);
  EXPECT_DOUBLE_EQ(costs.of(1, 5), 15.0);
  EXPECT_DOUBLE_EQ(costs.of(1, 8), 30.0);
  EXPECT_DOUBLE_EQ(costs.of(1, 1), 5.0);
  EXPECT_DOUBLE_EQ(costs.of(1, 5000), 5.0);
}

TEST(CostModelTest, BeginsWithGuessesThatGrowWithRowsAndHistory) {
  const CostModel model(ladder());
  EXPECT_FALSE(model.knows_time());
  EXPECT_DOUBLE_EQ(model.costs().of(0, 1), 1.0);
  EXPECT_GT(model.costs().of(1, 8), 1.0);
  EXPECT_GT(model.costs().of(3, 8), model.costs().of(1, 8));
}

TEST(CostModelTest, LearnsTheTimesOfTheGroupsThatRun) {
  CostModel model(ladder());
  measure(model, 0, 1, 1000, 50);
  measure(model, 1, 8, 16'000, 50);
  EXPECT_TRUE(model.knows_time());
  EXPECT_NEAR(model.costs().of(0, 1), 1000.0, 1.0);
  EXPECT_NEAR(model.costs().of(1, 8), 16'000.0, 1.0);
  // A group that never ran is guessed in proportion to the decode group.
  EXPECT_NEAR(model.costs().of(3, 8), 1000.0 * CostModel(ladder()).costs().of(3, 8), 1.0);
}

TEST(CostModelTest, RowsThatWereNotTriedAreEstimatedFromThoseThatWere) {
  CostModel model(ladder());
  measure(model, 0, 1, 1000);
  measure(model, 1, 8, 15'100);
  // From just above a decode step to the full chunk.
  EXPECT_NEAR(model.costs().of(1, 1), 1100.0, 1.0);
  EXPECT_NEAR(model.costs().of(1, 2), 1100.0 + 14'000.0 / 7.0, 1.0);
  measure(model, 1, 2, 14'000);
  EXPECT_NEAR(model.costs().of(1, 2), 14'000.0, 1.0);
  EXPECT_NEAR(model.costs().of(1, 4), 14'000.0 + 1100.0 / 3.0, 1.0);
}

TEST(CostModelTest, LeavesTheFirstStepOfAGroupOut) {
  CostModel model(ladder());
  model.measured(0, 1, nanoseconds(1'000'000));
  EXPECT_DOUBLE_EQ(model.costs().of(0, 1), 1.0);
  model.measured(0, 1, nanoseconds(1000));
  EXPECT_DOUBLE_EQ(model.costs().of(0, 1), 1000.0);
}

TEST(CostModelTest, OneSlowStepOfABusyMachineChangesLittle) {
  CostModel model(ladder());
  measure(model, 0, 1, 1000, 10);
  model.measured(0, 1, nanoseconds(10'000));
  EXPECT_LT(model.costs().of(0, 1), 1500.0);
  model.measured(0, 1, nanoseconds(900));
  EXPECT_LT(model.costs().of(0, 1), 1250.0);
}

TEST(CostModelTest, OneBadMeasurementIsForgottenInTheEnd) {
  CostModel model(ladder());
  for (const std::size_t group : {1u, 2u, 3u}) measure(model, group, 8, 1'000'000'000);
  measure(model, 0, 1, 1000);
  const PendingRows eight{.count = 8, .history_end = 0};
  EXPECT_EQ(choose_group(ladder(), model.costs(), eight).rows, 1u);
  measure(model, 0, 1, 1000, 20'000);
  EXPECT_EQ(choose_group(ladder(), model.costs(), eight).rows, 8u);
}

TEST(CostModelTest, BeginsWithWhatWasMeasuredBefore) {
  CostModel model(ladder());
  model.seed(std::vector<CostSample>{{0, 1, nanoseconds(1000)},
                                     {1, 8, nanoseconds(5000)},
                                     {9, 1, nanoseconds(1)},
                                     {2, 0, nanoseconds(1)},
                                     {3, 8, nanoseconds(-1)}});
  EXPECT_TRUE(model.knows_time());
  EXPECT_DOUBLE_EQ(model.costs().of(0, 1), 1000.0);
  EXPECT_DOUBLE_EQ(model.costs().of(1, 8), 5000.0);
  EXPECT_NEAR(model.costs().of(3, 8), 1000.0 * CostModel(ladder()).costs().of(3, 8), 1.0);
  model.measured(0, 1, nanoseconds(500));  // No longer the first one.
  EXPECT_LT(model.costs().of(0, 1), 1000.0);
}

TEST(CostModelTest, RefusedGroupsAreNotTaken) {
  CostModel model(ladder());
  for (const std::size_t group : {1u, 2u, 3u}) model.refuse(group);
  const PendingRows eight{.count = 8, .history_end = 0};
  EXPECT_EQ(choose_group(ladder(), model.costs(), eight).rows, 1u);
  measure(model, 0, 1, 1'000'000'000);
  EXPECT_EQ(choose_group(ladder(), model.costs(), eight).rows, 1u);
  const std::vector<Candidate> candidates(3, {.pending = eight});
  EXPECT_EQ(plan_step(ladder(), model.costs(), candidates).group, 0u);
}

}  // namespace
}  // namespace axle::llm
