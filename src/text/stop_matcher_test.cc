#include "text/stop_matcher.h"

#include <gtest/gtest.h>

#include <optional>
#include <random>

namespace axle::text {
namespace {

struct Outcome {
  std::string shown;
  bool stopped = false;
};

Outcome run(std::vector<std::string> stops, const std::vector<std::string>& pieces) {
  StopMatcher matcher(std::move(stops));
  Outcome outcome;
  for (const std::string& piece : pieces) outcome.shown += matcher.push(piece).emit;
  outcome.shown += matcher.finish();
  outcome.stopped = matcher.stopped();
  return outcome;
}

TEST(StopMatcherTest, GivesEverythingAtOnceWithoutStopStrings) {
  StopMatcher matcher({});
  EXPECT_EQ(matcher.push("abc").emit, "abc");
  EXPECT_EQ(matcher.finish(), "");
  EXPECT_FALSE(matcher.stopped());
}

TEST(StopMatcherTest, IgnoresEmptyStopStrings) {
  const Outcome outcome = run({""}, {"abc"});
  EXPECT_EQ(outcome.shown, "abc");
  EXPECT_FALSE(outcome.stopped);
}

TEST(StopMatcherTest, StopsInsideAPiece) {
  StopMatcher matcher({"END"});
  const StopMatcher::Step step = matcher.push("textENDmore");
  EXPECT_EQ(step.emit, "text");
  EXPECT_TRUE(step.stopped);
  EXPECT_EQ(matcher.matched(), "END");
}

TEST(StopMatcherTest, StopsAcrossPieces) {
  StopMatcher matcher({"\nUser:"});
  EXPECT_EQ(matcher.push("Hi.\nUs").emit, "Hi.");
  EXPECT_EQ(matcher.push("er").emit, "");
  const StopMatcher::Step step = matcher.push(": next");
  EXPECT_EQ(step.emit, "");
  EXPECT_TRUE(step.stopped);
}

TEST(StopMatcherTest, ReleasesHeldTextThatDoesNotMatch) {
  StopMatcher matcher({"\nUser:"});
  EXPECT_EQ(matcher.push("a\nUse").emit, "a");
  EXPECT_EQ(matcher.push("ful").emit, "\nUseful");
}

TEST(StopMatcherTest, ReleasesHeldTextAtTheEnd) {
  StopMatcher matcher({"abc"});
  EXPECT_EQ(matcher.push("xab").emit, "x");
  EXPECT_EQ(matcher.finish(), "ab");
  EXPECT_FALSE(matcher.stopped());
}

TEST(StopMatcherTest, HoldsOnlyWhatMayStillMatchAfterAFalseStart) {
  const Outcome outcome = run({"aab"}, {"a", "a", "a", "b", "c"});
  EXPECT_EQ(outcome.shown, "a");
  EXPECT_TRUE(outcome.stopped);
}

TEST(StopMatcherTest, TheStopStringThatBeginsFirstWins) {
  EXPECT_EQ(run({"bc", "abcd"}, {"xabcd"}).shown, "x");
  EXPECT_EQ(run({"bc", "abcd"}, {"xabce"}).shown, "xa");
  EXPECT_EQ(run({"abc", "ab"}, {"xabc"}).shown, "x");
}

TEST(StopMatcherTest, AStopStringThatWaitedForALongerOneCountsAtTheEnd) {
  const Outcome outcome = run({"bc", "abcd"}, {"xabc"});
  EXPECT_EQ(outcome.shown, "xa");
  EXPECT_TRUE(outcome.stopped);
}

TEST(StopMatcherTest, DropsAllTextAfterAStop) {
  StopMatcher matcher({"X"});
  EXPECT_TRUE(matcher.push("aX").stopped);
  const StopMatcher::Step later = matcher.push("b");
  EXPECT_EQ(later.emit, "");
  EXPECT_TRUE(later.stopped);
  EXPECT_EQ(matcher.finish(), "");
}

TEST(StopMatcherTest, FindsStopStringsOfSeveralByteCharacters) {
  const Outcome outcome = run({"。"}, {"漢", "字。", "後"});
  EXPECT_EQ(outcome.shown, "漢字");
  EXPECT_TRUE(outcome.stopped);
}

// The text before the first stop string, by looking at the whole text.
std::optional<std::string> before_stop(const std::string& text,
                                       const std::vector<std::string>& stops) {
  std::size_t first = std::string::npos;
  for (const std::string& stop : stops) first = std::min(first, text.find(stop));
  if (first == std::string::npos) return std::nullopt;
  return text.substr(0, first);
}

TEST(StopMatcherTest, AgreesWithASearchOfTheWholeTextHoweverItIsCut) {
  std::mt19937 random(7);
  std::uniform_int_distribution<int> letter('a', 'c');
  std::uniform_int_distribution<int> length(1, 5);
  const auto word = [&](int size) {
    std::string text;
    for (int i = 0; i < size; ++i) text += static_cast<char>(letter(random));
    return text;
  };
  for (int round = 0; round < 3000; ++round) {
    const std::vector<std::string> stops = {word(length(random)), word(length(random))};
    std::vector<std::string> pieces;
    std::string whole;
    for (int i = 0; i < 5; ++i) {
      pieces.push_back(word(length(random)));
      whole += pieces.back();
    }
    const Outcome outcome = run(stops, pieces);
    const std::optional<std::string> wanted = before_stop(whole, stops);
    EXPECT_EQ(outcome.stopped, wanted.has_value());
    EXPECT_EQ(outcome.shown, wanted.value_or(whole)) << whole << " " << stops[0] << " " << stops[1];
  }
}

}  // namespace
}  // namespace axle::text
