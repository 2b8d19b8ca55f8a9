#include "app/progress.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace axle::app {
namespace {

using testing::HasSubstr;
using testing::Not;

TEST(ProgressTest, SizesHaveTheUnitThatFits) {
  EXPECT_EQ(size_text(512), "512 B");
  EXPECT_EQ(size_text(1536), "1.5 KiB");
  EXPECT_EQ(size_text(98362432), "94 MiB");
  EXPECT_EQ(size_text(std::uint64_t{3} << 30), "3.0 GiB");
}

TEST(ProgressTest, BarShowsShareNoteAndTimeLeft) {
  const std::string text = bar_text("import", 0.5, "layer 3", std::chrono::seconds(10));
  EXPECT_THAT(text, HasSubstr("import [############............]  50 %"));
  EXPECT_THAT(text, HasSubstr("10 s left"));
  EXPECT_THAT(text, HasSubstr("layer 3"));
}

TEST(ProgressTest, NoGuessOfTheTimeLeftTooEarlyOrAtTheEnd) {
  EXPECT_THAT(bar_text("x", 0.5, "", std::chrono::seconds(1)), Not(HasSubstr("left")));
  EXPECT_THAT(bar_text("x", 1.0, "", std::chrono::seconds(9)), Not(HasSubstr("left")));
}

TEST(ProgressTest, SharesOutsideTheRangeAreHeldInside) {
  EXPECT_THAT(bar_text("x", 7.0, "", std::chrono::seconds(0)), HasSubstr("100 %"));
  EXPECT_THAT(bar_text("x", -1.0, "", std::chrono::seconds(0)), HasSubstr("  0 %"));
}

}  // namespace
}  // namespace axle::app
