#include "package/gguf.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>
#include <string>

#include "base/file.h"
#include "package/gguf_file.h"
#include "package/testing/tiny_gguf.h"
#include "package/transcode.h"

namespace axle::package {
namespace {

using testing::GgufWriter;
using ::testing::HasSubstr;

std::span<const std::byte> bytes_of(const std::string& text) {
  return std::as_bytes(std::span(text));
}

// A file with one of everything.
std::string sample_file() {
  GgufWriter writer;
  writer.set_string("general.architecture", "llama");
  writer.set_u32("llama.block_count", 7);
  writer.set_f32("llama.rope.freq_base", 1e5f);
  writer.set_bool("flag", true);
  writer.set_strings("words", {"one", "", "three"});
  writer.set_i32s("numbers", {1, -2, 3});
  writer.add_random("matrix", "q8_0", {64, 3}, 1);
  writer.add_random("vector", "f32", {5}, 2);
  return writer.bytes();
}

// Overwrites bytes in place.
template <typename T>
std::string patched(std::string file, std::size_t at, T value) {
  std::memcpy(file.data() + at, &value, sizeof value);
  return file;
}

// The status of parsing `file`, which must fail.
Status failure(const std::string& file) { return Gguf::parse(bytes_of(file)).status(); }

TEST(GgufTest, ReadsValuesOfEveryKindByKey) {
  const std::string file = sample_file();
  const Result<Gguf> gguf = Gguf::parse(bytes_of(file));
  ASSERT_TRUE(gguf.ok()) << gguf.status();
  EXPECT_EQ(gguf->version(), 3u);
  EXPECT_EQ(**gguf->get_string("general.architecture"), "llama");
  EXPECT_EQ(**gguf->get_unsigned("llama.block_count"), 7u);
  EXPECT_FLOAT_EQ(static_cast<float>(**gguf->get_float("llama.rope.freq_base")), 1e5f);
  EXPECT_EQ(**gguf->get_float("llama.block_count"), 7.0);
  EXPECT_TRUE(**gguf->get_bool("flag"));
  EXPECT_THAT(**gguf->get_strings("words"), ::testing::ElementsAre("one", "", "three"));
  EXPECT_THAT(**gguf->get_int32s("numbers"), ::testing::ElementsAre(1, -2, 3));
  EXPECT_FALSE(gguf->get_string("absent")->has_value());
}

TEST(GgufTest, DescribesTensorsWithTheirPlaceInTheFile) {
  const std::string file = sample_file();
  const Result<Gguf> gguf = Gguf::parse(bytes_of(file));
  ASSERT_TRUE(gguf.ok()) << gguf.status();
  const GgufTensor* matrix = gguf->find_tensor("matrix");
  ASSERT_NE(matrix, nullptr);
  EXPECT_EQ(matrix->format->name, "q8_0");
  EXPECT_EQ(matrix->rows(), 3u);
  EXPECT_EQ(matrix->size_bytes, 64u / 32 * 34 * 3);
  const GgufTensor* vector = gguf->find_tensor("vector");
  ASSERT_NE(vector, nullptr);
  EXPECT_EQ(vector->offset % 32, 0u);
  EXPECT_EQ(vector->offset - matrix->offset, 224u);
  EXPECT_EQ(gguf->find_tensor("other"), nullptr);
}

TEST(GgufTest, ValueOfAnotherTypeThanAskedForIsCorrupt) {
  const std::string file = sample_file();
  const Result<Gguf> gguf = Gguf::parse(bytes_of(file));
  ASSERT_TRUE(gguf.ok());
  EXPECT_EQ(gguf->get_unsigned("flag").status().code(), Code::kCorrupt);
  EXPECT_THAT(gguf->get_string("llama.block_count").status().message(),
              HasSubstr("key 'llama.block_count' has value type 4, wanted a string"));
  EXPECT_EQ(gguf->get_bool("words").status().code(), Code::kCorrupt);
  EXPECT_EQ(gguf->get_float("words").status().code(), Code::kCorrupt);
  EXPECT_EQ(gguf->get_strings("numbers").status().code(), Code::kCorrupt);
  EXPECT_EQ(gguf->get_int32s("words").status().code(), Code::kCorrupt);
  EXPECT_EQ(gguf->get_floats("numbers").status().code(), Code::kCorrupt);
}

TEST(GgufTest, FileOfAnotherKindIsNamedByItsFirstBytes) {
  const Status status = failure(std::string("PK\3\4 this is a zip archive"));
  EXPECT_EQ(status.code(), Code::kCorrupt);
  EXPECT_THAT(status.message(), HasSubstr("not a GGUF file: it begins with 0x04034b50"));
}

TEST(GgufTest, OtherVersionsAndByteOrdersAreUnsupported) {
  EXPECT_THAT(failure(patched(sample_file(), 4, std::uint32_t{1})).message(),
              HasSubstr("GGUF version 1; versions 2 and 3 are known"));
  const Status swapped = failure(patched(sample_file(), 4, std::uint32_t{0x03000000}));
  EXPECT_EQ(swapped.code(), Code::kUnsupported);
  EXPECT_THAT(swapped.message(), HasSubstr("big-endian"));
  EXPECT_THAT(failure("FUGG" + sample_file().substr(4)).message(), HasSubstr("big-endian"));
}

TEST(GgufTest, EveryCutInTheFileIsFoundAndTellsTheOffset) {
  const std::string file = sample_file();
  const std::size_t data = Gguf::parse(bytes_of(file))->data_offset();
  for (std::size_t size = 0; size < file.size() - 12; ++size) {  // The last vector has padding.
    const Status status = failure(file.substr(0, size));
    ASSERT_EQ(status.code(), Code::kCorrupt) << size;
    ASSERT_FALSE(status.message().empty());
    if (size > data) {
      ASSERT_THAT(status.message(), HasSubstr("cut short")) << size;
    }
  }
}

TEST(GgufTest, HostileCountsAreRefusedBeforeAnythingIsAllocated) {
  const Status tensors = failure(patched(sample_file(), 8, ~std::uint64_t{0}));
  EXPECT_THAT(tensors.message(), HasSubstr("the header at offset 8 counts 18446744073709551615"));
  const Status entries = failure(patched(sample_file(), 16, std::uint64_t{1} << 60));
  EXPECT_THAT(entries.message(), HasSubstr("the header at offset 16 counts"));
  GgufWriter writer;
  writer.set_strings("words", {"one"});
  const std::string file = writer.bytes();
  // Header 24, key 8 + 5, type 4, element type 4: the count of the array.
  const Status array = failure(patched(file, 45, std::uint64_t{1} << 50));
  EXPECT_EQ(array.code(), Code::kCorrupt);
  EXPECT_THAT(array.message(), HasSubstr("array 'words' at offset 53 counts 1125899906842624"));
}

TEST(GgufTest, DuplicateKeysAndTensorsAreCorrupt) {
  GgufWriter keys;
  keys.set_u32("aa", 1);
  keys.set_u32("ab", 2);
  std::string file = keys.bytes();
  file[file.find("ab") + 1] = 'a';
  EXPECT_THAT(failure(file).message(), HasSubstr("key 'aa' appears twice"));
  GgufWriter tensors;
  tensors.add_random("t", "f32", {8}, 1);
  tensors.add_random("t", "f32", {8}, 1);
  EXPECT_THAT(failure(tensors.bytes()).message(), HasSubstr("tensor 't' appears twice"));
}

TEST(GgufTest, ImpossibleTensorsAreRefused) {
  GgufWriter zero;
  zero.add_tensor("t", 0, {0}, "");
  EXPECT_THAT(failure(zero.bytes()).message(), HasSubstr("tensor 't' has an impossible shape [0]"));
  GgufWriter huge;
  huge.add_tensor("t", 0, {std::uint64_t{1} << 40, std::uint64_t{1} << 40}, "");
  EXPECT_THAT(failure(huge.bytes()).message(), HasSubstr("impossible shape"));
  GgufWriter ragged;
  ragged.add_tensor("t", 8, {33}, std::string(34, '\0'));
  EXPECT_THAT(failure(ragged.bytes()).message(),
              HasSubstr("tensor 't' is q8_0 with rows of 33, wanted a multiple of 32"));
  GgufWriter deep;
  deep.add_tensor("t", 0, {1, 1, 1, 1, 1}, std::string(4, '\0'));
  EXPECT_THAT(failure(deep.bytes()).message(), HasSubstr("has 5 dimensions, wanted 1 to 4"));
  GgufWriter unknown;
  unknown.add_tensor("t", 4, {1}, std::string(4, '\0'));
  const Status status = failure(unknown.bytes());
  EXPECT_EQ(status.code(), Code::kUnsupported);
  EXPECT_THAT(status.message(), HasSubstr("tensor 't' has the unknown type number 4"));
}

TEST(GgufTest, BadAlignmentIsRefused) {
  GgufWriter writer;
  writer.set_u32("general.alignment", 24);
  EXPECT_THAT(failure(writer.bytes()).message(),
              HasSubstr("general.alignment is 24, wanted a power of two"));
  GgufWriter shifted;
  shifted.set_u32("general.alignment", 64);  // The writer aligns to 32.
  shifted.add_random("a", "f32", {8}, 1);
  shifted.add_random("b", "f32", {8}, 1);
  EXPECT_THAT(failure(shifted.bytes()).message(),
              HasSubstr("tensor 'b' begins at 32, wanted a multiple of 64"));
}

TEST(GgufTest, BytesThatStopBeforeTheDescriptionEndsAskForMore) {
  const std::string file = sample_file();
  const auto head = bytes_of(file).first(60);
  EXPECT_EQ(Gguf::parse(head, file.size()).status().code(), Code::kExhausted);
  const std::size_t data = Gguf::parse(bytes_of(file))->data_offset();
  EXPECT_TRUE(Gguf::parse(bytes_of(file).first(data), file.size()).ok());
}

TEST(GgufTest, TableOfFormatsAgreesWithTheLibraryThatReadsThem) {
  for (std::uint32_t id = 0; id < 64; ++id) {
    const GgmlFormat* format = find_ggml_format(id);
    if (format == nullptr) continue;
    EXPECT_TRUE(matches_ggml(*format)) << format->name;
  }
}

TEST(GgufFileTest, ReadsPiecesAndReportsAFileThatWasShortened) {
  testing::TemporaryFolder folder;
  const std::filesystem::path path = folder.path() / "model.gguf";
  ASSERT_TRUE(write_file_atomically(path, sample_file()).ok());
  const Result<GgufFile> file = GgufFile::open(path);
  ASSERT_TRUE(file.ok()) << file.status();
  const GgufTensor& tensor = *file->gguf().find_tensor("vector");
  std::vector<std::byte> data(tensor.size_bytes);
  EXPECT_TRUE(file->read(tensor.offset, data).ok());
  EXPECT_TRUE(file->check_unchanged().ok());
  std::filesystem::resize_file(path, tensor.offset + 3);
  const Status status = file->read(tensor.offset, data);
  EXPECT_EQ(status.code(), Code::kCorrupt);
  EXPECT_THAT(status.message(), HasSubstr("was shortened while it was read: 17 more bytes wanted"));
  EXPECT_THAT(file->check_unchanged().message(), HasSubstr("was changed while it was read"));
}

TEST(GgufFileTest, MissingFilesAndFoldersAreReported) {
  testing::TemporaryFolder folder;
  EXPECT_EQ(GgufFile::open(folder.path() / "none.gguf").status().code(), Code::kNotFound);
  EXPECT_EQ(GgufFile::open(folder.path()).status().code(), Code::kInvalidArgument);
}

}  // namespace
}  // namespace axle::package
