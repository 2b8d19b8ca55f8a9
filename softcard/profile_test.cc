#include "softcard/profile.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <string>

#include "softcard/codes.h"

namespace axle::softcard {
namespace {

using testing::HasSubstr;

std::string refusal(std::string_view text) {
  const Result<Profile> profile = parse_profile(text);
  EXPECT_FALSE(profile.ok()) << "accepted: " << text;
  if (profile.ok()) return "";
  EXPECT_EQ(profile.status().code(), Code::kInvalidArgument);
  return profile.status().message();
}

TEST(ProfileTest, AnEmptyProfileIsOneCardOfEightGigabytesOnBusOne) {
  const Result<Profile> profile = parse_profile("");
  ASSERT_TRUE(profile.ok()) << profile.status();
  ASSERT_EQ(profile->cards.size(), 1u);
  EXPECT_EQ(profile->cards[0].bus, 1);
  EXPECT_EQ(profile->cards[0].memory_bytes, std::uint64_t{7040} << 20);
  EXPECT_FALSE(profile->timing.paced());
  EXPECT_TRUE(profile->faults.empty());
}

TEST(ProfileTest, CardsAreSortedByBusNumber) {
  const Result<Profile> profile = parse_profile(R"(
[[card]]
bus = 129
memory_mib = 3072
uid = "0x10"
[[card]]
bus = 3
leak_on_kill = true
)");
  ASSERT_TRUE(profile.ok()) << profile.status();
  ASSERT_EQ(profile->cards.size(), 2u);
  EXPECT_EQ(profile->cards[0].bus, 3);
  EXPECT_TRUE(profile->cards[0].leak_on_kill);
  EXPECT_EQ(profile->cards[1].memory_bytes, std::uint64_t{3072} << 20);
  EXPECT_EQ(profile->cards[1].uid, 0x10u);
}

TEST(ProfileTest, ANamedPaceSetsTheTimingAndSingleValuesChangeIt) {
  const Result<Profile> profile =
      parse_profile("pace = \"llm8850-pi5\"\n[timing]\ncopy_bytes_per_second = 1e6\n");
  ASSERT_TRUE(profile.ok()) << profile.status();
  EXPECT_DOUBLE_EQ(profile->timing.call_seconds, 0.457e-3);
  EXPECT_DOUBLE_EQ(profile->timing.flops_per_second, 4.6e12);
  EXPECT_DOUBLE_EQ(profile->timing.copy_bytes_per_second, 1e6);
}

TEST(ProfileTest, GraphsAreComputedInThePrecisionThatIsNamed) {
  EXPECT_EQ(parse_profile("")->graph_precision, GraphPrecision::kFloat);
  EXPECT_EQ(parse_profile("graph_precision = \"f32\"")->graph_precision, GraphPrecision::kFloat);
  EXPECT_EQ(parse_profile("graph_precision = \"bf16\"")->graph_precision,
            GraphPrecision::kBfloat16);
  EXPECT_THAT(parse_profile("graph_precision = \"half\"").status().message(),
              HasSubstr("known: f32, bf16"));
}

TEST(ProfileTest, QuirksAreNamedAndUnknownOnesRefused) {
  const Result<Profile> profile = parse_profile("quirks = [\"in_place\", \"cell_order\"]\n");
  ASSERT_TRUE(profile.ok()) << profile.status();
  EXPECT_TRUE(profile->quirks.has(Quirk::kInPlace));
  EXPECT_TRUE(profile->quirks.has(Quirk::kCellOrder));
  EXPECT_FALSE(profile->quirks.has(Quirk::kWideHead));
  EXPECT_TRUE(parse_profile("")->quirks.none());
  EXPECT_THAT(refusal("\nquirks = [\"odd\"]"), HasSubstr("line 2: unknown quirk \"odd\"; known: "));
  EXPECT_THAT(refusal("quirks = [1]"), HasSubstr("unknown quirk; known: hidden_cells, "));
  EXPECT_THAT(refusal("quirks = \"in_place\""), HasSubstr("must be a list of names"));
}

TEST(ProfileTest, AFaultTakesTheUsualCodeOfItsCall) {
  const Result<Profile> profile = parse_profile(R"(
[[fault]]
call = "SetDevice"
action = "sleep_then_error"
seconds = 50
[[fault]]
call = "EngineLoadFromFile"
at = 3
count = 0
action = "error"
code = 0x80300701
once = true
process = "axle"
[[fault]]
after_executes = 100
action = "die"
)");
  ASSERT_TRUE(profile.ok()) << profile.status();
  ASSERT_EQ(profile->faults.size(), 3u);
  EXPECT_EQ(profile->faults[0].code, kDevicePorts);
  EXPECT_DOUBLE_EQ(profile->faults[0].seconds, 50.0);
  EXPECT_EQ(profile->faults[1].code, kEngineFail);
  EXPECT_EQ(profile->faults[1].first, 3u);
  EXPECT_EQ(profile->faults[1].count, 0u);
  EXPECT_TRUE(profile->faults[1].once);
  EXPECT_EQ(profile->faults[2].call, CallId::kEngineExecute);
  EXPECT_EQ(profile->faults[2].after_executes, 100u);
  EXPECT_NE(profile->faults[0].key, profile->faults[1].key);
}

TEST(ProfileTest, AMistakeIsRefusedWithItsLineAndReason) {
  EXPECT_THAT(refusal("threads = 2\nspeed = 3\n"),
              HasSubstr("line 2: unknown key \"speed\" in the profile"));
  EXPECT_THAT(refusal("threads = \"two\""), HasSubstr("line 1: threads must be a whole number"));
  EXPECT_THAT(refusal("[[card]]\nbus = 0\n"), HasSubstr("line 2: bus must be"));
  EXPECT_THAT(refusal("[[card]]\n[[card]]\n"), HasSubstr("two cards have bus 1"));
  EXPECT_THAT(refusal("pace = \"fast\""), HasSubstr("known: none, llm8850-pi5"));
  EXPECT_THAT(refusal("a ="), HasSubstr("line 1"));
}

TEST(ProfileTest, AFaultThatMakesNoSenseIsRefused) {
  EXPECT_THAT(refusal("[[fault]]\ncall = \"Malloc\"\n"), HasSubstr("needs \"action\""));
  EXPECT_THAT(refusal("[[fault]]\naction = \"explode\"\n"), HasSubstr("unknown action"));
  EXPECT_THAT(refusal("[[fault]]\naction = \"hang\"\ncall = \"Sing\"\n"),
              HasSubstr("no fault at call \"Sing\""));
  EXPECT_THAT(refusal("[[fault]]\naction = \"sleep\"\n"), HasSubstr("needs \"seconds\""));
  EXPECT_THAT(refusal("[[fault]]\naction = \"nan\"\ncall = \"Malloc\"\n"),
              HasSubstr("EngineExecute"));
  EXPECT_THAT(refusal("[[fault]]\naction = \"hang\"\nat = 1\nafter_executes = 1\n"),
              HasSubstr("either"));
  EXPECT_THAT(refusal("[[fault]]\naction = \"error\"\ncode = \"zz\"\n"), HasSubstr("hexadecimal"));
}

TEST(ProfileTest, TheTemperatureFollowsItsPoints) {
  const Result<Profile> profile = parse_profile("[[card]]\ntemperature = [[10, 40.0], [20, 80]]\n");
  ASSERT_TRUE(profile.ok()) << profile.status();
  const TemperatureCurve& curve = profile->cards[0].temperature;
  EXPECT_DOUBLE_EQ(temperature_at(curve, 0), 40.0);
  EXPECT_DOUBLE_EQ(temperature_at(curve, 15), 60.0);
  EXPECT_DOUBLE_EQ(temperature_at(curve, 99), 80.0);
  EXPECT_THAT(refusal("[[card]]\ntemperature = [[10, 40], [5, 50]]\n"), HasSubstr("rising"));
  EXPECT_THAT(refusal("[[card]]\ntemperature = 500\n"), HasSubstr("125"));
}

class ProfileEnvironmentTest : public testing::Test {
 protected:
  void TearDown() override {
    ::unsetenv("AXLE_SOFTCARD");
    ::unsetenv("AXLE_SOFTCARD_THREADS");
  }
};

TEST_F(ProfileEnvironmentTest, TextAndThreadsCanComeFromTheEnvironment) {
  ::setenv("AXLE_SOFTCARD", "toml:threads = 3\nskip_arithmetic = true", 1);
  ::setenv("AXLE_SOFTCARD_THREADS", "5", 1);
  const Result<Profile> profile = profile_from_environment();
  ASSERT_TRUE(profile.ok()) << profile.status();
  EXPECT_EQ(profile->threads, 5);
  EXPECT_TRUE(profile->skip_arithmetic);
}

TEST_F(ProfileEnvironmentTest, AMissingFileAndAWrongNumberAreErrors) {
  ::setenv("AXLE_SOFTCARD", "/no/such/profile.toml", 1);
  EXPECT_EQ(profile_from_environment().status().code(), Code::kNotFound);
  ::setenv("AXLE_SOFTCARD", "", 1);
  ::setenv("AXLE_SOFTCARD_THREADS", "many", 1);
  EXPECT_EQ(profile_from_environment().status().code(), Code::kInvalidArgument);
}

}  // namespace
}  // namespace axle::softcard
