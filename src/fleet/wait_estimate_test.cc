#include "fleet/wait_estimate.h"

#include <gtest/gtest.h>

#include <vector>

namespace axle::fleet {
namespace {

using Work = std::vector<double>;

TEST(WaitEstimateTest, WorkIsThatOfThePromptAndOfTheTokensThatAreToBeExpected) {
  const WorkRates rates{.prompt_token_s = 0.001, .new_token_s = 0.05, .share_used = 0.5};
  EXPECT_DOUBLE_EQ(seconds_of_work(1000, 100, rates), 1.0 + 2.5);
  EXPECT_TRUE(rates.known());
  EXPECT_FALSE(WorkRates().known());
}

TEST(WaitEstimateTest, WhereAPlaceIsFreeNobodyWaits) {
  EXPECT_EQ(seconds_until_begin(Work{}, Work{}, 1), 0.0);
  EXPECT_EQ(seconds_until_begin(Work{5.0}, Work{}, 2), 0.0);
}

TEST(WaitEstimateTest, ThePlaceOfTheShortestTextComesFreeWhenAllHaveHadAsMuch) {
  EXPECT_DOUBLE_EQ(seconds_until_begin(Work{4.0}, Work{}, 1), 4.0);
  EXPECT_DOUBLE_EQ(seconds_until_begin(Work{4.0, 1.0, 9.0}, Work{}, 3), 3.0);
}

TEST(WaitEstimateTest, ThoseAheadTakeTheFirstPlaces) {
  EXPECT_DOUBLE_EQ(seconds_until_begin(Work{4.0}, Work{2.0, 3.0}, 1), 9.0);
  // 1 and 4 run for 2 s; 2 begins beside the 3 that are left and ends after 4 s more.
  EXPECT_DOUBLE_EQ(seconds_until_begin(Work{4.0, 1.0}, Work{2.0}, 2), 6.0);
}

TEST(WaitEstimateTest, TextsThatEndTogetherFreeTheirPlacesTogether) {
  EXPECT_DOUBLE_EQ(seconds_until_begin(Work{1.0, 1.0}, Work{5.0}, 2), 2.0);
  EXPECT_EQ(seconds_until_begin(Work{0.0}, Work{0.0, 0.0}, 1), 0.0);
}

TEST(WaitEstimateTest, RunningTextsBeyondThePlacesEndFirst) {
  EXPECT_DOUBLE_EQ(seconds_until_begin(Work{1.0, 2.0}, Work{}, 1), 3.0);
}

}  // namespace
}  // namespace axle::fleet
