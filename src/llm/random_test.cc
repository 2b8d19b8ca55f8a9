#include "llm/random.h"

#include <gtest/gtest.h>

#include <set>
#include <vector>

namespace axle::llm {
namespace {

using Words = std::array<std::uint32_t, 4>;

// Known answers of Random123, file tests/kat_vectors, "philox4x32 10".
TEST(PhiloxTest, GivesTheKnownAnswers) {
  EXPECT_EQ(philox4x32({0, 0, 0, 0}, {0, 0}),
            (Words{0x6627e8d5u, 0xe169c58du, 0xbc57ac4cu, 0x9b00dbd8u}));
  constexpr std::uint32_t kOnes = 0xffffffffu;
  EXPECT_EQ(philox4x32({kOnes, kOnes, kOnes, kOnes}, {kOnes, kOnes}),
            (Words{0x408f276du, 0x41c83b0eu, 0xa20bc7c6u, 0x6d5451fdu}));
  EXPECT_EQ(
      philox4x32({0x243f6a88u, 0x85a308d3u, 0x13198a2eu, 0x03707344u}, {0xa4093822u, 0x299f31d0u}),
      (Words{0xd16cfe09u, 0x94fdccebu, 0x5001e420u, 0x24126ea1u}));
}

TEST(UniformForTokenTest, IsAFunctionOfSeedAndIndex) {
  EXPECT_EQ(uniform_for_token(1, 2), uniform_for_token(1, 2));
  std::set<double> seen;
  for (std::uint64_t seed = 0; seed < 50; ++seed) {
    for (std::uint64_t index = 0; index < 50; ++index) seen.insert(uniform_for_token(seed, index));
  }
  EXPECT_EQ(seen.size(), 2500u);
}

TEST(UniformForTokenTest, UsesAllBitsOfSeedAndIndex) {
  const std::uint64_t high = std::uint64_t{1} << 63;
  EXPECT_NE(uniform_for_token(0, 0), uniform_for_token(high, 0));
  EXPECT_NE(uniform_for_token(0, 0), uniform_for_token(0, high));
}

TEST(UniformForTokenTest, FillsTheIntervalFromZeroToOneEvenly) {
  constexpr std::size_t kBins = 64;
  constexpr std::size_t kDraws = 64'000;
  std::vector<double> bins(kBins, 0.0);
  for (std::uint64_t index = 0; index < kDraws; ++index) {
    const double value = uniform_for_token(42, index);
    ASSERT_GE(value, 0.0);
    ASSERT_LT(value, 1.0);
    bins[static_cast<std::size_t>(value * kBins)] += 1.0;
  }
  double chi_square = 0.0;
  const double expected = static_cast<double>(kDraws) / kBins;
  for (const double count : bins) chi_square += (count - expected) * (count - expected) / expected;
  EXPECT_LT(chi_square, 103.4);  // 63 degrees of freedom, 0.1 %.
}

}  // namespace
}  // namespace axle::llm
