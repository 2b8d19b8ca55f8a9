#include "text/utf8.h"

#include <gtest/gtest.h>

#include <vector>

namespace axle::text {
namespace {

std::string in_pieces_of(std::size_t size, std::string_view bytes) {
  Utf8Stream stream;
  std::string out;
  for (std::size_t at = 0; at < bytes.size(); at += size) stream.push(bytes.substr(at, size), out);
  stream.finish(out);
  return out;
}

TEST(Utf8Test, FindsTheFirstByteThatIsNotUtf8) {
  EXPECT_EQ(find_invalid_utf8(""), std::nullopt);
  EXPECT_EQ(find_invalid_utf8("añ漢👩‍👧\x7F"), std::nullopt);
  EXPECT_EQ(find_invalid_utf8("a\x80"), 1u);             // No character begins so.
  EXPECT_EQ(find_invalid_utf8("\xC0\xAF"), 0u);          // Longer than needed.
  EXPECT_EQ(find_invalid_utf8("ab\xED\xA0\x80"), 2u);    // A surrogate.
  EXPECT_EQ(find_invalid_utf8("\xF4\x90\x80\x80"), 0u);  // Past U+10FFFF.
  EXPECT_EQ(find_invalid_utf8("\xE6\xBC"), 0u);          // Cut off.
  EXPECT_EQ(find_invalid_utf8("\xF0\x9F\x98"
                              "a"),
            0u);
}

TEST(Utf8Test, HoldsACharacterBackUntilItIsWhole) {
  Utf8Stream stream;
  std::string out;
  stream.push("a\xF0\x9F", out);
  EXPECT_EQ(out, "a");
  stream.push("\x98", out);
  EXPECT_EQ(out, "a");
  stream.push("\x80z", out);
  EXPECT_EQ(out, "a\xF0\x9F\x98\x80z");
}

TEST(Utf8Test, ReplacesBytesAsSoonAsTheyCannotBecomeACharacter) {
  Utf8Stream stream;
  std::string out;
  stream.push("\xE6\xBC", out);
  EXPECT_EQ(out, "");
  stream.push("x", out);
  EXPECT_EQ(out, "\uFFFDx");
}

TEST(Utf8Test, ReplacesAnUnfinishedCharacterOnceAtTheEnd) {
  EXPECT_EQ(in_pieces_of(1, "ab\xF0\x9F\x98"), "ab\uFFFD");
}

TEST(Utf8Test, ReplacesEachLongestBrokenRunOnce) {
  // The Unicode Standard 15.0, tables 3-8 to 3-11.
  EXPECT_EQ(in_pieces_of(9, "\xC0\xAF\xE0\x80\xBF"), "\uFFFD\uFFFD\uFFFD\uFFFD\uFFFD");
  EXPECT_EQ(in_pieces_of(9, "\xED\xA0\x80\xED\xBF"), "\uFFFD\uFFFD\uFFFD\uFFFD\uFFFD");
  EXPECT_EQ(in_pieces_of(9,
                         "\xF4\x91\x92\x93\xFF"
                         "A"),
            "\uFFFD\uFFFD\uFFFD\uFFFD\uFFFD"
            "A");
  EXPECT_EQ(in_pieces_of(9,
                         "\xE1\x80\xE2\xF0\x91\x92\xF1\xBF"
                         "A"),
            "\uFFFD\uFFFD\uFFFD\uFFFD"
            "A");
}

TEST(Utf8Test, GivesTheSameTextHoweverTheBytesAreCut) {
  const std::string bytes = "añ\xFF漢\xE6\xBC👩‍👧\xF0\x9F\xC3\xC3é\xED\xA0z\xF4\x8F";
  const std::string whole = in_pieces_of(bytes.size(), bytes);
  EXPECT_EQ(find_invalid_utf8(whole), std::nullopt);
  for (std::size_t size = 1; size < bytes.size(); ++size) {
    EXPECT_EQ(in_pieces_of(size, bytes), whole) << size;
  }
}

}  // namespace
}  // namespace axle::text
