#include "api/openai/reasoning.h"

#include <gtest/gtest.h>

#include <utility>

namespace axle::api {
namespace {

using Start = ReasoningSplitter::Start;
using Parts = std::pair<std::string, std::string>;

// The parts of `text`, pushed in pieces of `size` bytes.
Parts split(Start start, std::string_view text, std::size_t size) {
  ReasoningSplitter splitter(start);
  Parts parts;
  const auto add = [&parts](const AnswerText& more) {
    parts.first += more.reasoning;
    parts.second += more.content;
  };
  for (std::size_t i = 0; i < text.size(); i += size) add(splitter.push(text.substr(i, size)));
  add(splitter.finish());
  return parts;
}

void expect_split(Start start, std::string_view text, const Parts& wanted) {
  for (std::size_t size = 1; size <= text.size(); ++size) {
    EXPECT_EQ(split(start, text, size), wanted) << text << " in pieces of " << size;
  }
}

TEST(ReasoningSplitterTest, ThoughtsAndAnswerComeApartHoweverTheTextIsCut) {
  expect_split(Start::kMayThink, "<think>\nLet me\n\nsee.\n</think>\n\nIt is 4.\n",
               {"Let me\n\nsee.", "It is 4.\n"});
  expect_split(Start::kThinks, "Let me see.\n</think>\n\nIt is 4.", {"Let me see.", "It is 4."});
  expect_split(Start::kMayThink, "<think>\n\n</think>\n\nIt is 4.", {"", "It is 4."});
}

TEST(ReasoningSplitterTest, TextWithoutTagsIsTheAnswerUnchanged) {
  expect_split(Start::kMayThink, " \nIt is <thin 4.", {"", " \nIt is <thin 4."});
  expect_split(Start::kMayThink, "  \n", {"", "  \n"});
  expect_split(Start::kMayThink, "<thi", {"", "<thi"});
}

TEST(ReasoningSplitterTest, NothingIsLostWhereTheTagNeverCloses) {
  expect_split(Start::kMayThink, "<think>a < b\n\nso </thi", {"a < b\n\nso </thi", ""});
  expect_split(Start::kThinks, "hm", {"hm", ""});
  expect_split(Start::kMayThink, "<think>", {"", ""});
}

TEST(ReasoningSplitterTest, AModelThatDoesNotThinkKeepsItsTags) {
  expect_split(Start::kAnswer, "<think>a</think>b", {"", "<think>a</think>b"});
}

TEST(ReasoningSplitterTest, LaterTagsBelongToTheAnswer) {
  expect_split(Start::kMayThink, "<think>a</think>b <think>c</think>", {"a", "b <think>c</think>"});
}

TEST(ReasoningSplitterTest, AnAnswerIsShownAtOnce) {
  ReasoningSplitter splitter(Start::kMayThink);
  EXPECT_EQ(splitter.push("Hi").content, "Hi");
  EXPECT_EQ(splitter.push(" \n").content, " \n");
}

}  // namespace
}  // namespace axle::api
