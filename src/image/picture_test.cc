#include "image/picture.h"

#include <gtest/gtest.h>

#include "image/testing/allocation_limit.h"

namespace axle::image {
namespace {

TEST(PictureTest, NewPictureIsBlackAndAPicture) {
  const Result<Picture> picture = make_picture({3, 2}, 4);
  ASSERT_TRUE(picture.ok()) << picture.status();
  EXPECT_EQ(picture->pixels, std::vector<std::uint8_t>(24));
  EXPECT_EQ(picture->row(1).data(), picture->pixels.data() + 12);
  EXPECT_TRUE(check(*picture).ok());
}

TEST(PictureTest, ImpossibleFormsAreRefused) {
  EXPECT_EQ(make_picture({0, 2}, 3).status().code(), Code::kInvalidArgument);
  EXPECT_EQ(make_picture({2, -1}, 3).status().code(), Code::kInvalidArgument);
  EXPECT_EQ(make_picture({2, 2}, 2).status().code(), Code::kInvalidArgument);
  EXPECT_EQ(make_picture({1 << 20, 1 << 20}, 1).status().code(), Code::kInvalidArgument);
}

TEST(PictureTest, PixelsThatDoNotFitTheSizeAreNoPicture) {
  EXPECT_EQ(check({2, 2, 3, std::vector<std::uint8_t>(11)}).code(), Code::kInvalidArgument);
  EXPECT_EQ(check({2, 2, 2, std::vector<std::uint8_t>(8)}).code(), Code::kInvalidArgument);
  EXPECT_EQ(check({}).code(), Code::kInvalidArgument);
}

TEST(PictureTest, TooLittleMemoryIsTold) {
  const testing::AllocationLimit limit(1'000'000);
  EXPECT_EQ(make_picture({1000, 1001}, 1).status().code(), Code::kExhausted);
  EXPECT_TRUE(make_picture({1000, 1000}, 1).ok());
}

TEST(PictureTest, CopyIsEqualAndNeedsMemoryOfItsOwn) {
  const Result<Picture> picture = make_picture({1000, 1000}, 3);
  EXPECT_EQ(*copy_of(*picture), *picture);
  EXPECT_EQ(copy_of({2, 2, 2, {}}).status().code(), Code::kInvalidArgument);
  const testing::AllocationLimit limit(1'000'000);
  EXPECT_EQ(copy_of(*picture).status().code(), Code::kExhausted);
}

}  // namespace
}  // namespace axle::image
