#include "package/picture_import.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "axmodel/model.h"
#include "axmodel/testing/onnx_graph.h"
#include "base/file.h"
#include "package/checksum.h"
#include "package/picture_package.h"
#include "package/store.h"
#include "package/testing/tiny_gguf.h"
#include "package/testing/tiny_pictures.h"

namespace axle::package {
namespace {

namespace fs = std::filesystem;
using axmodel::DataType;
using axmodel::testing::OnnxGraph;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

// A U-Net as optimum exports it: open dimensions, 64-bit timestep, time embedding inside.
OnnxGraph unet_with_time() {
  const std::vector<float> ones(16, 0.1f);
  OnnxGraph graph;
  graph.input("sample", DataType::kFloat, {-1, 4, -1, -1})
      .input("timestep", DataType::kInt64, {-1})
      .input("encoder_hidden_states", DataType::kFloat, {-1, -1, 8})
      .constant("w1", {4, 4}, ones)
      .constant("b1", {4}, std::vector<float>(4, 0.2f))
      .constant("w2", {4, 4}, ones)
      .constant("b2", {4}, std::vector<float>(4, 0.3f))
      .constant("channels", {4}, std::vector<std::int64_t>{-1, 4, 1, 1})
      .constant("from_text", {8, 4}, std::vector<float>(32, 0.1f))
      .node("Cast", {"timestep"}, {"t"}, {{"to", std::int64_t{1}}})
      .node("Concat", {"t", "t", "t", "t"}, {"p"}, {{"axis", std::int64_t{0}}})
      .node("Gemm", {"p", "w1", "b1"}, {"x"}, {{"transB", std::int64_t{1}}})
      .node("Sigmoid", {"x"}, {"gate1"})
      .node("Mul", {"x", "gate1"}, {"x1"})
      .node("Gemm", {"x1", "w2", "b2"}, {"emb"}, {{"transB", std::int64_t{1}}})
      .node("Sigmoid", {"emb"}, {"gate2"})
      .node("Mul", {"emb", "gate2"}, {"act"})
      .node("Reshape", {"act", "channels"}, {"shift"})
      .node("ReduceMean", {"encoder_hidden_states"}, {"mean"},
            {{"axes", std::vector<std::int64_t>{1}}, {"keepdims", std::int64_t{0}}})
      .node("MatMul", {"mean", "from_text"}, {"text"})
      .node("Reshape", {"text", "channels"}, {"text_shift"})
      .node("Add", {"sample", "shift"}, {"timed"})
      .node("Add", {"timed", "text_shift"}, {"out_sample"})
      .output("out_sample", DataType::kFloat, {-1, 4, -1, -1});
  return graph;
}

class PictureImportTest : public ::testing::Test {
 protected:
  // Flat ONNX files with a time row as the U-Net's input: the engines of a tiny package.
  void write_flat(const testing::TinyPicturesOptions& options = {}) {
    ASSERT_TRUE(testing::write_tiny_pictures(source_, options).ok());
    for (const char* part : {"text_encoder", "unet", "vae_decoder", "vae_encoder"}) {
      const fs::path engine = source_ / (std::string(part) + ".axmodel");
      if (fs::exists(engine)) fs::rename(engine, source_ / (std::string(part) + ".onnx"));
    }
  }
  // The layout of optimum, with a U-Net that takes the timestep.
  void write_optimum() {
    write_flat();
    for (const char* part : {"text_encoder", "unet", "vae_decoder", "vae_encoder"}) {
      fs::create_directories(source_ / part);
      fs::rename(source_ / (std::string(part) + ".onnx"), source_ / part / "model.onnx");
    }
    fs::create_directories(source_ / "tokenizer");
    for (const char* text : {"vocab.json", "merges.txt"}) {
      fs::rename(source_ / text, source_ / "tokenizer" / text);
    }
    fs::remove(source_ / "time_rows.npy");
    ASSERT_TRUE(unet_with_time().write(source_ / "unet/model.onnx").ok());
  }
  PictureImportOptions options() const {
    return {.source = source_, .output = folder_.path() / "painter"};
  }
  Status failure(const PictureImportOptions& wanted) const {
    return import_pictures(wanted).status();
  }
  PicturePackageInfo imported() const {
    const Result<PicturePackage> package = PicturePackage::open(folder_.path() / "painter");
    EXPECT_TRUE(package.ok()) << package.status();
    if (!package.ok()) return {};
    EXPECT_TRUE(package->verify().ok()) << package->verify();
    return package->info();
  }

