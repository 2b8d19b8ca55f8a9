#include "base/base64.h"

#include <gtest/gtest.h>

#include <utility>

namespace axle {
namespace {

using namespace std::string_view_literals;

std::string decoded(std::string_view text) {
  Result<std::string> bytes = decode_base64(text);
  return bytes.ok() ? *std::move(bytes) : bytes.status().to_string();
}

// Source: RFC 4648 section 10.
constexpr std::pair<std::string_view, std::string_view> kVectors[] = {{"", ""},
                                                                      {"f", "Zg=="},
                                                                      {"fo", "Zm8="},
                                                                      {"foo", "Zm9v"},
                                                                      {"foob", "Zm9vYg=="},
                                                                      {"fooba", "Zm9vYmE="},
                                                                      {"foobar", "Zm9vYmFy"}};

TEST(Base64Test, EncodesAndDecodesTheVectorsOfItsStandard) {
  for (const auto& [bytes, text] : kVectors) {
    EXPECT_EQ(encode_base64(bytes), text);
    EXPECT_EQ(decoded(text), bytes);
  }
}

TEST(Base64Test, EveryByteSurvivesTheWayThereAndBack) {
  std::string bytes;
  for (int i = 0; i < 256; ++i) bytes += static_cast<char>(i);
  for (std::size_t length = 250; length <= bytes.size(); ++length) {
    const std::string part = bytes.substr(0, length);
    EXPECT_EQ(decoded(encode_base64(part)), part);
  }
}

TEST(Base64Test, BlanksBothAlphabetsAndMissingPaddingAreRead) {
  EXPECT_EQ(decoded(" Zm9v\r\nYg = =\t"), "foob");
  EXPECT_EQ(decoded("-_+/"), "\xfb\xff\xbf"sv);
  EXPECT_EQ(decoded("Zm9vYg"), "foob");
}

TEST(Base64Test, WhatIsNotBase64IsRefusedAndToldWhere) {
  for (const std::string_view text : {"Zm9v!"sv, "Z"sv, "Zm9vY"sv, "Zg==Zg=="sv, "Zg="sv, "Zg==="sv,
                                      "Zm9v="sv, "=="sv, "Zh=="sv, "Zm9\0"sv, "Zm\xc3\xa4v"sv}) {
    EXPECT_EQ(decode_base64(text).status().code(), Code::kInvalidArgument) << text;
  }
  EXPECT_NE(decode_base64("Zm9v!").status().message().find("character 4 (0x21)"),
            std::string::npos);
}

TEST(Base64Test, MoreThanTheLimitIsRefused) {
  EXPECT_EQ(*decode_base64("Zm9vYmFy", 6), "foobar");
  EXPECT_EQ(decode_base64("Zm9vYmFy", 5).status().code(), Code::kInvalidArgument);
}

}  // namespace
}  // namespace axle
