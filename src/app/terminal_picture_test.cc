#include "app/terminal_picture.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <string>

#include "base/base64.h"
#include "image/encode.h"

namespace axle::app {
namespace {

using ::testing::ContainsRegex;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::StartsWith;

PictureProtocol protocol_in(const std::map<std::string, std::string>& environment) {
  return protocol_of([&environment](const char* name) -> const char* {
    const auto found = environment.find(name);
    return found == environment.end() ? nullptr : found->second.c_str();
  });
}

TEST(TerminalPictureTest, TerminalsAreKnownByTheirVariables) {
  EXPECT_EQ(protocol_in({{"TERM", "xterm-kitty"}}), PictureProtocol::kKitty);
  EXPECT_EQ(protocol_in({{"TERM", "xterm-ghostty"}}), PictureProtocol::kKitty);
  EXPECT_EQ(protocol_in({{"TERM_PROGRAM", "iTerm.app"}}), PictureProtocol::kITerm2);
  EXPECT_EQ(protocol_in({{"TERM_PROGRAM", "WezTerm"}}), PictureProtocol::kITerm2);
  EXPECT_EQ(protocol_in({{"TERM", "foot"}}), PictureProtocol::kSixel);
  EXPECT_EQ(protocol_in({{"TERM", "xterm-256color"}}), PictureProtocol::kNone);
  EXPECT_EQ(protocol_in({{"TERM", "xterm-kitty"}, {"TMUX", "/tmp/tmux"}}), PictureProtocol::kNone);
}

TEST(TerminalPictureTest, SixelIsOneOfTheAttributesThatATerminalTells) {
  EXPECT_TRUE(attributes_have_sixel("\x1b[?62;4;22c"));
  EXPECT_TRUE(attributes_have_sixel("\x1b[?4c"));
  EXPECT_FALSE(attributes_have_sixel("\x1b[?62;44;22c"));
  EXPECT_FALSE(attributes_have_sixel("\x1b[?62;4"));
  EXPECT_FALSE(attributes_have_sixel(""));
}

TEST(TerminalPictureTest, ProtocolsHaveNames) {
  EXPECT_EQ(*protocol_named("auto"), std::nullopt);
  EXPECT_EQ(*protocol_named("sixel"), PictureProtocol::kSixel);
  EXPECT_EQ(*protocol_named("none"), PictureProtocol::kNone);
  EXPECT_THAT(protocol_named("gif").status().message(), HasSubstr("found gif"));
}

TEST(TerminalPictureTest, KittyGetsChunksOfBase64) {
  const std::string png(5000, 'x');
  const std::string text = *show_text(PictureProtocol::kKitty, png);
  const std::string base64 = encode_base64(png);
  EXPECT_EQ(text, "\x1b_Ga=T,f=100,m=1;" + base64.substr(0, 4096) + "\x1b\\\x1b_Gm=0;" +
                      base64.substr(4096) + "\x1b\\\n");
}

TEST(TerminalPictureTest, ITerm2GetsOneSequence) {
  EXPECT_EQ(*show_text(PictureProtocol::kITerm2, "abc"), "\x1b]1337;File=inline=1;size=3:YWJj\a\n");
}

TEST(TerminalPictureTest, SixelGetsThePixels) {
  image::Picture red = *image::make_picture({8, 12}, 3);
  for (std::size_t i = 0; i < red.pixels.size(); i += 3) red.pixels[i] = 255;
  const auto text = show_text(PictureProtocol::kSixel, *image::encode_png(red));
  ASSERT_TRUE(text.ok()) << text.status();
  EXPECT_THAT(*text, StartsWith("\x1bP"));
  EXPECT_THAT(*text, ContainsRegex("#0;2;9[0-9];0;0"));  // Red, in hundredths and rounded.
  EXPECT_THAT(*text, EndsWith("\x1b\\\n"));
  EXPECT_FALSE(show_text(PictureProtocol::kSixel, "no picture").ok());
}

TEST(TerminalPictureTest, NoProtocolShowsNothing) {
  EXPECT_EQ(*show_text(PictureProtocol::kNone, "abc"), "");
}

}  // namespace
}  // namespace axle::app
