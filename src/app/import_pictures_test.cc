#include "app/import_pictures.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "app/show_pictures.h"
#include "package/testing/tiny_gguf.h"
#include "package/testing/tiny_pictures.h"

namespace axle::app {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

class ImportPicturesTest : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(package::testing::write_tiny_pictures(source_).ok());
    for (const char* part : {"text_encoder", "unet", "vae_decoder", "vae_encoder"}) {
      const std::string name = part;
      fs::rename(source_ / (name + ".axmodel"), source_ / (name + ".onnx"));
    }
    arguments_.file = source_;
  }
  package::testing::TemporaryFolder folder_;
  const fs::path source_ = folder_.path() / "source";
  const fs::path output_ = folder_.path() / "painter";
  ImportArguments arguments_;
};

TEST_F(ImportPicturesTest, AFolderOrTheShapeOfSd15AsksForPictures) {
  EXPECT_TRUE(asks_for_pictures(arguments_));
  EXPECT_TRUE(asks_for_pictures({.file = {}, .shape = "sd15"}));
  EXPECT_FALSE(asks_for_pictures({.file = {}, .shape = "qwen3-4b"}));
  EXPECT_FALSE(asks_for_pictures({.file = source_ / "unet.onnx"}));
}

TEST_F(ImportPicturesTest, WhatWasImportedIsShownWithItsSize) {
  EXPECT_EQ(pictures_line(output_).substr(0, 7), "broken:");
  ASSERT_TRUE(import_pictures(arguments_, output_).ok());
  EXPECT_EQ(pictures_line(output_), "pictures, 64x64");
  EXPECT_TRUE(show_pictures(output_, true).ok());
  arguments_ = {.file = {}, .shape = "sd15"};
  ASSERT_TRUE(import_pictures(arguments_, folder_.path() / "shape").ok());
  EXPECT_EQ(pictures_line(folder_.path() / "shape"), "pictures, 512x512, no weights");
}

TEST_F(ImportPicturesTest, ArgumentsThatDoNotGoWithPicturesAreRefused) {
  for (const char* size : {"512", "x512", "512x", "axb", "512x512x3"}) {
    arguments_.size = size;
    const Status status = import_pictures(arguments_, output_);
    EXPECT_EQ(status.code(), Code::kInvalidArgument) << size;
    EXPECT_THAT(status.message(), HasSubstr("--size"));
  }
  arguments_.size = "128x64";
  arguments_.weights = "q8_0";
  EXPECT_EQ(import_pictures(arguments_, output_).code(), Code::kInvalidArgument);
}

}  // namespace
}  // namespace axle::app
