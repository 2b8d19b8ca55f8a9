#include "package/picture_package.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

#include "axmodel/testing/onnx_graph.h"
#include "base/file.h"
#include "package/config.h"
#include "package/npy.h"
#include "package/testing/tiny_gguf.h"
#include "package/testing/tiny_pictures.h"

namespace axle::package {
namespace {

namespace fs = std::filesystem;
using axmodel::DataType;
using axmodel::testing::OnnxGraph;
using ::testing::AllOf;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::TinyPicturesOptions;

std::vector<int> steps_of(const PicturePackageInfo& info) {
  std::vector<int> steps;
  for (const auto& [step, row] : info.time_rows) steps.push_back(step);
  return steps;
}

std::vector<std::string> sizes_of(const PicturePackageInfo& info) {
  std::vector<std::string> ids;
  for (const PictureVariant& variant : info.variants) ids.push_back(variant.id);
  return ids;
}

class PicturePackageTest : public ::testing::Test {
 protected:
  // A flat package with everything.
  void write(const TinyPicturesOptions& options = {}) {
    ASSERT_TRUE(testing::write_tiny_pictures(folder_, options).ok());
  }
  void write_size(const std::string& below, const TinyPicturesOptions& options) {
    ASSERT_TRUE(testing::write_tiny_engines(folder_ / below, options).ok());
  }
  void write_rows(const std::string& name, const NpyTable& table) {
    ASSERT_TRUE(write_file_atomically(folder_ / name, npy_file(table)).ok());
  }
  PicturePackageInfo info() const {
    const Result<PicturePackage> package = PicturePackage::open(folder_);
    EXPECT_TRUE(package.ok()) << package.status();
    return package.ok() ? package->info() : PicturePackageInfo();
  }
  Status failure() const { return PicturePackage::open(folder_).status(); }
  void expect_corrupt(const std::string& part) const {
    EXPECT_EQ(failure().code(), Code::kCorrupt);
    EXPECT_THAT(failure().message(), HasSubstr(part));
  }

