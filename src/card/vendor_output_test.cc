#include "card/vendor_output.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <array>
#include <cstdio>

namespace axle::card {
namespace {

TEST(ParseVendorLineTest, TakesLevelModuleAndTextFromTheVendorsForm) {
  const VendorLine line = parse_vendor_line(
      "[2026-11-21 19:23:10.580][15145][E][device manager][init][60]: open /dev/axcl_host fail");
  EXPECT_EQ(line.level, LogLevel::kError);
  EXPECT_EQ(line.text, "device manager: open /dev/axcl_host fail");
}

TEST(ParseVendorLineTest, WarningsAreWarningsAndCriticalLinesErrors) {
  EXPECT_EQ(parse_vendor_line("[d][1][W][m][f][2]: t").level, LogLevel::kWarn);
  EXPECT_EQ(parse_vendor_line("[d][1][C][m][f][2]: t").level, LogLevel::kError);
  EXPECT_EQ(parse_vendor_line("[d][1][?][m][f][2]: t").level, LogLevel::kInfo);
}

TEST(ParseVendorLineTest, AnyOtherLineIsKeptWholeWithoutColoursAndControls) {
  const VendorLine line = parse_vendor_line("\x1b[1;30;31m[0x14926f000] : 0x10 bytes\x1b[0m\r\a");
  EXPECT_EQ(line.level, LogLevel::kInfo);
  EXPECT_EQ(line.text, "[0x14926f000] : 0x10 bytes");
}

TEST(ParseVendorLineTest, UnfinishedFieldsAndColoursAreHarmless) {
  EXPECT_EQ(parse_vendor_line("[a][b").text, "[a][b");
  EXPECT_EQ(parse_vendor_line("x\x1b[12").text, "x");
  EXPECT_EQ(parse_vendor_line("").text, "");
}

// Catches what goes to descriptor 1 or 2 in a scope.
class Capture {
 public:
  explicit Capture(int descriptor) : descriptor_(descriptor), saved_(dup(descriptor)) {
    EXPECT_EQ(pipe(pipe_.data()), 0);
    dup2(pipe_[1], descriptor_);
  }
  std::string end() {
    std::fflush(nullptr);
    dup2(saved_, descriptor_);
    close(saved_);
    close(pipe_[1]);
    std::array<char, 4096> block{};
    const ssize_t got = read(pipe_[0], block.data(), block.size());
    close(pipe_[0]);
    return {block.data(), static_cast<std::size_t>(got > 0 ? got : 0)};
  }

 private:
  int descriptor_;
  int saved_;
  std::array<int, 2> pipe_{};
};

TEST(StdoutRedirectTest, LinesOfTheLibraryGoToTheLogAndNotToStandardOutput) {
  Capture out(STDOUT_FILENO);
  Capture log(STDERR_FILENO);
  {
    auto redirect = StdoutRedirect::create(VendorOutput::kLog);
    ASSERT_TRUE(redirect.ok());
    std::puts("[d][1][E][channel][send][166]: send 2807 bytes, but 0 bytes sent");
    std::fputs("no end of line", stdout);
  }
  std::puts("back");
  const std::string logged = log.end();
  EXPECT_EQ(out.end(), "back\n");
  EXPECT_NE(logged.find("channel: send 2807 bytes, but 0 bytes sent"), std::string::npos) << logged;
  EXPECT_NE(logged.find("no end of line"), std::string::npos) << logged;
}

TEST(StdoutRedirectTest, TheOldStandardOutputStaysReachable) {
  Capture out(STDOUT_FILENO);
  {
    auto redirect = StdoutRedirect::create(VendorOutput::kLog);
    ASSERT_TRUE(redirect.ok());
    ASSERT_EQ(write((*redirect)->original(), "answer", 6), 6);
  }
  EXPECT_EQ(out.end(), "answer");
}

TEST(StdoutRedirectTest, CanSendEverythingToStandardErrorUnchanged) {
  Capture out(STDOUT_FILENO);
  Capture err(STDERR_FILENO);
  {
    auto redirect = StdoutRedirect::create(VendorOutput::kStderr);
    ASSERT_TRUE(redirect.ok());
    std::puts("[d][1][E]");
  }
  EXPECT_EQ(err.end(), "[d][1][E]\n");
  EXPECT_EQ(out.end(), "");
}

TEST(StdoutRedirectTest, MoreOutputThanAPipeHoldsDoesNotBlockTheLibrary) {
  Capture log(STDERR_FILENO);
  LogOptions quiet;
  quiet.level = LogLevel::kOff;
  init_logging(quiet);
  {
    auto redirect = StdoutRedirect::create(VendorOutput::kLog);
    ASSERT_TRUE(redirect.ok());
    for (int i = 0; i < 20000; ++i) std::puts("a line of the library that is rather long");
  }
  init_logging({});
  EXPECT_EQ(log.end(), "");
}

}  // namespace
}  // namespace axle::card
