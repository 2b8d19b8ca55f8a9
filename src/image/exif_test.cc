#include "image/exif.h"

#include <gtest/gtest.h>

#include "base/base64.h"
#include "image/testing/files.h"

namespace axle::image {
namespace {

using namespace std::string_literals;
using testing::bytes_of;

// A little-endian block with one SHORT field.
std::string little(char tag_low, char tag_high, char value) {
  return "II*\0\x08\0\0\0\1\0"s + tag_low + tag_high + "\3\0\1\0\0\0"s + value + "\0\0\0\0\0\0\0"s;
}

// A big-endian block as make_exif() has it, with another comment of the same length.
std::string with_comment(const std::string& comment) {
  const std::string like(comment.size() / 2 - 4, 'x');
  std::string block = make_exif(like);
  return block.substr(0, block.size() - comment.size()) + comment;
}

TEST(ExifTest, WritesByteForByteWhatPiexifWrites) {
  // piexif.dump({"Exif": {UserComment: helper.UserComment.dump("a\u00e4", encoding="unicode")}}),
  // piexif 1.1.3, without its first 6 bytes ("Exif\0\0").
  EXPECT_EQ(encode_base64(make_exif("a\u00e4")),
            "TU0AKgAAAAgAAYdpAAQAAAABAAAAGgAAAAAAAZKGAAcAAAAMAAAAKFVOSUNPREUAAGEA5A==");
}

TEST(ExifTest, CommentSurvivesTheWayThereAndBack) {
  for (const char* text : {"a cat", "K\u00e4se, \u732b, \U0001f431", "line\nline"}) {
    EXPECT_EQ(exif_user_comment(bytes_of(make_exif(text))), text);
  }
  EXPECT_EQ(exif_user_comment(bytes_of(make_exif(""))), std::nullopt);
  EXPECT_EQ(exif_user_comment(bytes_of(make_exif("a\xff"))), "a\ufffd");
}

TEST(ExifTest, CommentsOfOtherWritersAreRead) {
  const auto read = [](const std::string& comment) {
    return exif_user_comment(bytes_of(with_comment(comment)));
  };
  EXPECT_EQ(read("UNICODE\0h\0i\0"s), "hi");                // Little endian, told by its zeros.
  EXPECT_EQ(read("UNICODE\0\xff\xfe\x2b\x73"s), "\u732b");  // By a mark.
  EXPECT_EQ(read("UNICODE\0\xfe\xff\x73\x2b"s), "\u732b");
  EXPECT_EQ(read("ASCII\0\0\0text"s), "text");
  EXPECT_EQ(read("ASCII\0\0\0hi\0\0"s), "hi");
  EXPECT_EQ(read("UNICODE\0\0h\0i\0\0"s), "hi");
  EXPECT_EQ(read("\0\0\0\0\0\0\0\0K\xc3\xa4s"s), "K\u00e4s");
}

TEST(ExifTest, OrientationIsReadInBothByteOrders) {
  EXPECT_EQ(exif_orientation(bytes_of(little(0x12, 0x01, 6))), 6);
  const std::string big = "MM\0*\0\0\0\x08\0\1\x01\x12\0\3\0\0\0\1\0\x08\0\0\0\0\0\0"s;
  EXPECT_EQ(exif_orientation(bytes_of(big)), 8);
}

TEST(ExifTest, OrientationThatMakesNoSenseIsNone) {
  EXPECT_EQ(exif_orientation(bytes_of(little(0x12, 0x01, 9))), 1);
  EXPECT_EQ(exif_orientation(bytes_of(little(0x12, 0x01, 0))), 1);
  EXPECT_EQ(exif_orientation(bytes_of(little(0x13, 0x01, 6))), 1);
  EXPECT_EQ(exif_orientation({}), 1);
}

TEST(ExifTest, BlockCutAnywhereIsReadWithoutHarm) {
  const std::string block = make_exif("text");
  for (std::size_t length = 0; length < block.size(); ++length) {
    const std::string part = block.substr(0, length);
    EXPECT_EQ(exif_user_comment(bytes_of(part)), std::nullopt);
    EXPECT_EQ(exif_orientation(bytes_of(part)), 1);
  }
}

}  // namespace
}  // namespace axle::image
