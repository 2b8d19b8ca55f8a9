#include "package/npy.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string_view>

namespace axle::package {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

Result<NpyTable> parse(std::string_view file) {
  return parse_npy(std::as_bytes(std::span<const char>(file)));
}

// A file of one version with this header and eight bytes of numbers: 1 and 2.
std::string file_of(char version, std::string_view header) {
  std::string file("\x93NUMPY", 6);
  file.append({version, '\0'});
  file.push_back(static_cast<char>(header.size()));
  file.append(version == 1 ? 1 : 3, '\0');
  file += header;
  return file + std::string("\x00\x00\x80\x3f\x00\x00\x00\x40", 8);
}

constexpr std::string_view kHeader =
    "{'descr': '<f4', 'fortran_order': False, 'shape': (1, 2), }\n";

TEST(NpyTest, WhatIsWrittenIsRead) {
  const NpyTable table{.rows = 2, .columns = 3, .numbers = {1, 2, 3, 4, 5, 6}};
  const std::string file = npy_file(table);
  EXPECT_EQ((file.size() - 24) % 64, 0u);
  const Result<NpyTable> read = parse(file);
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(read->rows, 2u);
  EXPECT_THAT(read->row(1), ElementsAre(4, 5, 6));
}

TEST(NpyTest, AllVersionsOfTheFormatAreRead) {
  for (const char version : {'\1', '\2', '\3'}) {
    const Result<NpyTable> read = parse(file_of(version, kHeader));
    ASSERT_TRUE(read.ok()) << read.status();
    EXPECT_THAT(read->row(0), ElementsAre(1, 2));
  }
  EXPECT_EQ(parse(file_of(4, kHeader)).status().code(), Code::kUnsupported);
}

TEST(NpyTest, OtherTypesOrdersAndDimensionsAreUnsupported) {
  for (const char* header : {"{'descr': '<f8', 'fortran_order': False, 'shape': (1, 1), }",
                             "{'descr': '<f4', 'fortran_order': True, 'shape': (1, 2), }",
                             "{'descr': '<f4', 'fortran_order': False, 'shape': (2,), }"}) {
    EXPECT_EQ(parse(file_of(1, header)).status().code(), Code::kUnsupported) << header;
  }
}

TEST(NpyTest, DamagedFilesAreCorruptWithBothSizes) {
  EXPECT_EQ(parse("").status().code(), Code::kCorrupt);
  EXPECT_EQ(parse("not an array").status().code(), Code::kCorrupt);
  EXPECT_EQ(parse(file_of(1, kHeader).substr(0, 20)).status().code(), Code::kCorrupt);
  const Status cut = parse(file_of(1, kHeader).substr(0, file_of(1, kHeader).size() - 1)).status();
  EXPECT_EQ(cut.code(), Code::kCorrupt);
  EXPECT_THAT(cut.message(), HasSubstr("8 bytes, the file has 7"));
  for (const char* shape : {"(0, 2)", "(1, 99999999999999999999)", "(a, b)", "2"}) {
    const std::string header =
        std::string("{'descr': '<f4', 'fortran_order': False, 'shape': ") + shape + ", }";
    EXPECT_EQ(parse(file_of(1, header)).status().code(), Code::kCorrupt) << shape;
  }
}

}  // namespace
}  // namespace axle::package