  testing::TemporaryFolder folder_;
  const fs::path source_ = folder_.path() / "source";
};

TEST_F(PictureImportTest, FlatFilesWithTimeRowsBecomeAPackage) {
  write_flat({.width = 64, .height = 128});
  EXPECT_TRUE(looks_like_onnx_pictures(source_));
  const Result<PictureImportReport> report = import_pictures(options());
  ASSERT_TRUE(report.ok()) << report.status();
  EXPECT_FALSE(report->already_there);
  EXPECT_EQ(report->height, 128u);
  EXPECT_THAT(report->time_steps, ElementsAre(999, 759, 499, 259));
  EXPECT_GT(report->bytes_before, 1000u);
  EXPECT_GT(report->bytes_after, report->bytes_before);
  const PicturePackageInfo info = imported();
  EXPECT_EQ(info.model_name, "painter");
  EXPECT_EQ(info.variants[0].id, "64x128");
  EXPECT_TRUE(info.variants[0].vae_encoder.has_value());
  EXPECT_EQ(info.time_rows.size(), 4u);
}

TEST_F(PictureImportTest, APipelineOfOptimumIsCutBehindItsTimeEmbedding) {
  write_optimum();
  const Result<PictureImportReport> report = import_pictures(options());
  ASSERT_TRUE(report.ok()) << report.status();
  EXPECT_THAT(report->notes, Contains(HasSubstr("LCM")));
  const PicturePackageInfo info = imported();
  EXPECT_EQ(info.variants[0].unet_time_row, "time_row");
  EXPECT_EQ(info.time_width, 4u);
  EXPECT_GT(info.time_rows.size(), 15u);
  EXPECT_TRUE(info.time_rows.contains(339));
}

TEST_F(PictureImportTest, WhatTheGraphsLeaveOpenTakesTheWantedSize) {
  write_optimum();
  OnnxGraph decoder;
  decoder.input("latent_sample", DataType::kFloat, {-1, 4, -1, -1})
      .constant("scales", {4}, std::vector<float>{1, 1, 8, 8})
      .constant("colours", {3, 4, 1, 1}, std::vector<float>(12, 0.1f))
      .node("Resize", {"latent_sample", "", "scales"}, {"large"})
      .node("Conv", {"large", "colours"}, {"sample"})
      .output("sample", DataType::kFloat, {-1, 3, -1, -1});
  ASSERT_TRUE(decoder.write(source_ / "vae_decoder/model.onnx").ok());
  fs::remove_all(source_ / "vae_encoder");
  PictureImportOptions wanted = options();
  wanted.width = 128;
  wanted.height = 64;
  const Result<PictureImportReport> report = import_pictures(wanted);
  ASSERT_TRUE(report.ok()) << report.status();
  EXPECT_EQ(imported().variants[0].id, "128x64");
  wanted.width = 100;
  EXPECT_EQ(failure(wanted).code(), Code::kInvalidArgument);
}

TEST_F(PictureImportTest, TheSameImportAgainWritesNothingAndAnotherIsRefused) {
  write_flat();
  ASSERT_TRUE(import_pictures(options()).ok());
  const Result<PictureImportReport> again = import_pictures(options());
  ASSERT_TRUE(again.ok()) << again.status();
  EXPECT_TRUE(again->already_there);
  write_flat({.seed = 9});
  EXPECT_EQ(failure(options()).code(), Code::kInvalidArgument);
  PictureImportOptions replacing = options();
  replacing.replace = true;
  EXPECT_TRUE(import_pictures(replacing).ok());
}

TEST_F(PictureImportTest, TheSameWeightsHaveTheSameHashWhateverTheirName) {
  write_flat();
  PictureImportOptions other = options();
  other.output = folder_.path() / "other";
  ASSERT_TRUE(import_pictures(options()).ok());
  ASSERT_TRUE(import_pictures(other).ok());
  const std::string hash = recorded_sha256(options().output);
  EXPECT_EQ(hash.size(), 64u);
  EXPECT_EQ(recorded_sha256(other.output), hash);
  write_flat({.seed = 9});
  other.replace = true;
  ASSERT_TRUE(import_pictures(other).ok());
  EXPECT_NE(recorded_sha256(other.output), hash);
  EXPECT_EQ(recorded_sha256(source_), "") << "Nobody imported it.";
}

TEST_F(PictureImportTest, MissingPartsAreNamedAndNothingIsLeftBehind) {
  for (const char* part :
       {"unet.onnx", "text_encoder.onnx", "vae_decoder.onnx", "vocab.json", "time_rows.npy"}) {
    write_flat();
    fs::remove(source_ / part);
    EXPECT_EQ(failure(options()).code(), Code::kNotFound) << part;
    EXPECT_THAT(failure(options()).message(), HasSubstr(part));
  }
  EXPECT_EQ(failure({.source = folder_.path() / "no", .output = source_}).code(), Code::kNotFound);
  EXPECT_FALSE(fs::exists(folder_.path() / "painter"));
}

TEST_F(PictureImportTest, GraphsOfOtherModelsAreUnsupportedOrCorruptWithTheTensor) {
  write_flat();
  OnnxGraph guided;  // A further input: the guidance embedding of other LCM models.
  guided.input("sample", DataType::kFloat, {1, 4, 8, 8})
      .input("time_row", DataType::kFloat, {1, 16})
      .input("timestep_cond", DataType::kFloat, {1, 256})
      .input("encoder_hidden_states", DataType::kFloat, {1, 77, 8})
      .node("Relu", {"sample"}, {"noise"})
      .output("noise", DataType::kFloat, {1, 4, 8, 8});
  ASSERT_TRUE(guided.write(source_ / "unet.onnx").ok());
  EXPECT_EQ(failure(options()).code(), Code::kUnsupported);
  EXPECT_THAT(failure(options()).message(), HasSubstr("timestep_cond [1, 256]"));

  write_flat();
  OnnxGraph wide;
  wide.input("input_ids", DataType::kInt64, {1, 77})
      .node("Relu", {"input_ids"}, {"y"})
      .output("y", DataType::kFloat, {1, 77, 12});
  ASSERT_TRUE(wide.write(source_ / "text_encoder.onnx").ok());
  EXPECT_EQ(failure(options()).code(), Code::kCorrupt);
  EXPECT_THAT(failure(options()).message(), HasSubstr("[1, 77, 12], wanted [1, 77, 8]"));

  write_flat();
  ASSERT_TRUE(write_file_atomically(source_ / "vae_decoder.onnx", "nothing").ok());
  EXPECT_EQ(failure(options()).code(), Code::kCorrupt);
}

TEST_F(PictureImportTest, AStoppedImportIsCancelled) {
  write_flat();
  std::stop_source stop;
  PictureImportOptions wanted = options();
  wanted.cancel = stop.get_token();
  wanted.progress = [&stop](const ImportProgress& progress) {
    if (progress.step == "unet") stop.request_stop();
  };
  EXPECT_EQ(failure(wanted).code(), Code::kCancelled);
  EXPECT_FALSE(fs::exists(wanted.output));
}

TEST_F(PictureImportTest, TheShapeOfSd15HasItsSizesAndTimesAndNoWeights) {
  const Result<PictureImportReport> report = import_picture_shape(options());
  ASSERT_TRUE(report.ok()) << report.status();
  EXPECT_GT(report->bytes_after, 2'000'000'000u);
  const PicturePackageInfo info = imported();
  EXPECT_FALSE(info.has_weights);
  EXPECT_EQ(info.text_width, 768u);
  EXPECT_EQ(info.time_width, 1280u);
  EXPECT_EQ(info.variants[0].id, "512x512");
  const Result<MappedFile> file = MappedFile::open(info.variants[0].unet);
  ASSERT_TRUE(file.ok());
  const Result<axmodel::Model> unet = axmodel::parse(file->bytes());
  ASSERT_TRUE(unet.ok());
  EXPECT_EQ(unet->metadata.at("axle.fixed_ms"), "434");
  const Result<PictureImportReport> again = import_picture_shape(options());
  ASSERT_TRUE(again.ok()) << again.status();
  EXPECT_TRUE(again->already_there);
}

TEST_F(PictureImportTest, AStoreTellsPicturesFromLanguageModels) {
  ASSERT_TRUE(testing::write_tiny_pictures(folder_.path() / "flat").ok());
  ASSERT_TRUE(testing::write_tiny_engines(folder_.path() / "sizes/models", {}).ok());
  ASSERT_TRUE(testing::write_tiny_pictures(folder_.path() / "owner/painter").ok());
  fs::create_directories(folder_.path() / "text");
  ASSERT_TRUE(write_file_atomically(folder_.path() / "text/config.json", "{}").ok());
  const Result<std::vector<StoreEntry>> entries = Store(folder_.path()).list();
  ASSERT_TRUE(entries.ok());
  std::vector<std::string> pictures;
  for (const StoreEntry& entry : *entries) {
    if (entry.kind == PackageKind::kPictures) pictures.push_back(entry.name);
  }
  EXPECT_EQ(entries->size(), 4u);
  EXPECT_THAT(pictures, ElementsAre("flat", "owner/painter", "sizes"));
}

}  // namespace
}  // namespace axle::package
