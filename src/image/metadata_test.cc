#include "image/metadata.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "image/encode.h"
#include "image/exif.h"
#include "image/testing/allocation_limit.h"
#include "image/testing/files.h"

namespace axle::image {
namespace {

using namespace std::string_literals;
using testing::bytes_of;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using testing::noise_picture;
using testing::png_chunk;
using testing::vector_file;
using testing::zlib_packed;

// A PNG with `chunks` in front of its pixels.
std::string png_with(const std::string& chunks) {
  constexpr std::size_t kSignatureAndHeader = 33;
  const std::string file = vector_file("PngRgb8");
  return file.substr(0, kSignatureAndHeader) + chunks + file.substr(kSignatureAndHeader);
}

Metadata metadata_of(const std::string& file) {
  const Result<Metadata> metadata = read_metadata(bytes_of(file));
  EXPECT_TRUE(metadata.ok()) << metadata.status();
  return metadata.ok() ? *metadata : Metadata{};
}

constexpr const char* kTexts[] = {"a cat\nSteps: 4, Sampler: LCM, Seed: 1", "Käse",
                                  "a 猫, \U0001f431"};

TEST(MetadataTest, ParametersComeBackFromEveryKind) {
  const Picture picture = noise_picture({8, 8}, 3);
  for (const char* text : kTexts) {
    EXPECT_EQ(metadata_of(*encode_png(picture, {.parameters = text})).parameters, text);
    EXPECT_EQ(metadata_of(*encode_jpeg(picture, {.parameters = text})).parameters, text);
    EXPECT_EQ(metadata_of(*encode_webp(picture, {.parameters = text})).parameters, text);
  }
}

TEST(MetadataTest, AllTextsOfAPngAreItemsInTheirOrder) {
  const std::string file = png_with(png_chunk("tEXt", "Title\0K\xe4se"s) +
                                    png_chunk("zTXt", "Long\0\0"s + zlib_packed("\xe4\xe4")) +
                                    png_chunk("iTXt", "parameters\0\0\0de\0Titel\0a 猫"s) +
                                    png_chunk("iTXt", "packed\0\1\0\0\0"s + zlib_packed("猫猫")));
  const Metadata metadata = metadata_of(file);
  EXPECT_EQ(metadata.parameters, "a 猫");
  EXPECT_THAT(metadata.items,
              ElementsAre(TextItem{"Title", "Käse"}, TextItem{"Long", "ää"},
                          TextItem{"parameters", "a 猫"}, TextItem{"packed", "猫猫"}));
}

TEST(MetadataTest, ExifCommentOfAPngGoesBeforeItsText) {
  const std::string file =
      png_with(png_chunk("tEXt", "parameters\0text"s) + png_chunk("eXIf", make_exif("exif")));
  EXPECT_EQ(metadata_of(file).parameters, "exif");
}

TEST(MetadataTest, CommentOfAJpegIsAnItem) {
  std::string file = vector_file("JpegGrey");
  file.insert(2, "\xff\xfe\0\x07hello"s);
  const Metadata metadata = metadata_of(file);
  EXPECT_THAT(metadata.items, ElementsAre(TextItem{"comment", "hello"}));
  EXPECT_EQ(metadata.parameters, "hello");
  EXPECT_EQ(metadata_of(vector_file("Orientation1")).parameters, "");
}

TEST(MetadataTest, CommentsOfAGifAreItemsWhereverTheyStand) {
  std::string file = vector_file("GifAnimation");
  file.insert(file.size() - 1, "\x21\xfe\2sh\3ort\0"s);
  EXPECT_THAT(metadata_of(file).items, ElementsAre(TextItem{"comment", "short"}));
  EXPECT_EQ(metadata_of(file).parameters, "short");
}

TEST(MetadataTest, PictureWithoutTextHasNone) {
  for (const char* name : {"PngRgb8", "JpegGrey", "WebpLossy", "WebpAnimation", "GifPlain"}) {
    const Metadata metadata = metadata_of(vector_file(name));
    EXPECT_EQ(metadata.parameters, "") << name;
    EXPECT_THAT(metadata.items, IsEmpty()) << name;
  }
}

TEST(MetadataTest, WhatCannotBeReadIsLeftOut) {
  std::string damaged = png_chunk("tEXt", "a\0b"s);
  damaged.back() = static_cast<char>(damaged.back() ^ 1);
  const std::string file = png_with(
      damaged + png_chunk("tEXt", "no end of the keyword") + png_chunk("zTXt", "a\0"s) +
      png_chunk("zTXt", "a\0\1"s + zlib_packed("method 1")) + png_chunk("zTXt", "a\0\0broken"s) +
      png_chunk("zTXt", "a\0\0"s + zlib_packed("cut off").substr(0, 8)) +
      png_chunk("iTXt", "a\0\0"s) + png_chunk("iTXt", "a\0\0\0no language"s) +
      png_chunk("eXIf", "MM") + png_chunk("tEXt", "kept\0yes"s));
  const Metadata metadata = metadata_of(file);
  EXPECT_THAT(metadata.items, ElementsAre(TextItem{"kept", "yes"}));
  EXPECT_EQ(metadata.parameters, "");
}

TEST(MetadataTest, FileThatEndsTooSoonTellsWhatItHas) {
  const std::string file = png_with(png_chunk("tEXt", "parameters\0text"s));
  EXPECT_EQ(metadata_of(file.substr(0, file.size() - 30)).parameters, "text");
  for (const char* name : {"PngRgb8", "JpegColour", "WebpAnimation", "GifPlain"}) {
    const std::string whole = vector_file(name);
    for (std::size_t length = 12; length < whole.size(); ++length) {
      EXPECT_EQ(metadata_of(whole.substr(0, length)).parameters, "");
    }
  }
}

TEST(MetadataTest, TextBombIsRefused) {
  const std::string bomb = zlib_packed(std::string(kMaxTextBytes + 1, 'x'));
  EXPECT_LT(bomb.size(), 10'000u);
  for (const std::string& file :
       {png_with(png_chunk("zTXt", "a\0\0"s + bomb)),
        png_with(png_chunk("tEXt", "a\0"s + std::string(kMaxTextBytes, 'x'))),
        png_with(png_chunk("eXIf", make_exif(std::string(kMaxTextBytes + 1, 'x'))))}) {
    EXPECT_EQ(read_metadata(bytes_of(file)).status().code(), Code::kInvalidArgument);
  }
}

TEST(MetadataTest, MoreTextsThanAnyoneWritesAreRefused) {
  std::string chunks;
  for (std::size_t i = 0; i < kMaxTexts; ++i) chunks += png_chunk("tEXt", "\0"s);
  EXPECT_EQ(metadata_of(png_with(chunks)).items.size(), kMaxTexts);
  chunks += png_chunk("tEXt", "\0"s);
  EXPECT_EQ(read_metadata(bytes_of(png_with(chunks))).status().code(), Code::kInvalidArgument);
}

TEST(MetadataTest, MissingMemoryIsTold) {
  const std::string file = png_with(png_chunk("tEXt", "a\0"s + std::string(200'000, 'x')));
  const testing::AllocationLimit limit(100'000);
  EXPECT_EQ(read_metadata(bytes_of(file)).status().code(), Code::kExhausted);
}

TEST(MetadataTest, WhatIsNoPictureIsRefused) {
  EXPECT_EQ(read_metadata(bytes_of("text")).status().code(), Code::kInvalidArgument);
  EXPECT_EQ(read_metadata({}).status().code(), Code::kInvalidArgument);
}

}  // namespace
}  // namespace axle::image
