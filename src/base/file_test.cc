#include "base/file.h"

#include <gtest/gtest.h>

#include <fstream>

namespace axle {
namespace {

class FileTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string folder = (std::filesystem::temp_directory_path() / "axle_file_XXXXXX").string();
    folder_ = ::mkdtemp(folder.data());
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }
  std::filesystem::path folder_;
};

TEST_F(FileTest, AtomicWriteReplacesTheWholeFileAndLeavesNothingBeside) {
  const auto path = folder_ / "a";
  ASSERT_TRUE(write_file_atomically(path, "a longer first text").ok());
  ASSERT_TRUE(write_file_atomically(path, "second").ok());
  EXPECT_EQ(*read_file(path), "second");
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder_), {}), 1);
}

TEST_F(FileTest, ReleasedPagesAreReadAgain) {
  const auto path = folder_ / "a";
  const std::string content(10'000, 'x');
  ASSERT_TRUE(write_file_atomically(path, content).ok());
  const Result<MappedFile> file = MappedFile::open(path);
  ASSERT_TRUE(file.ok()) << file.status();
  EXPECT_EQ(file->bytes().front(), std::byte{'x'});
  file->release_pages();
  EXPECT_EQ(file->bytes().size(), content.size());
  EXPECT_EQ(file->bytes().front(), std::byte{'x'});
  EXPECT_EQ(file->bytes().back(), std::byte{'x'});
}

TEST_F(FileTest, MissingFileIsNotFoundAndNamesThePath) {
  const auto result = MappedFile::open(folder_ / "nothing");
  EXPECT_EQ(result.status().code(), Code::kNotFound);
  EXPECT_NE(result.status().message().find("nothing"), std::string::npos);
}

TEST_F(FileTest, FolderIsNotARegularFile) {
  EXPECT_EQ(MappedFile::open(folder_).status().code(), Code::kInvalidArgument);
}

TEST_F(FileTest, FileAboveTheLimitIsRefusedWithBothNumbers) {
  ASSERT_TRUE(write_file_atomically(folder_ / "big", std::string(100, 'x')).ok());
  const auto result = read_file(folder_ / "big", 99);
  EXPECT_EQ(result.status().code(), Code::kExhausted);
  EXPECT_NE(result.status().message().find("100"), std::string::npos);
  EXPECT_NE(result.status().message().find("99"), std::string::npos);
}

TEST_F(FileTest, FailedWriteIsReported) {
  EXPECT_FALSE(write_file_atomically("/dev/full/x", "text").ok());
}

TEST(HashTest, Sha256MatchesThePublishedVector) {  // FIPS 180-2, appendix B.1
  const std::string_view text = "abc";
  EXPECT_EQ(sha256_hex(std::as_bytes(std::span(text.data(), text.size()))),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

}  // namespace
}  // namespace axle
