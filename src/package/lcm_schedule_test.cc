#include "package/lcm_schedule.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace axle::package {
namespace {

using ::testing::ElementsAre;

TEST(LcmScheduleTest, StepsLieOnTheDistilledGrid) {
  EXPECT_THAT(lcm_timesteps(1), ElementsAre(999));
  EXPECT_THAT(lcm_timesteps(2), ElementsAre(999, 499));
  EXPECT_THAT(lcm_timesteps(3), ElementsAre(999, 679, 339));
  EXPECT_THAT(lcm_timesteps(4), ElementsAre(999, 759, 499, 259));
  EXPECT_THAT(lcm_timesteps(5), ElementsAre(999, 799, 599, 399, 199));
  EXPECT_THAT(lcm_timesteps(6), ElementsAre(999, 839, 679, 499, 339, 179));
  EXPECT_THAT(lcm_timesteps(7), ElementsAre(999, 859, 719, 579, 439, 299, 159));
  EXPECT_THAT(lcm_timesteps(8), ElementsAre(999, 879, 759, 639, 499, 379, 259, 139));
  EXPECT_EQ(lcm_timesteps(50).back(), 19);
}

TEST(LcmScheduleTest, TheTimestepsOfSeveralRunsAreEachTheirsOnceAndFall) {
  EXPECT_THAT(all_lcm_timesteps(1), ElementsAre(999));
  EXPECT_THAT(all_lcm_timesteps(4), ElementsAre(999, 759, 679, 499, 339, 259));
}

}  // namespace
}  // namespace axle::package
