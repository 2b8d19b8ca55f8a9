#include "image/decode.h"

#include <gtest/gtest.h>

#include "base/base64.h"
#include "image/testing/allocation_limit.h"
#include "image/testing/decode_vectors.h"
#include "image/testing/files.h"

namespace axle::image {
namespace {

using namespace std::string_literals;
using testing::bytes_of;
using testing::replaced;
using testing::vector_file;

Status status_of(const std::string& file, const DecodeLimits& limits = {}) {
  return decode(bytes_of(file), limits).status();
}

TEST(DecodeTest, EveryVariantGivesThePixelsOfAnIndependentReader) {
  for (const testing::DecodeVector& vector : testing::kDecodeVectors) {
    const std::string file = *decode_base64(vector.base64);
    const Result<Picture> picture = decode(bytes_of(file));
    ASSERT_TRUE(picture.ok()) << vector.name << ": " << picture.status();
    EXPECT_EQ(picture->size(), vector.size) << vector.name;
    EXPECT_EQ(picture->channels, vector.channels) << vector.name;
    EXPECT_EQ(testing::pixel_hash(*picture), vector.sha256) << vector.name;
  }
}

TEST(DecodeTest, KindIsToldByContent) {
  EXPECT_EQ(sniff(bytes_of(vector_file("PngRgb8"))), Kind::kPng);
  EXPECT_EQ(sniff(bytes_of(vector_file("JpegGrey"))), Kind::kJpeg);
  EXPECT_EQ(sniff(bytes_of(vector_file("WebpLossy"))), Kind::kWebp);
  EXPECT_EQ(sniff(bytes_of(vector_file("GifPlain"))), Kind::kGif);
  EXPECT_EQ(sniff(bytes_of("RIFF\0\0\0\0WAVE"s)), std::nullopt);
  EXPECT_EQ(media_type(Kind::kWebp), "image/webp");
  EXPECT_EQ(kind_name(Kind::kGif), "GIF");
}

TEST(DecodeTest, WhatIsNoPictureIsRefused) {
  for (const std::string& file : {""s, "\x89PNG"s, "RIFF"s, "BM6\0\0\0"s, "<svg/>"s}) {
    EXPECT_EQ(status_of(file).code(), Code::kInvalidArgument);
  }
}

TEST(DecodeTest, FileAboveTheLimitIsRefusedWithBothNumbers) {
  const std::string file = vector_file("PngRgb8");
  EXPECT_TRUE(status_of(file, {.max_bytes = file.size()}).ok());
  const Status status = status_of(file, {.max_bytes = 10});
  EXPECT_EQ(status.code(), Code::kInvalidArgument);
  EXPECT_NE(status.message().find(std::to_string(file.size())), std::string::npos);
  EXPECT_NE(status.message().find("10"), std::string::npos);
}

TEST(DecodeTest, PixelsAboveTheLimitAreRefusedInEveryKind) {
  for (const testing::DecodeVector& vector : testing::kDecodeVectors) {
    const std::int64_t pixels = std::int64_t{vector.size.width} * vector.size.height;
    const std::string file = *decode_base64(vector.base64);
    EXPECT_TRUE(status_of(file, {.max_pixels = pixels}).ok()) << vector.name;
    EXPECT_EQ(status_of(file, {.max_pixels = pixels - 1}).code(), Code::kInvalidArgument)
        << vector.name;
  }
}

TEST(DecodeTest, HeaderThatPromisesTooMuchIsRefusedBeforeMemoryIsTaken) {
  const std::string header = "IHDR\0\0\xff\xff\0\0\xff\xff\x08\6\0\0\0"s;
  const std::string png = "\x89PNG\r\n\x1a\n"s + testing::png_chunk("IHDR", header.substr(4)) +
                          testing::png_chunk("IDAT", "") + testing::png_chunk("IEND", "");
  // A JPEG's size stands in its SOF0, a GIF's in its first bytes and in its image's description.
  const std::string jpeg = replaced(vector_file("JpegGrey"), "\xff\xc0\0\x0b\x08\0\x12\0\x15"s,
                                    "\xff\xc0\0\x0b\x08\xff\xdc\xff\xdc"s);
  const std::string gif = replaced(vector_file("GifPlain"), "\x15\0\x12\0"s, "\xff\xff\xff\xff"s);
  const testing::AllocationLimit limit(1 << 20);
  for (const std::string& file : {png, jpeg, gif}) {
    const Status status = status_of(file);
    EXPECT_EQ(status.code(), Code::kInvalidArgument) << status;
    EXPECT_NE(status.message().find("655"), std::string::npos) << status;
  }
}

TEST(DecodeTest, MissingMemoryIsTold) {
  const std::string file = vector_file("WebpLossy");
  const testing::AllocationLimit limit(1000);
  EXPECT_EQ(status_of(file).code(), Code::kExhausted);
}

TEST(DecodeTest, FileThatEndsTooSoonIsCorruptWhereverItEnds) {
  for (const char* name : {"PngRgba16Interlaced", "PngPalette8Transparent", "JpegColour",
                           "JpegProgressive", "WebpLossyAlpha", "WebpLossless", "WebpAnimation"}) {
    const std::string file = vector_file(name);
    // The first 12 bytes tell the kind.
    for (std::size_t length = 12; length < file.size(); ++length) {
      EXPECT_EQ(status_of(file.substr(0, length)).code(), Code::kCorrupt)
          << name << ", " << length << " of " << file.size();
    }
  }
}

TEST(DecodeTest, GifNeedsNoMoreThanItsFirstFrame) {
  const std::string file = vector_file("GifPlain");
  // Behind the pixels: an empty block and the trailer.
  EXPECT_TRUE(status_of(file.substr(0, file.size() - 1)).ok());
  for (std::size_t length = 6; length < file.size() - 2; ++length) {
    EXPECT_EQ(status_of(file.substr(0, length)).code(), Code::kCorrupt) << length;
  }
}

TEST(DecodeTest, DamagedPixelsAreCorrupt) {
  std::string png = vector_file("PngRgb8");
  png[60] = static_cast<char>(png[60] ^ 1);
  EXPECT_EQ(status_of(png).code(), Code::kCorrupt);
  std::string jpeg = vector_file("JpegColour");
  jpeg.replace(jpeg.size() - 20, 18, 18, '\xff');
  EXPECT_EQ(status_of(jpeg).code(), Code::kCorrupt);
}

TEST(DecodeTest, VariantsOfJpegThatAreNotReadAreUnsupported) {
  const std::string jpeg = vector_file("JpegGrey");
  const std::string frame = "\xff\xc0\0\x0b\x08"s;
  EXPECT_EQ(status_of(replaced(jpeg, frame, "\xff\xc3\0\x0b\x08"s)).code(), Code::kUnsupported);
  EXPECT_EQ(status_of(replaced(jpeg, frame, "\xff\xc0\0\x0b\x0c"s)).code(), Code::kUnsupported);
}

TEST(DecodeTest, InksWithoutAnAdobeMarkerAreNotInverted) {
  std::string file = vector_file("JpegCmykOfAdobe");
  const Result<Picture> inverted = decode(bytes_of(file));
  ASSERT_TRUE(inverted.ok()) << inverted.status();
  const std::size_t marker = file.find("\xff\xee\0\x0e"s);
  file.erase(marker, 16);
  const Result<Picture> plain = decode(bytes_of(file));
  ASSERT_TRUE(plain.ok()) << plain.status();
  // The picture has no black, so that stored black is 255: read plainly, all is black.
  EXPECT_EQ(plain->pixels, std::vector<std::uint8_t>(plain->pixels.size()));
  EXPECT_NE(inverted->pixels, plain->pixels);
}

TEST(DecodeTest, ProgressiveJpegWithEndlessScansIsCorrupt) {
  const std::string file = vector_file("JpegProgressive");
  // The scan of all but the first coefficients of a colour, with its Huffman table, made to be of
  // full precision: such a one may come again and again.
  const std::size_t parameters = file.find("\x01\x3f\x01");
  const std::size_t begin = file.rfind("\xff\xc4", parameters);
  const std::size_t end = file.find("\xff\xc4", parameters);
  ASSERT_NE(end, std::string::npos);
  std::string scan = file.substr(begin, end - begin);
  scan[parameters + 2 - begin] = 0;
  const auto with_more = [&](int scans) {
    std::string more = file.substr(0, file.size() - 2);
    for (int i = 0; i < scans; ++i) more += scan;
    return more + "\xff\xd9";
  };
  EXPECT_TRUE(status_of(with_more(80)).ok()) << status_of(with_more(80));
  const Status status = status_of(with_more(100));
  EXPECT_EQ(status.code(), Code::kCorrupt);
  EXPECT_NE(status.message().find("100 scans"), std::string::npos) << status;
}

TEST(DecodeTest, CompressedTextIsNotUnpacked) {
  // A chunk that says it is a profile and is none: who unpacks it notices.
  const std::string file = vector_file("PngRgb8");
  const std::size_t behind_header = 33;
  const std::string more = file.substr(0, behind_header) +
                           testing::png_chunk("iCCP", "x\0\0no zlib stream"s) +
                           file.substr(behind_header);
  EXPECT_EQ(*decode(bytes_of(more)), *decode(bytes_of(file)));
}

TEST(DecodeTest, FrameSmallerThanItsCanvasLeavesTheRestTransparent) {
  // Screen of 3 x 2, one picture of 1 x 1 at (1, 1): index 1, which is (9, 8, 7).
  const std::string gif = "GIF87a\3\0\2\0\x80\0\0\0\0\0\x09\x08\x07,\1\0\1\0\1\0\1\0\0\2\2L\1\0;"s;
  const Result<Picture> picture = decode(bytes_of(gif));
  ASSERT_TRUE(picture.ok()) << picture.status();
  std::vector<std::uint8_t> expected(24);
  expected[16] = 9, expected[17] = 8, expected[18] = 7, expected[19] = 255;
  EXPECT_EQ(picture->channels, 4);
  EXPECT_EQ(picture->pixels, expected);
}

TEST(DecodeTest, GifWithoutAPictureIsCorrupt) {
  EXPECT_EQ(status_of("GIF89a\1\0\1\0\0\0\0;"s).code(), Code::kCorrupt);
  EXPECT_EQ(status_of("GIF89a\1\0\1\0\0\0\0,\0\0\0\0\0\0\0\0\0\2\0;"s).code(), Code::kCorrupt);
}

}  // namespace
}  // namespace axle::image
