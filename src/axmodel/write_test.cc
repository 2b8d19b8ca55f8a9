#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <csignal>

#include "axmodel/test_models.h"

namespace axle::axmodel {
namespace {

using ::testing::HasSubstr;
using testing::OwnedModel;
using testing::small_layer;
using testing::TemporaryFolder;

std::string content(const std::filesystem::path& path) {
  Result<std::string> text = read_file(path);
  EXPECT_TRUE(text.ok()) << text.status();
  return text.ok() ? *text : std::string{};
}

TEST(WriteTest, WhatWasWrittenIsReadBackWhole) {
  TemporaryFolder folder;
  OwnedModel owned = small_layer();
  owned.model.doc_string = "made by a test";
  owned.model.metadata["axle.note"] = "kept";
  ASSERT_TRUE(write(owned.model, folder.file("l0.axmodel")).ok());
  const Result<MappedFile> file = MappedFile::open(folder.file("l0.axmodel"));
  ASSERT_TRUE(file.ok()) << file.status();
  const Result<Model> model = parse(file->bytes());
  ASSERT_TRUE(model.ok()) << model.status();
  EXPECT_EQ(model->producer, "axle");
  EXPECT_EQ(model->doc_string, "made by a test");
  EXPECT_EQ(model->metadata, owned.model.metadata);
  EXPECT_EQ(model->attributes, owned.model.attributes);
  EXPECT_EQ(model->groups, owned.model.groups);
  ASSERT_EQ(model->weights.size(), owned.model.weights.size());
  for (std::size_t i = 0; i < model->weights.size(); ++i) {
    const Weight& wrote = owned.model.weights[i];
    EXPECT_EQ(model->weights[i].name, wrote.name);
    EXPECT_EQ(model->weights[i].format, wrote.format);
    EXPECT_EQ(model->weights[i].shape, wrote.shape);
    EXPECT_TRUE(std::ranges::equal(model->weights[i].data, wrote.data)) << wrote.name;
  }
}

TEST(WriteTest, AFileWithoutWeightsHasEverySizeAndTakesNoRoom) {
  TemporaryFolder folder;
  OwnedModel owned = small_layer();
  owned.add_weight("huge", "q8_0", {65536, 256});
  for (Weight& weight : owned.model.weights) weight.data = {};
  ASSERT_TRUE(write_without_weights(owned.model, folder.file("l0.axmodel")).ok());
  const Result<MappedFile> file = MappedFile::open(folder.file("l0.axmodel"));
  ASSERT_TRUE(file.ok()) << file.status();
  const Result<Model> model = parse(file->bytes());
  ASSERT_TRUE(model.ok()) << model.status();
  EXPECT_FALSE(model->has_weights());
  EXPECT_TRUE(owned.model.has_weights());
  for (std::size_t i = 0; i < model->weights.size(); ++i) {
    const Weight& weight = model->weights[i];
    EXPECT_EQ(weight.name, owned.model.weights[i].name);
    EXPECT_EQ(weight.data.size(), *weight_bytes(weight.format, weight.shape));
    EXPECT_TRUE(std::ranges::all_of(weight.data, [](std::byte b) { return b == std::byte{0}; }));
  }
  struct stat found {};
  ASSERT_EQ(::stat(folder.file("l0.axmodel").c_str(), &found), 0);
  EXPECT_GT(found.st_size, 65536 * 256);
  EXPECT_LT(found.st_blocks * 512, 1 << 20);
}

TEST(WriteTest, EveryWeightStartsAlignedInTheFile) {
  TemporaryFolder folder;
  OwnedModel owned = small_layer();
  for (int i = 0; i < 70; ++i) {  // Names of all lengths, so that every fill is needed once.
    owned.add_weight(std::string(static_cast<std::size_t>(i + 1), 'n'), "q4_0", {3, 32});
  }
  ASSERT_TRUE(write(owned.model, folder.file("l0.axmodel")).ok());
  const Result<MappedFile> file = MappedFile::open(folder.file("l0.axmodel"));
  ASSERT_TRUE(file.ok()) << file.status();
  const Result<Model> model = parse(file->bytes());
  ASSERT_TRUE(model.ok()) << model.status();
  for (const Weight& weight : model->weights) {
    EXPECT_EQ((weight.data.data() - file->bytes().data()) % 64, 0) << weight.name;
  }
}

TEST(WriteTest, EqualModelsGiveEqualBytes) {
  TemporaryFolder folder;
  ASSERT_TRUE(write(small_layer().model, folder.file("a")).ok());
  ASSERT_TRUE(write(small_layer().model, folder.file("b")).ok());
  EXPECT_EQ(content(folder.file("a")), content(folder.file("b")));
}

TEST(WriteTest, ReplacesAnOldFileAndLeavesNothingBeside) {
  TemporaryFolder folder;
  ASSERT_TRUE(write_file_atomically(folder.file("l0.axmodel"), "old").ok());
  ASSERT_TRUE(write(small_layer().model, folder.file("l0.axmodel")).ok());
  EXPECT_NE(content(folder.file("l0.axmodel")), "old");
  std::size_t files = 0;
  for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator(folder.path()))
    ++files;
  EXPECT_EQ(files, 1u);
}

TEST(WriteTest, MissingFolderIsUnavailableAndNamed) {
  TemporaryFolder folder;
  const Status status = write(small_layer().model, folder.file("no/such/l0.axmodel"));
  EXPECT_EQ(status.code(), Code::kUnavailable);
  EXPECT_THAT(status.message(), HasSubstr("no/such/l0.axmodel"));
}

TEST(WriteTest, FullDiskIsExhausted) {
  if (!std::filesystem::exists("/dev/full")) GTEST_SKIP() << "no /dev/full";
  TemporaryFolder folder;
  const auto partial = folder.file("l0").string() + ".partial-" + std::to_string(::getpid());
  std::filesystem::create_symlink("/dev/full", partial);
  EXPECT_EQ(write(small_layer().model, folder.file("l0")).code(), Code::kExhausted);
  EXPECT_FALSE(std::filesystem::exists(folder.file("l0")));
}

TEST(WriteTest, RefusesAWeightWhoseDataDoesNotFitItsShape) {
  TemporaryFolder folder;
  OwnedModel owned = small_layer();
  owned.model.weights[1].data = owned.model.weights[1].data.first(33);
  const Status status = write(owned.model, folder.file("l0"));
  EXPECT_EQ(status.code(), Code::kInvalidArgument);
  EXPECT_THAT(status.message(), HasSubstr("attn_q"));
  EXPECT_FALSE(std::filesystem::exists(folder.file("l0")));
}

TEST(WriteTest, RefusesTwoWeightsOfOneName) {
  TemporaryFolder folder;
  OwnedModel owned = small_layer();
  owned.model.weights.push_back(owned.model.weights.front());
  EXPECT_EQ(write(owned.model, folder.file("l0")).code(), Code::kInvalidArgument);
}

TEST(WriteTest, RefusesWhatItCannotWrite) {
  TemporaryFolder folder;
  Model vendor = small_layer().model;
  vendor.producer = kVendorProducer;
  EXPECT_EQ(write(vendor, folder.file("v")).code(), Code::kUnsupported);
  Model several = small_layer().model;
  several.node_count = 2;
  EXPECT_EQ(write(several, folder.file("s")).code(), Code::kUnsupported);
  Model empty = small_layer().model;
  empty.groups.clear();
  EXPECT_EQ(write(empty, folder.file("e")).code(), Code::kInvalidArgument);
}

TEST(WriteTest, RefusesMoreThanTwoGigabytes) {
  TemporaryFolder folder;
  OwnedModel owned = small_layer();
  // Views of one small page, many times over: the check comes before any byte is read.
  constexpr std::size_t kBytes = std::size_t{1} << 31;
  const std::span<const std::byte> claimed(owned.model.weights[0].data.data(), kBytes);
  owned.model.weights.push_back({"huge", "uint8", {std::int64_t{kBytes}}, claimed});
  const Status status = write(owned.model, folder.file("h"));
  EXPECT_EQ(status.code(), Code::kInvalidArgument);
  EXPECT_THAT(status.message(), HasSubstr("2 GiB"));
}

}  // namespace
}  // namespace axle::axmodel
