#include "llm/features.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

#include "package/shape.h"

namespace axle::llm {
namespace {

using ::testing::HasSubstr;

TEST(FeaturesTest, RefusalsTurnOffWhatNeedsThePoint) {
  package::LayerShape shape;
  shape.groups = {{.index = 0, .rows = 1, .history = 100, .cache_rows = 100},
                  {.index = 1, .rows = 8, .history = 0, .cache_rows = 1}};
  const auto refuse = [](ProbePoint point) {
    ProbeReport report;
    report[point] = finding_of(3.0);
    return report;
  };
  EXPECT_EQ(step_options({}, OrderChoice::kAuto), StepOptions());
  EXPECT_EQ(step_options(refuse(ProbePoint::kChained), OrderChoice::kAuto).order,
            StepOrder::kVendor);
  EXPECT_EQ(step_options(refuse(ProbePoint::kChained), OrderChoice::kChained).order,
            StepOrder::kChained);
  EXPECT_EQ(step_options(refuse(ProbePoint::kQueued), OrderChoice::kChained).submission,
            Submission::kBlocking);
  EXPECT_EQ(step_options({}, OrderChoice::kVendor).order, StepOrder::kVendor);
  EXPECT_EQ(step_options(refuse(ProbePoint::kQueued), OrderChoice::kAuto).submission,
            Submission::kBlocking);
  EXPECT_EQ(step_options(refuse(ProbePoint::kInPlace), OrderChoice::kAuto).cell_writes,
            CellWrites::kCopy);
  EXPECT_FALSE(step_options(refuse(ProbePoint::kWideHead), OrderChoice::kAuto).wide_head);

  const GeneratorOptions shared = generator_options(refuse(ProbePoint::kSharedCells), shape);
  EXPECT_EQ(shared.max_running, 1u);
  EXPECT_FALSE(shared.prefix_cache);
  EXPECT_TRUE(shared.clear_cells);
  EXPECT_EQ(shared.max_drafts, 0u);
  const GeneratorOptions order = generator_options(refuse(ProbePoint::kPermutedCells), shape);
  EXPECT_EQ(order.max_running, 1u);
  EXPECT_FALSE(order.clear_cells);
  EXPECT_FALSE(generator_options(refuse(ProbePoint::kMixedChunks), shape).mixed_steps);
  EXPECT_EQ(generator_options(refuse(ProbePoint::kChunkRows), shape).refused_groups,
            std::vector<std::size_t>{1});
  EXPECT_TRUE(generator_options(refuse(ProbePoint::kNanCells), shape).prefix_cache);
}

TEST(FeaturesTest, UpToTwoUnitsInTheLastPlaceAreClose) {
  EXPECT_EQ(finding_of(0.0).verdict, Verdict::kExact);
  EXPECT_EQ(finding_of(2.0).verdict, Verdict::kClose);
  EXPECT_EQ(finding_of(2.01).verdict, Verdict::kRefused);
  ProbeReport report;
  report[ProbePoint::kInPlace] = finding_of(310.0);
  EXPECT_THAT(describe(report), HasSubstr("refused: in place (310 ulp); untested: shared cells, "));
}

}  // namespace
}  // namespace axle::llm
