#include "text/byte_level.h"

#include <gtest/gtest.h>

#include <set>

namespace axle::text {
namespace {

TEST(ByteLevelTest, PrintableBytesAreThemselves) {
  EXPECT_EQ(byte_level("Tea!"), "Tea!");
  EXPECT_EQ(byte_level("\xe9"), "\u00e9");
}

TEST(ByteLevelTest, OtherBytesFollowFromU0100On) {
  EXPECT_EQ(byte_level({"\0", 1}), "\u0100");
  EXPECT_EQ(byte_level("a b\n"), "a\u0120b\u010a");
  EXPECT_EQ(byte_level("\x7f\xa0\xad"), "\u0121\u0142\u0143");
}

TEST(ByteLevelTest, NoTwoBytesShareACharacter) {
  std::set<std::string> characters;
  for (int byte = 0; byte < 256; ++byte) {
    const char c = static_cast<char>(byte);
    characters.insert(byte_level({&c, 1}));
  }
  EXPECT_EQ(characters.size(), 256u);
}

}  // namespace
}  // namespace axle::text
