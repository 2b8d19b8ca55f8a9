#include "image/data_uri.h"

#include <gtest/gtest.h>

#include "image/testing/allocation_limit.h"

namespace axle::image {
namespace {

TEST(DataUriTest, DataUriAndPlainBase64GiveTheSameBytes) {
  for (const char* text :
       {"Zm9vYg==", "data:image/png;base64,Zm9vYg==", "data:;base64,Zm9vYg",
        "DATA:image/jpeg;charset=x;BASE64,Zm9v\nYg==", "  data:image/webp;base64,Zm9vYg==\n"}) {
    const Result<std::string> bytes = decode_picture_text(text);
    ASSERT_TRUE(bytes.ok()) << text << ": " << bytes.status();
    EXPECT_EQ(*bytes, "foob") << text;
  }
}

TEST(DataUriTest, WhatHoldsNoBase64IsRefused) {
  for (const char* text :
       {"", " ", "data:", "data:image/png;base64", "data:image/png,Zm9v", "data:,Zm9v",
        "data:image/png;base64,", "data:image/png;base64,%5A", "http://host/a.png"}) {
    EXPECT_EQ(decode_picture_text(text).status().code(), Code::kInvalidArgument) << text;
  }
}

TEST(DataUriTest, MoreThanTheLimitIsRefused) {
  EXPECT_TRUE(decode_picture_text("data:;base64,Zm9vYmFy", 6).ok());
  EXPECT_EQ(decode_picture_text("data:;base64,Zm9vYmFy", 5).status().code(),
            Code::kInvalidArgument);
}

TEST(DataUriTest, MissingMemoryIsTold) {
  const std::string text(200'000, 'A');
  const testing::AllocationLimit limit(100'000);
  EXPECT_EQ(decode_picture_text(text).status().code(), Code::kExhausted);
}

}  // namespace
}  // namespace axle::image
