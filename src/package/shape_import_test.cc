#include "package/shape_import.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <array>
#include <filesystem>
#include <string>
#include <vector>

#include "axmodel/model.h"
#include "base/file.h"
#include "package/byte_vocabulary.h"
#include "package/import.h"
#include "package/locate.h"
#include "package/package.h"
#include "package/testing/tiny_gguf.h"
#include "package/tokenizer.h"

namespace axle::package {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::uint64_t disk_bytes(const fs::path& folder) {
  std::uint64_t sum = 0;
  for (const fs::path& path : list_files(folder, 0)) {
    struct stat found {};
    if (::stat(path.c_str(), &found) == 0) sum += static_cast<std::uint64_t>(found.st_blocks) * 512;
  }
  return sum;
}

class ShapeImportTest : public ::testing::Test {
 protected:
  static ModelShape tiny() {
    ModelShape shape;
    shape.name = "tiny";
    shape.layer = {.architecture = "qwen3",
                   .hidden = 64,
                   .heads = 4,
                   .kv_heads = 2,
                   .head_dim = 32,
                   .ffn = 96,
                   .rms_eps = 1e-6f,
                   .rope_theta = 1e6f,
                   .rope_kind = "neox",
                   .rope_factors = {},
                   .max_position = 4096};
    shape.layers = 3;
    shape.vocab = 400;
    shape.cells = 63;
    shape.chunk = 16;
    shape.ladder = {0, 16, 48};
    return shape;
  }
  Result<ImportReport> import(const ModelShape& shape, bool replace = false) {
    return import_shape(
        {.shape = shape, .output = folder_.path() / "out", .name = "", .replace = replace});
  }
  testing::TemporaryFolder folder_;
};

TEST_F(ShapeImportTest, APackageHasEverySizeAndSaysThatItHasNoWeights) {
  const Result<ImportReport> report = import(tiny());
  ASSERT_TRUE(report.ok()) << report.status();
  const Result<Package> package = Package::open(folder_.path() / "out");
  ASSERT_TRUE(package.ok()) << package.status();
  const PackageInfo& info = package->info();
  EXPECT_FALSE(info.has_weights);
  EXPECT_THAT(info.notes, ElementsAre(HasSubstr("no weights")));
  EXPECT_EQ(info.layers.size(), 3u);
  EXPECT_EQ(info.head_rows, 1u);
  EXPECT_EQ(info.vocab_size, 400u);
  EXPECT_EQ(package->cells(), 63u);
  ASSERT_EQ(package->groups().size(), 4u);
  EXPECT_EQ(package->groups()[3].rows, 16u);
  EXPECT_EQ(package->groups()[3].history, 48u);
  EXPECT_FALSE(info.chat_template.empty());
  EXPECT_EQ(info.end_tokens.size(), 2u);
  EXPECT_TRUE(package->verify().ok()) << package->verify();
  const Result<std::string> config = read_file(folder_.path() / "out" / "config.json");
  ASSERT_TRUE(config.ok());
  EXPECT_THAT(*config, HasSubstr("\"axle_no_weights\": true"));
}

TEST_F(ShapeImportTest, AnEngineHasTheBytesOfItsMatricesInQ8) {
  ASSERT_TRUE(import(tiny()).ok());
  const Result<Package> package = Package::open(folder_.path() / "out");
  ASSERT_TRUE(package.ok()) << package.status();
  const auto weight_sum = [](const fs::path& path) {
    const Result<MappedFile> file = MappedFile::open(path);
    const Result<axmodel::Model> model = axmodel::parse(file->bytes());
    std::size_t sum = 0;
    for (const axmodel::Weight& weight : model->weights) sum += weight.data.size();
    return sum;
  };
  // q and o: 64 x 128, k and v: 64 x 64, gate, up, down: 64 x 96, 34 bytes for 32; norms in float:
  // two of 64, two of 32.
  const std::size_t layer = (2 * 64 * 128 + 2 * 64 * 64 + 3 * 64 * 96) / 32 * 34 + 4 * (128 + 64);
  EXPECT_EQ(weight_sum(package->layer_path(0)), layer);
  EXPECT_EQ(weight_sum(package->layer_path(2)), layer);
  EXPECT_EQ(weight_sum(package->post_path()), 400u * 64 / 32 * 34 + 4 * 64);
  EXPECT_EQ(fs::file_size(package->embedding_path()), 400u * 64 * 2);
}

TEST_F(ShapeImportTest, TheThreeKnownShapesHaveTheSizesThatQwenPublished) {
  struct Wanted {
    const char* name;
    std::array<std::int64_t, 4> sizes;  // hidden, layers, heads, ffn
    std::size_t cells;
    std::size_t last_history;
    double engine_bytes;
  };
  // Parameters of the matrices of all layers and of the head, 34 bytes for 32.
  for (const Wanted& wanted :
       {Wanted{"qwen3-0.6b", {1024, 28, 16, 3072}, 2559, 2048, 595.6e6 * 34 / 32},
        Wanted{"qwen3-1.7b", {2048, 28, 16, 6144}, 2559, 2048, 1720.5e6 * 34 / 32},
        Wanted{"qwen3-4b", {2560, 36, 32, 9728}, 2047, 1152, 4022.0e6 * 34 / 32}}) {
    const Result<ModelShape> shape = find_model_shape(wanted.name);
    ASSERT_TRUE(shape.ok()) << shape.status();
    const axmodel::LayerSpec& layer = shape->layer;
    EXPECT_EQ(layer.hidden, wanted.sizes[0]);
    EXPECT_EQ(shape->layers, static_cast<std::size_t>(wanted.sizes[1]));
    EXPECT_EQ(layer.heads, wanted.sizes[2]);
    EXPECT_EQ(layer.ffn, wanted.sizes[3]);
    EXPECT_EQ(layer.kv(), 1024);
    EXPECT_EQ(shape->vocab, 151936u);
    EXPECT_EQ(shape->cells, wanted.cells);
    EXPECT_EQ(shape->ladder.back(), wanted.last_history);
    ASSERT_TRUE(import(*shape, true).ok());
    const Result<Package> package = Package::open(folder_.path() / "out");
    ASSERT_TRUE(package.ok()) << package.status();
    const MemoryNeed& memory = package->info().memory;
    EXPECT_NEAR(static_cast<double>(memory.engines) / wanted.engine_bytes, 1.0, 0.002);
    EXPECT_LT(memory.total(), std::uint64_t{7040} << 20);
    EXPECT_LT(disk_bytes(folder_.path() / "out"), std::uint64_t{32} << 20);
  }
  EXPECT_THAT(find_model_shape("qwen3-8b").status().message(), HasSubstr("qwen3-4b"));
}

TEST_F(ShapeImportTest, AnotherShapeOfTheSameNameIsRefusedUnlessItReplaces) {
  ASSERT_TRUE(import(tiny()).ok());
  const Result<ImportReport> again = import(tiny());
  ASSERT_TRUE(again.ok()) << again.status();
  EXPECT_TRUE(again->already_there);
  ModelShape wider = tiny();
  wider.cells = 79;
  EXPECT_EQ(import(wider).status().code(), Code::kInvalidArgument);
  EXPECT_TRUE(import(wider, true).ok());
  EXPECT_EQ(Package::open(folder_.path() / "out")->cells(), 79u);
}

TEST_F(ShapeImportTest, SizesThatCannotBeAreRefused) {
  for (const auto& spoil :
       std::vector<void (*)(ModelShape&)>{[](ModelShape& shape) {
                                            shape.ladder = {0, 64};
                                          },
                                          [](ModelShape& shape) { shape.ladder.clear(); },
                                          [](ModelShape& shape) { shape.layers = 0; },
                                          [](ModelShape& shape) { shape.vocab = 100; },
                                          [](ModelShape& shape) { shape.layer.hidden = 65; }}) {
    ModelShape shape = tiny();
    spoil(shape);
    EXPECT_EQ(import(shape).status().code(), Code::kInvalidArgument) << import(shape).status();
    EXPECT_TRUE(list_files(folder_.path(), 1).empty());
  }
}

TEST(ByteVocabularyTest, TextAndTokensSurviveAWayThereAndBack) {
  const Result<text::Tokenizer> tokenizer = make_byte_vocabulary(20000);
  ASSERT_TRUE(tokenizer.ok()) << tokenizer.status();
  EXPECT_EQ(tokenizer->vocab_size(), 20000u);
  const std::string text = "Tell me about w\xc3\xa4ter, please\n";
  const auto ids = tokenizer->encode(text, text::SpecialTokens::kPlain);
  ASSERT_TRUE(ids.ok()) << ids.status();
  EXPECT_EQ(*tokenizer->decode(*ids), text);
  const std::vector<std::int32_t> words = {259, 284, 285, 961, 19999, 12345};
  const auto back = tokenizer->encode(*tokenizer->decode(words), text::SpecialTokens::kPlain);
  ASSERT_TRUE(back.ok()) << back.status();
  EXPECT_EQ(*back, words);
  const auto plain = tokenizer->encode(" river through the window", text::SpecialTokens::kPlain);
  EXPECT_EQ(plain->size(), 4u);
  EXPECT_TRUE(tokenizer->is_special(*tokenizer->token_id("<|im_end|>")));
}

}  // namespace
}  // namespace axle::package
