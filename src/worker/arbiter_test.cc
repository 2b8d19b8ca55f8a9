#include "worker/arbiter.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <string>
#include <vector>

namespace axle::worker {
namespace {

using Candidates = std::vector<Arbiter::Candidate>;

class ArbiterTest : public ::testing::Test {
 protected:
  // Serves one unit; `seconds` says how long a unit of a flow takes.
  Arbiter::Flow serve(const Candidates& candidates) {
    const Arbiter::Flow flow = candidates[arbiter.choose(candidates)].flow;
    arbiter.account(flow, seconds[flow]);
    time[flow] += seconds[flow];
    return flow;
  }

  Arbiter arbiter;
  std::map<Arbiter::Flow, double> seconds = {{1, 0.434}, {2, 0.06}, {3, 0.06}};
  std::map<Arbiter::Flow, double> time;
};

TEST_F(ArbiterTest, TextsAreServedBetweenTheStepsOfAPicture) {
  Candidates both = {{1, 0}, {2, 0}};
  int in_a_row = 0;
  int pictures_in_a_row = 0;
  for (int i = 0; i < 1000; ++i) {
    const bool picture = serve(both) == 1;
    pictures_in_a_row = picture ? pictures_in_a_row + 1 : 0;
    in_a_row = picture ? 0 : in_a_row + 1;
    EXPECT_LE(pictures_in_a_row, 1);
    EXPECT_LE(in_a_row, 8);
  }
  EXPECT_NEAR(time[1] / time[2], 1.0, 0.02);
}

TEST_F(ArbiterTest, ThreeModelsGetAThirdEach) {
  const Candidates all = {{1, 0}, {2, 0}, {3, 0}};
  for (int i = 0; i < 3000; ++i) serve(all);
  EXPECT_NEAR(time[1] / time[2], 1.0, 0.02);
  EXPECT_NEAR(time[3] / time[2], 1.0, 0.02);
}

TEST_F(ArbiterTest, AModelThatComesBackNeitherCatchesUpNorWaits) {
  for (int i = 0; i < 100; ++i) serve({{1, 0}});
  // 43 s later the texts come: served at once, but only half of the time from then on.
  time.clear();
  EXPECT_EQ(serve({{1, 0}, {2, 0}}), 2u) << "It has had nothing yet.";
  for (int i = 0; i < 1000; ++i) serve({{1, 0}, {2, 0}});
  EXPECT_NEAR(time[1] / time[2], 1.0, 0.02);
}

TEST_F(ArbiterTest, AHigherPriorityGoesFirst) {
  for (int i = 0; i < 50; ++i) EXPECT_EQ(serve({{1, 5}, {2, 0}}), 1u);
  // Texts that waited do not get all that time back.
  time.clear();
  for (int i = 0; i < 2000; ++i) serve({{1, 0}, {2, 0}, {3, 0}});
  EXPECT_GT(time[3], 0.0);
}

TEST_F(ArbiterTest, WhatIsForgottenBeginsAnew) {
  for (int i = 0; i < 10; ++i) serve({{1, 0}, {2, 0}});
  arbiter.forget(1);
  EXPECT_EQ(arbiter.choose(Candidates{{1, 0}}), 0u);
}

}  // namespace
}  // namespace axle::worker
