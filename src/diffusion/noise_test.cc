// Numbers of PyTorch 1.13 on a CPU, as a script apart from it computes them.
#include "diffusion/noise.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <numeric>
#include <vector>

namespace axle::diffusion {
namespace {

constexpr std::size_t kLatent = 4 * 64 * 64;
constexpr double kTolerance = 2e-6;

TEST(TorchRandomTest, BitsAreThoseOfTheMersenneTwister) {
  TorchRandom random(0);
  for (const std::uint32_t wanted : {2357136044u, 2546248239u, 3071714933u, 3626093760u}) {
    EXPECT_EQ(random.next(), wanted);
  }
}

TEST(TorchRandomTest, OnlyTheLowBitsOfTheSeedCount) {
  EXPECT_EQ(TorchRandom(7).next(), TorchRandom((std::uint64_t{1} << 32) + 7).next());
  EXPECT_NE(TorchRandom(7).next(), TorchRandom(8).next());
}

struct Draws {
  std::uint64_t seed;
  std::vector<double> first;
  double last;
  double mean;
  double deviation;
  std::vector<double> second;
};

TEST(TorchRandomTest, NormalNumbersAreThoseOfTorchRandn) {
  const Draws wanted[] = {{0,
                           {-1.125840, -1.152360, -0.250579, -0.433879},
                           -1.078208,
                           -0.007575,
                           1.004208,
                           {-0.551836, 1.539807}},
                          {42,
                           {1.926915, 1.487284, 0.900717, -2.105521},
                           -0.293406,
                           0.009141,
                           1.004021,
                           {-1.304659, 1.450704}},
                          {1234,
                           {-0.111719, -0.496590, 0.163074, -0.881688},
                           1.579863,
                           -0.000401,
                           1.011368,
                           {-0.878456, -0.288318}},
                          {4294967295,
                           {-2.664297, -1.091049, 0.451447, 0.228361},
                           -1.457885,
                           0.010694,
                           1.000987,
                           {0.495979, -0.417122}}};
  for (const Draws& draws : wanted) {
    TorchRandom random(draws.seed);
    std::vector<float> values(kLatent);
    random.normal(values);
    for (std::size_t i = 0; i < draws.first.size(); ++i) {
      EXPECT_NEAR(values[i], draws.first[i], kTolerance) << draws.seed;
    }
    EXPECT_NEAR(values.back(), draws.last, kTolerance);
    const double mean = std::accumulate(values.begin(), values.end(), 0.0) / kLatent;
    double power = 0.0;
    for (const float value : values) power += (value - mean) * (value - mean);
    EXPECT_NEAR(mean, draws.mean, 1e-6);
    EXPECT_NEAR(std::sqrt(power / (kLatent - 1)), draws.deviation, 1e-6);
    random.normal(values);
    for (std::size_t i = 0; i < draws.second.size(); ++i) {
      EXPECT_NEAR(values[i], draws.second[i], kTolerance) << draws.seed;
    }
  }
}

TEST(TorchRandomTest, HalfPrecisionDrawsOtherNumbers) {
  std::vector<float> values(kLatent);
  TorchRandom(0).normal_half(values);
  const float fresh[] = {-0.90087890625f, 0.481201171875f, 1.1982421875f, 0.9052734375f};
  for (std::size_t i = 0; i < 4; ++i) EXPECT_EQ(values[i], fresh[i]);

  TorchRandom random(0);
  random.normal(values);
  random.normal_half(values);
  const float after[] = {-0.59765625f, 0.54248046875f, 1.1630859375f, 0.11968994140625f};
  for (std::size_t i = 0; i < 4; ++i) EXPECT_EQ(values[i], after[i]);
  random.normal_half(values);
  const float next[] = {-0.0919189453125f, 0.0223846435546875f, 0.68701171875f, 0.99658203125f};
  for (std::size_t i = 0; i < 4; ++i) EXPECT_EQ(values[i], next[i]);
}

TEST(TorchRandomTest, ALengthThatIsNoMultipleOf16RedoesItsLastBlock) {
  std::vector<float> whole(32);
  std::vector<float> odd(20);
  TorchRandom(5).normal(whole);
  TorchRandom random(5);
  random.normal(odd);
  for (std::size_t i = 0; i < 4; ++i) EXPECT_EQ(odd[i], whole[i]);
  TorchRandom other(5);
  for (int i = 0; i < 20; ++i) other.next();
  std::vector<float> last(16);
  other.normal(last);
  for (std::size_t i = 0; i < 16; ++i) EXPECT_EQ(odd[i + 4], last[i]);
}

TEST(SlerpTest, TheEndsAreTheNoisesAndTheMiddleIsAsStrong) {
  std::vector<float> left(kLatent);
  std::vector<float> right(kLatent);
  TorchRandom(1).normal(left);
  TorchRandom(2).normal(right);
  const std::vector<float> at_left = slerp(left, right, 0.0);
  const std::vector<float> at_right = slerp(left, right, 1.0);
  const std::vector<float> middle = slerp(left, right, 0.5);
  double power = 0.0;
  for (std::size_t i = 0; i < kLatent; ++i) {
    ASSERT_NEAR(at_left[i], left[i], 1e-6);
    ASSERT_NEAR(at_right[i], right[i], 1e-6);
    power += middle[i] * middle[i];
  }
  EXPECT_NEAR(power / kLatent, 1.0, 0.03) << "A straight mixture would have half of it.";
}

TEST(SlerpTest, ParallelNoisesAreMixedStraight) {
  const std::vector<float> one(16, 1.0f);
  const std::vector<float> same = slerp(one, one, 0.25);
  for (const float value : same) EXPECT_NEAR(value, 1.0f, 1e-6);
  const std::vector<float> none(16, 0.0f);
  EXPECT_EQ(slerp(none, none, 0.5), none);
}

}  // namespace
}  // namespace axle::diffusion
