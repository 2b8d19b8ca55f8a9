#include "llm/speed.h"

#include <gtest/gtest.h>

namespace axle::llm {
namespace {

using std::chrono::milliseconds;

TEST(SpeedTest, NothingIsKnownBeforeTheFirstStep) {
  SpeedMeter meter;
  meter.add({});
  EXPECT_EQ(meter.speed().prompt_token_s, 0.0);
  EXPECT_EQ(meter.speed().new_token_s, 0.0);
}

TEST(SpeedTest, RowsOfAStepShareItsTime) {
  SpeedMeter meter;
  meter.add({.prompt_rows = 96, .answer_rows = 4, .new_tokens = 4, .time = milliseconds(200)});
  EXPECT_DOUBLE_EQ(meter.speed().prompt_token_s, 0.002);
  EXPECT_DOUBLE_EQ(meter.speed().new_token_s, 0.002);
  meter = {};
  meter.add({.prompt_rows = 100, .time = milliseconds(100)});
  meter.add({.answer_rows = 1, .new_tokens = 1, .time = milliseconds(50)});
  EXPECT_DOUBLE_EQ(meter.speed().prompt_token_s, 0.001);
  EXPECT_DOUBLE_EQ(meter.speed().new_token_s, 0.05);
}

TEST(SpeedTest, GuessesCostTimeAndGiveTokensWhereTheyHold) {
  SpeedMeter meter;
  meter.add({.answer_rows = 8, .new_tokens = 2, .time = milliseconds(80)});
  EXPECT_DOUBLE_EQ(meter.speed().new_token_s, 0.04);
}

TEST(SpeedTest, StepsOfLateCountMost) {
  SpeedMeter meter;
  meter.add({.answer_rows = 1, .new_tokens = 1, .time = milliseconds(9000)});
  for (int i = 0; i < 500; ++i) {
    meter.add({.answer_rows = 1, .new_tokens = 1, .time = milliseconds(10)});
  }
  EXPECT_NEAR(meter.speed().new_token_s, 0.01, 0.0001);
}

}  // namespace
}  // namespace axle::llm
