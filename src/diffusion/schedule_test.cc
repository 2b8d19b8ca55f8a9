// Numbers of the schedule, as computed from its definition in double precision by a script apart.
#include "diffusion/schedule.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <utility>
#include <vector>

namespace axle::diffusion {
namespace {

using ::testing::ElementsAre;

TEST(ScheduleTest, PowersFallAsTheSquareRootsOfBetaRiseEvenly) {
  const std::pair<std::int32_t, double> wanted[] = {
      {0, 0.999150000000},   {19, 0.982243991096},  {139, 0.843140218790}, {259, 0.658975526891},
      {379, 0.458509329466}, {499, 0.277669650456}, {639, 0.125910520725}, {759, 0.052212928294},
      {879, 0.017534159433}, {999, 0.004660098513}};
  for (const auto& [timestep, alpha] : wanted) EXPECT_NEAR(alpha_bar(timestep), alpha, 1e-12);
  double sum = 0.0;
  for (std::int32_t i = 0; i < kTimesteps; ++i) sum += alpha_bar(i);
  EXPECT_NEAR(sum, 373.376630569, 1e-9);
}

TEST(ScheduleTest, PowersEqualTheVendorsConstants) {
  // Source: AXERA-TECH/ax-llm, sd15_image_generator.cpp, float constants by their bits.
  const std::pair<std::int32_t, float> wanted[] = {{0, 0.9991499782f},
                                                   {259, 0.6589752436f},
                                                   {499, 0.2776694298f},
                                                   {759, 0.0522128902f},
                                                   {999, 0.0046600951f}};
  for (const auto& [timestep, alpha] : wanted) {
    EXPECT_NEAR(alpha_bar(timestep) / static_cast<double>(alpha), 1.0, 1e-6);
  }
}

TEST(ScheduleTest, StrengthKeepsTheLastSteps) {
  EXPECT_THAT(kept_timesteps(4, 1.0), ElementsAre(999, 759, 499, 259));
  EXPECT_THAT(kept_timesteps(4, 0.75), ElementsAre(759, 499, 259));
  EXPECT_THAT(kept_timesteps(4, 0.5), ElementsAre(499, 259));
  EXPECT_THAT(kept_timesteps(4, 0.49), ElementsAre(259));
  EXPECT_THAT(kept_timesteps(4, 0.0), ElementsAre(259)) << "At least one.";
  EXPECT_THAT(kept_timesteps(1, 0.3), ElementsAre(999));
  EXPECT_THAT(kept_timesteps(8, 0.3), ElementsAre(259, 139));
  EXPECT_THAT(kept_timesteps(4, 7.0), ElementsAre(999, 759, 499, 259));
}

TEST(ScheduleTest, TheVendorsFourTimestepsAllowOneTwoAndFourSteps) {
  const std::vector<std::int32_t> vendor = {999, 759, 499, 259};
  EXPECT_THAT(step_counts(vendor), ElementsAre(1, 2, 4));
  EXPECT_THAT(step_counts(lcm_timesteps(8)), ElementsAre(1, 2, 4, 8));
  EXPECT_THAT(step_counts({}), ElementsAre());
}

struct Fused {
  std::int32_t timestep;
  std::int32_t next;
  double sample;
  double predicted;
  double fresh;
};

TEST(ScheduleTest, OneStepAsOneSumEqualsTheTable) {
  const Fused wanted[] = {{999, -1, 14.6488135287, -14.6146412110, 0.0},
                          {999, 499, 7.7190998275, -7.7010929404, 0.8499001998},
                          {499, -1, 1.8977359874, -1.6128861862, 0.0},
                          {999, 759, 3.3472756335, -3.3394672082, 0.9735435644},
                          {759, 499, 2.3060843096, -2.2450735363, 0.8499001998},
                          {499, 259, 1.5405309799, -1.3092975806, 0.5839730072},
                          {259, -1, 1.2318713705, -0.7193796069, 0.0}};
  for (const Fused& row : wanted) {
    const StepFactors step = step_factors(row.timestep, row.next);
    EXPECT_NEAR(step.keep * step.from_sample / row.sample, 1.0, 1e-6) << row.timestep;
    EXPECT_NEAR(step.keep * step.from_noise / row.predicted, 1.0, 1e-6) << row.timestep;
    EXPECT_NEAR(step.fresh, row.fresh, 1e-7) << row.timestep;
  }
}

// A sample of 1, a predicted noise of 0.25 and new noise of 0.5 in every step.
std::vector<double> trajectory(const std::vector<std::int32_t>& timesteps, double sample) {
  std::vector<double> values;
  for (std::size_t i = 0; i < timesteps.size(); ++i) {
    const std::int32_t next = i + 1 < timesteps.size() ? timesteps[i + 1] : -1;
    const StepFactors step = step_factors(timesteps[i], next);
    const double picture = step.from_sample * sample + step.from_noise * 0.25;
    sample = step.keep * picture + step.fresh * 0.5;
    values.push_back(sample);
  }
  return values;
}

TEST(ScheduleTest, TrajectoriesOfOneNumberEqualTheReference) {
  const auto expect = [](const std::vector<double>& found, const std::vector<double>& wanted) {
    ASSERT_EQ(found.size(), wanted.size());
    for (std::size_t i = 0; i < wanted.size(); ++i) EXPECT_NEAR(found[i], wanted[i], 2e-6 * 13);
  };
  expect(trajectory(lcm_timesteps(1), 1.0), {10.9951532259});
  expect(trajectory(lcm_timesteps(2), 1.0), {6.2187766923, 11.3983747797});
  expect(trajectory(lcm_timesteps(4), 1.0),
         {2.9991806136, 6.7800450706, 10.4095315846, 12.6433590373});
  const NoisyFactors start = noisy_factors(499);
  const double noisy = start.clean * 0.8 + start.noisy * -0.3;
  EXPECT_NEAR(noisy, 0.1665848906, 1e-7);
  expect(trajectory({499, 259}, noisy), {0.2212912931, 0.0927575068});
}

TEST(ScheduleTest, TimestepsThatDoNotFallAreRefused) {
  const auto check = [](const std::vector<std::int32_t>& timesteps) {
    return check_timesteps(timesteps).code();
  };
  EXPECT_EQ(check({999, 499}), Code::kOk);
  EXPECT_EQ(check({}), Code::kInvalidArgument);
  EXPECT_EQ(check({499, 499}), Code::kInvalidArgument);
  EXPECT_EQ(check({499, 999}), Code::kInvalidArgument);
  EXPECT_EQ(check({1000}), Code::kInvalidArgument);
  EXPECT_EQ(check({-1}), Code::kInvalidArgument);
}

}  // namespace
}  // namespace axle::diffusion