  testing::TemporaryFolder temporary_;
  const fs::path folder_ = temporary_.path() / "painter";
};

TEST_F(PicturePackageTest, IsReadFromItsEngines) {
  write({.width = 64, .height = 96});
  const PicturePackageInfo found = info();
  EXPECT_EQ(found.name, "painter");
  EXPECT_EQ(found.model_name, "painter");
  EXPECT_EQ(found.producer, Producer::kAxle);
  EXPECT_TRUE(found.has_weights);
  EXPECT_EQ(found.text_length, 77u);
  EXPECT_EQ(found.text_width, 8u);
  EXPECT_EQ(found.time_width, 16u);
  EXPECT_EQ(found.vocabulary, folder_ / "vocab.json");
  EXPECT_THAT(found.notes, IsEmpty());
  EXPECT_GT(found.size_bytes, 1000u);
  ASSERT_THAT(sizes_of(found), ElementsAre("64x96"));
  const PictureVariant& variant = found.variants[0];
  EXPECT_EQ(variant.height, 96u);
  EXPECT_EQ(variant.latent_height(), 12u);
  EXPECT_EQ(variant.vae_encoder, folder_ / "vae_encoder.axmodel");
  EXPECT_EQ(variant.unet_latents, "sample");
  EXPECT_EQ(variant.unet_time_row, "time_row");
  EXPECT_EQ(variant.unet_text, "encoder_hidden_states");
  EXPECT_GT(variant.memory.total(), variant.memory.engines);
}

TEST_F(PicturePackageTest, FourRowsAreThoseOfTheUsualSchedule) {
  write();
  const PicturePackageInfo found = info();
  EXPECT_THAT(steps_of(found), ElementsAre(999, 759, 499, 259));
  EXPECT_EQ(found.time_rows.at(999).size(), 16u);
}

TEST_F(PicturePackageTest, PicturesJsonNamesTheModelAndOtherTimesteps) {
  write();
  ASSERT_TRUE(write_file_atomically(folder_ / "pictures.json",
                                    R"({"model_name": "Emoji", "time_steps": [999, 19, 499, 259]})")
                  .ok());
  const PicturePackageInfo found = info();
  EXPECT_EQ(found.model_name, "Emoji");
  EXPECT_THAT(steps_of(found), ElementsAre(999, 499, 259, 19));
}

TEST_F(PicturePackageTest, PicturesJsonTellsTheColoursOfItsLatents) {
  write();
  EXPECT_FALSE(info().preview);
  ASSERT_TRUE(write_file_atomically(
                  folder_ / "pictures.json",
                  R"({"preview": [[1, 0, 0], [0, 1, 0], [0, 0, 1], [0.5, 0, 0], [0, 0, -0.25]]})")
                  .ok());
  const PicturePackageInfo found = info();
  ASSERT_TRUE(found.preview);
  EXPECT_EQ(found.preview->at(3)[0], 0.5f);
  EXPECT_EQ(found.preview->at(4)[2], -0.25f);
}

TEST_F(PicturePackageTest, PicturesJsonThatIsWrongIsCorrupt) {
  write();
  for (const char* text :
       {"{", "[]", R"({"model_name": 1})", R"({"time_steps": 999})", R"({"time_steps": [1000]})",
        R"({"time_steps": [1.5]})", R"({"time_steps": [999, 499]})", R"({"preview": []})",
        R"({"preview": [[1, 0], [0, 0], [0, 0], [0, 0], [0, 0]]})",
        R"({"preview": [[1, 0, 0], [0, 1, 0], [0, 0, 1], [0, 0, 0], [0, 0, 1e9]]})"}) {
    ASSERT_TRUE(write_file_atomically(folder_ / "pictures.json", text).ok());
    EXPECT_EQ(failure().code(), Code::kCorrupt) << text;
  }
}

// The vendor's folders: models/ and models_1024x768/ with a tokenizer in one of them.
TEST_F(PicturePackageTest, SizesInFoldersBelowAreOneModel) {
  write_size("models", {.width = 64, .height = 64});
  write_size("models_96x48", {.width = 48, .height = 96, .encoder = false});
  ASSERT_TRUE(testing::write_tiny_clip_tokenizer(folder_ / "models/tokenizer").ok());
  const PicturePackageInfo found = info();
  EXPECT_THAT(sizes_of(found), ElementsAre("64x64", "48x96"));
  EXPECT_EQ(found.vocabulary, folder_ / "models/tokenizer/vocab.json");
  EXPECT_FALSE(found.variants[1].vae_encoder.has_value());
  EXPECT_THAT(found.notes, Contains(AllOf(HasSubstr("48x96"), HasSubstr("VAE encoder"))));
  EXPECT_NE(found.find_variant(48, 96), nullptr);
  EXPECT_EQ(found.find_variant(96, 48), nullptr);
}

TEST_F(PicturePackageTest, TheVendorsEnginesAreReadWithHisNameOfTheTimeRow) {
  write({.vendor = true});
  const PicturePackageInfo found = info();
  EXPECT_EQ(found.producer, Producer::kVendor);
  EXPECT_EQ(found.variants[0].unet_time_row, "/down_blocks.0/resnets.0/act_1/Mul_output_0");
  write_size("128x64", {.width = 128, .height = 64});
  expect_corrupt("built by");
}

TEST_F(PicturePackageTest, SizesMayShareTextEncoderTokenizerAndTimeRows) {
  write_size("64x64", {.width = 64, .height = 64});
  write_size("128x64", {.width = 128, .height = 64});
  fs::create_directories(folder_ / "text_encoder");
  fs::rename(folder_ / "64x64/text_encoder.axmodel",
             folder_ / "text_encoder/sd15_text_encoder_sim.axmodel");
  fs::rename(folder_ / "64x64/time_rows.npy", folder_ / "time_input_txt2img.npy");
  fs::remove(folder_ / "128x64/text_encoder.axmodel");
  fs::remove(folder_ / "128x64/time_rows.npy");
  ASSERT_TRUE(testing::write_tiny_clip_tokenizer(folder_ / "tokenizer").ok());
  const PicturePackageInfo found = info();
  EXPECT_THAT(sizes_of(found), ElementsAre("64x64", "128x64"));
  EXPECT_EQ(found.variants[0].text_encoder, found.variants[1].text_encoder);
}

TEST_F(PicturePackageTest, AFolderOfOneSizeFindsTheTokenizerBesideIt) {
  write_size("models", {});
  ASSERT_TRUE(testing::write_tiny_clip_tokenizer(folder_ / "tokenizer").ok());
  const Result<PicturePackage> package = PicturePackage::open(folder_ / "models/");
  ASSERT_TRUE(package.ok()) << package.status();
  EXPECT_EQ(package->info().name, "models");
}

TEST_F(PicturePackageTest, MissingPartsAreNamed) {
  EXPECT_EQ(failure().code(), Code::kNotFound);
  for (const char* part : {"text_encoder.axmodel", "vae_decoder.axmodel", "time_rows.npy",
                           "merges.txt", "unet.axmodel"}) {
    write();
    fs::remove(folder_ / part);
    EXPECT_EQ(failure().code(), Code::kNotFound) << part;
    const std::string stem = fs::path(part).stem();
    EXPECT_THAT(failure().message(), HasSubstr(stem.substr(0, stem.find("_rows"))));
  }
  EXPECT_EQ(PicturePackage::open(folder_ / "nowhere").status().code(), Code::kNotFound);
  EXPECT_EQ(PicturePackage::open(folder_ / "vocab.json").status().code(), Code::kInvalidArgument);
}

TEST_F(PicturePackageTest, TwoFilesForOnePartAreCorrupt) {
  write();
  fs::copy(folder_ / "unet.axmodel", folder_ / "unet_old.axmodel");
  expect_corrupt("the U-Net");
}

TEST_F(PicturePackageTest, EnginesOfDifferentSizesContradictEachOther) {
  write();
  write_size("other", {.width = 128, .height = 64, .text_width = 12});
  const fs::path other = folder_ / "other";
  for (const char* part : {"unet", "vae_decoder", "vae_encoder", "text_encoder"}) {
    write();
    const std::string name = std::string(part) + ".axmodel";
    fs::rename(other / name, folder_ / name);
    expect_corrupt("wanted [1,");
  }
}

TEST_F(PicturePackageTest, ATensorOfAnotherTypeIsUnsupportedByName) {
  write();
  OnnxGraph graph;
  graph.input("input_ids", DataType::kInt64, {1, 77})
      .node("Identity", {"input_ids"}, {"y"})
      .output("y", DataType::kFloat, {1, 77, 8});
  ASSERT_TRUE(graph.write(folder_ / "text_encoder.axmodel").ok());
  EXPECT_EQ(failure().code(), Code::kUnsupported);
  EXPECT_THAT(failure().message(), AllOf(HasSubstr("input_ids"), HasSubstr("int64")));
}

TEST_F(PicturePackageTest, DamagedEnginesAreCorruptWithTheFile) {
  write();
  ASSERT_TRUE(write_file_atomically(folder_ / "unet.axmodel", "nothing").ok());
  expect_corrupt("unet.axmodel");
  OnnxGraph graph;
  graph.input("x", DataType::kFloat, {1, 4, 8, 8}).output("y", DataType::kFloat, {1, 4, 8, 8});
  ASSERT_TRUE(graph.write(folder_ / "unet.axmodel").ok());
  expect_corrupt("1 inputs and 1 outputs, wanted 3");
}

TEST_F(PicturePackageTest, FurtherSizesMustBelongToTheSameModel) {
  write();
  write_size("128x64", {.width = 128, .height = 64, .text_width = 12});
  expect_corrupt("12");
  write_size("128x64", {.width = 128, .height = 64, .seed = 7});
  expect_corrupt("time rows are not those of the first");
  write_size("128x64", {});
  expect_corrupt("a second model for 64x64");
}

// The vendor's file for img2img: timesteps 499 and 259, then zeros.
TEST_F(PicturePackageTest, RowsOfZerosAreLeftOut) {
  write();
  fs::remove(folder_ / "time_rows.npy");
  std::vector<float> numbers(4 * 16, 0.0f);
  std::fill_n(numbers.begin(), 32, 0.5f);
  write_rows("time_input_img2img.npy", {.rows = 4, .columns = 16, .numbers = numbers});
  const PicturePackageInfo found = info();
  EXPECT_THAT(steps_of(found), ElementsAre(499, 259));
  EXPECT_THAT(found.notes, Contains(HasSubstr("row 3")));
  write_rows("time_input_img2img.npy",
             {.rows = 4, .columns = 16, .numbers = std::vector<float>(64, 0.0f)});
  expect_corrupt("all rows are zeros");
}

TEST_F(PicturePackageTest, BothTimeFilesMustAgree) {
  write();
  write_rows("time_input_img2img.npy",
             {.rows = 4, .columns = 16, .numbers = std::vector<float>(64, 0.5f)});
  expect_corrupt("timestep 499");
}

TEST_F(PicturePackageTest, TimeRowsOfAnotherLengthOrWithoutSenseAreCorrupt) {
  write();
  write_rows("time_rows.npy", {.rows = 4, .columns = 8, .numbers = std::vector<float>(32, 1.0f)});
  expect_corrupt("the U-Net takes 16");
  write_rows("time_rows.npy", {.rows = 3, .columns = 16, .numbers = std::vector<float>(48, 1.0f)});
  expect_corrupt("3 rows for 4 timesteps");
  std::vector<float> numbers(64, 1.0f);
  numbers[20] = std::numeric_limits<float>::infinity();
  write_rows("time_rows.npy", {.rows = 4, .columns = 16, .numbers = numbers});
  expect_corrupt("row 1");
  ASSERT_TRUE(write_file_atomically(folder_ / "time_rows.npy", "no array").ok());
  expect_corrupt("time_rows.npy");
}

TEST_F(PicturePackageTest, ChangedFilesAreFoundByTheirChecksums) {
  write();
  const std::string vocabulary = *read_file(folder_ / "vocab.json");
  const std::string hash = sha256_hex(std::as_bytes(std::span(vocabulary)));
  ImportRecord record{.source_sha256 = "0", .source_bytes = 0, .options = "none", .files = {}};
  record.files.push_back({"vocab.json", vocabulary.size(), hash});
  ASSERT_TRUE(write_file_atomically(folder_ / "axle.json", to_json(record)).ok());
  const Result<PicturePackage> package = PicturePackage::open(folder_);
  ASSERT_TRUE(package.ok()) << package.status();
  EXPECT_TRUE(package->verify().ok()) << package->verify();
  ASSERT_TRUE(write_file_atomically(folder_ / "vocab.json", vocabulary + " ").ok());
  EXPECT_EQ(package->verify().code(), Code::kCorrupt);
}

}  // namespace
}  // namespace axle::package
