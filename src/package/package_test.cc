#include "package/package.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <string>

#include "axmodel/layer.h"
#include "axmodel/model.h"
#include "base/file.h"
#include "package/testing/tiny_gguf.h"
#include "package/tokenizer.h"

namespace axle::package {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

// A copy, for each test, of one tiny package that is made once.
class PackageTest : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    original_ = new testing::TemporaryFolder;
    const auto made = testing::make_tiny_package(original_->path(), "tiny");
    ASSERT_TRUE(made.ok()) << made.status();
  }
  static void TearDownTestSuite() {
    delete original_;
    original_ = nullptr;
  }

  void SetUp() override {
    fs::copy(original_->path() / "tiny", package_, fs::copy_options::recursive);
  }

  // Writes `content` over a file of the package.
  void put(const std::string& name, const std::string& content) {
    ASSERT_TRUE(write_file_atomically(package_ / name, content).ok());
  }
  // Replaces text in a file of the package.
  void edit(const std::string& name, const std::string& from, const std::string& to) {
    std::string text = *read_file(package_ / name);
    const std::size_t at = text.find(from);
    ASSERT_NE(at, std::string::npos) << text;
    put(name, text.replace(at, from.size(), to));
  }
  Status failure() const { return Package::open(package_).status(); }

  static inline testing::TemporaryFolder* original_ = nullptr;
  testing::TemporaryFolder folder_;
  const fs::path package_ = folder_.path() / "tiny";
  const std::string layer1_ = "llama_p16_l1_together.axmodel";
};

TEST_F(PackageTest, DescribesTheModelFromItsEngines) {
  const Result<Package> package = Package::open(package_);
  ASSERT_TRUE(package.ok()) << package.status();
  EXPECT_EQ(package->name(), "tiny");
  EXPECT_EQ(package->info().family, "llama");
  EXPECT_EQ(package->layer_count(), 2u);
  EXPECT_EQ(package->hidden(), 64u);
  EXPECT_EQ(package->kv_width(1), 64u);
  EXPECT_EQ(package->cells(), 127u);
  EXPECT_EQ(package->vocab_size(), 279u);
  EXPECT_EQ(package->max_position(), 512u);
  EXPECT_EQ(package->groups().size(), 6u);
  EXPECT_EQ(package->groups()[0], (Group{0, 1, 127, 127}));
  EXPECT_EQ(package->groups()[5], (Group{5, 16, 127, 127}));
  EXPECT_THAT(package->end_tokens(), ::testing::ElementsAre(276, 278));
  EXPECT_THAT(package->chat_template(), HasSubstr("<|im_start|>"));
  EXPECT_EQ(package->info().memory.cache, 2u * 2 * 127 * 64 * 2);
  EXPECT_GT(package->info().memory.engines, fs::file_size(package->post_path()));
  EXPECT_TRUE(package->verify().ok()) << package->verify();
}

TEST_F(PackageTest, LoadsTheTokenizerOfThePackage) {
  const Result<Package> package = Package::open(package_ / "");
  ASSERT_TRUE(package.ok()) << package.status();
  const Result<text::Tokenizer> tokenizer = load_tokenizer(*package);
  ASSERT_TRUE(tokenizer.ok()) << tokenizer.status();
  const auto ids = tokenizer->encode("hello the world", text::SpecialTokens::kPlain);
  ASSERT_TRUE(ids.ok());
  EXPECT_LT(ids->size(), 5u);
  EXPECT_EQ(*tokenizer->decode(*ids), "hello the world");
}

TEST_F(PackageTest, FolderThatIsMissingOrAFileIsReported) {
  EXPECT_EQ(Package::open(package_ / "none").status().code(), Code::kNotFound);
  const Status status = Package::open(package_ / "config.json").status();
  EXPECT_EQ(status.code(), Code::kInvalidArgument);
  EXPECT_THAT(status.message(), HasSubstr("config.json is not a folder"));
}

TEST_F(PackageTest, EmptyFolderIsNotAPackage) {
  fs::remove_all(package_);
  fs::create_directory(package_);
  EXPECT_EQ(failure().code(), Code::kNotFound);
  EXPECT_THAT(failure().message(), HasSubstr("is not a model package"));
}

TEST_F(PackageTest, MissingLayerIsNamed) {
  fs::remove(package_ / layer1_);
  EXPECT_EQ(failure().code(), Code::kNotFound);
  EXPECT_THAT(failure().message(),
              HasSubstr("1 of 2 layer files are missing in " + package_.string() + ": " + layer1_));
}

TEST_F(PackageTest, MissingHeadTableAndTokenizerAreNamed) {
  for (const auto& [file, text] :
       {std::pair{"llama_post.axmodel", "the head is missing: no file"},
        std::pair{"model.embed_tokens.weight.bfloat16.bin", "the embedding table is missing"},
        std::pair{"tokenizer.json", "the tokenizer is missing"}}) {
    fs::rename(package_ / file, folder_.path() / "away");
    EXPECT_EQ(failure().code(), Code::kNotFound);
    EXPECT_THAT(failure().message(), HasSubstr(text));
    EXPECT_THAT(failure().message(), HasSubstr(file));
    fs::rename(folder_.path() / "away", package_ / file);
  }
}

TEST_F(PackageTest, TruncatedEngineIsNamedWithBytesWantedAndFound) {
  const std::uintmax_t whole = fs::file_size(package_ / layer1_);
  fs::resize_file(package_ / layer1_, 20000);
  EXPECT_EQ(failure().code(), Code::kCorrupt);
  EXPECT_THAT(failure().message(),
              HasSubstr(fmt::format("{}: it has 20000 bytes, wanted {}", layer1_, whole)));
  fs::remove(package_ / "axle.json");  // As in a package of the vendor.
  EXPECT_EQ(failure().code(), Code::kCorrupt);
  EXPECT_THAT(failure().message(), HasSubstr(layer1_ + " (20000 bytes): "));
}

TEST_F(PackageTest, TruncatedEmbeddingTellsWantedAndFound) {
  fs::remove(package_ / "axle.json");
  fs::resize_file(package_ / "model.embed_tokens.weight.bfloat16.bin", 1000);
  EXPECT_EQ(failure().code(), Code::kCorrupt);
  EXPECT_THAT(failure().message(),
              HasSubstr("it has 1000 bytes, wanted 35712 (279 tokens of 64 bf16 numbers)"));
}

// Rewrites a layer with other groups.
void rewrite_layer(const fs::path& path, const std::function<void(axmodel::Model&)>& edit) {
  const Result<MappedFile> file = MappedFile::open(path);
  ASSERT_TRUE(file.ok());
  Result<axmodel::Model> model = axmodel::parse(file->bytes());
  ASSERT_TRUE(model.ok()) << model.status();
  edit(*model);
  const Status written = axmodel::write(*model, path);
  ASSERT_TRUE(written.ok()) << written;
}

TEST_F(PackageTest, LayerWithOtherGroupsThanTheFirstIsNamed) {
  fs::remove(package_ / "axle.json");
  rewrite_layer(package_ / layer1_, [](axmodel::Model& model) { model.groups.pop_back(); });
  EXPECT_EQ(failure().code(), Code::kCorrupt);
  EXPECT_THAT(failure().message(),
              HasSubstr("it has 5 shape groups, wanted 6 as in the first layer"));
  rewrite_layer(package_ / layer1_, [](axmodel::Model& model) {
    model.groups.push_back(axmodel::layer_group(*axmodel::layer_spec(model), 16, 100));
  });
  EXPECT_THAT(failure().message(),
              HasSubstr("group 5 is (16 rows, history 100, 100 cache rows), wanted (16 rows, "
                        "history 127, 127 cache rows) as in the first layer"));
}

TEST_F(PackageTest, LayerWithoutAWeightIsNamed) {
  fs::remove(package_ / "axle.json");
  rewrite_layer(package_ / layer1_, [](axmodel::Model& model) { model.weights.pop_back(); });
  EXPECT_EQ(failure().code(), Code::kCorrupt);
  EXPECT_THAT(failure().message(), HasSubstr(layer1_ + ": weight 'ffn_down' is missing"));
}

TEST_F(PackageTest, LayerOfAnotherWidthIsNamed) {
  fs::remove(package_ / "axle.json");
  testing::TinyPackageOptions wide;
  wide.gguf.hidden = 96;
  ASSERT_TRUE(testing::make_tiny_package(folder_.path(), "wide", wide).ok());
  fs::copy(folder_.path() / "wide" / layer1_, package_ / layer1_,
           fs::copy_options::overwrite_existing);
  EXPECT_THAT(failure().message(),
              HasSubstr("its rows have 96 numbers, wanted 64 as in the first layer"));
}

TEST_F(PackageTest, HeadOfAnotherModelIsNamed) {
  fs::remove(package_ / "axle.json");
  testing::TinyPackageOptions wide;
  wide.gguf.hidden = 96;
  ASSERT_TRUE(testing::make_tiny_package(folder_.path(), "wide", wide).ok());
  fs::copy(folder_.path() / "wide/llama_post.axmodel", package_ / "llama_post.axmodel",
           fs::copy_options::overwrite_existing);
  EXPECT_THAT(failure().message(),
              HasSubstr("'input' has 96 numbers a row, wanted 64 as in the layers"));
}

TEST_F(PackageTest, ConfigThatContradictsTheEnginesIsNamed) {
  edit("config.json", "\"tokens_embed_num\": 279", "\"tokens_embed_num\": 280");
  EXPECT_EQ(failure().code(), Code::kCorrupt);
  EXPECT_THAT(failure().message(),
              HasSubstr("\"tokens_embed_num\" is 280, but the engines have 279"));
}

TEST_F(PackageTest, UnreadableConfigIsNamedWithItsLine) {
  edit("config.json", "\"axmodel_num\": 2,", "\"axmodel_num\": 2 2,");
  EXPECT_EQ(failure().code(), Code::kCorrupt);
  EXPECT_THAT(failure().message(), HasSubstr("config.json: not JSON"));
  EXPECT_THAT(failure().message(), HasSubstr("in line 6"));
}

TEST_F(PackageTest, UnknownTokenizerIsNamed) {
  put("tokenizer.json", std::string("\n\xE7\x01\n\x05<unk>\x15", 10));
  EXPECT_EQ(failure().code(), Code::kUnsupported);
  EXPECT_THAT(failure().message(), HasSubstr("unknown tokenizer"));
  EXPECT_THAT(failure().message(), HasSubstr("(10 bytes)"));
}

TEST_F(PackageTest, BrokenChatTemplateIsNamed) {
  put("tokenizer_config.json", R"({"chat_template": "{% for x in %}"})");
  EXPECT_EQ(failure().code(), Code::kCorrupt);
  EXPECT_THAT(failure().message(), HasSubstr("the chat template: "));
}

TEST_F(PackageTest, EndTokensComeFromTheTokenizerWhenNoFileNamesThem) {
  fs::remove(package_ / "generation_config.json");
  const Result<Package> package = Package::open(package_);
  ASSERT_TRUE(package.ok()) << package.status();
  EXPECT_THAT(package->end_tokens(), ::testing::UnorderedElementsAre(276, 278));
}

TEST_F(PackageTest, EndTokenBeyondTheVocabularyIsCorrupt) {
  put("generation_config.json", R"({"eos_token_id": [5, 279]})");
  EXPECT_THAT(failure().message(), HasSubstr("end token 279 is not below the 279 tokens"));
}

TEST_F(PackageTest, OlderLayoutIsFoundByFileNames) {
  fs::remove(package_ / "config.json");
  fs::create_directory(package_ / "tiny_tokenizer");
  for (const char* name : {"tokenizer.json", "tokenizer_config.json", "generation_config.json"}) {
    fs::rename(package_ / name, package_ / "tiny_tokenizer" / name);
  }
  put("tiny_tokenizer/config.json", R"({"architectures": ["LlamaForCausalLM"]})");
  const Result<Package> package = Package::open(package_);
  ASSERT_TRUE(package.ok()) << package.status();
  EXPECT_EQ(package->layer_count(), 2u);
  EXPECT_EQ(package->info().tokenizer.parent_path().filename(), "tiny_tokenizer");
  EXPECT_THAT(package->end_tokens(), ::testing::ElementsAre(276, 278));
}

TEST_F(PackageTest, OlderLayoutNamesAMissingLayerInTheMiddle) {
  fs::remove(package_ / "config.json");
  fs::remove(package_ / "llama_p16_l0_together.axmodel");
  EXPECT_EQ(failure().code(), Code::kNotFound);
  EXPECT_THAT(failure().message(), HasSubstr("llama_p16_l0_together.axmodel"));
}

TEST_F(PackageTest, OlderLayoutWithTwoModelsIsRefused) {
  fs::remove(package_ / "config.json");
  fs::copy(package_ / layer1_, package_ / "qwen3_p128_l0_together.axmodel");
  EXPECT_EQ(failure().code(), Code::kCorrupt);
  EXPECT_THAT(failure().message(), HasSubstr("holds the layers of 2 models, wanted one"));
}

TEST_F(PackageTest, LongCheckFindsAFlippedBit) {
  const Result<Package> package = Package::open(package_);
  ASSERT_TRUE(package.ok());
  const fs::path path = package->layer_path(1);
  std::string bytes = *read_file(path);
  bytes[bytes.size() / 2] = static_cast<char>(bytes[bytes.size() / 2] ^ 4);
  put(path.filename().string(), bytes);
  const Status status = package->verify();
  EXPECT_EQ(status.code(), Code::kCorrupt);
  EXPECT_THAT(status.message(), HasSubstr(layer1_ + ": its SHA-256 is"));
}

TEST_F(PackageTest, LongCheckFindsANumberThatIsNotFinite) {
  fs::remove(package_ / "axle.json");
  const std::string name = "model.embed_tokens.weight.bfloat16.bin";
  std::string bytes = *read_file(package_ / name);
  bytes[64 * 2 * 7 + 1] = '\x7f';
  bytes[64 * 2 * 7] = '\xff';
  put(name, bytes);
  EXPECT_THAT(Package::open(package_)->verify().message(),
              HasSubstr("the row of token 7 holds a number that is not finite"));
}

TEST_F(PackageTest, TokenizerWithMoreTokensThanLogitsIsRefused) {
  testing::TinyPackageOptions options;
  options.gguf.edit = [](testing::GgufWriter& writer) {
    writer.remove_tensor("token_embd.weight");
    writer.add_random("token_embd.weight", "f32", {64, 300}, 1);
  };
  const auto made = testing::make_tiny_package(folder_.path(), "padded", options);
  ASSERT_TRUE(made.ok()) << made.status();
  EXPECT_TRUE(load_tokenizer(*Package::open(*made)).ok());
  std::string json = *read_file(package_ / "tokenizer.json");
  for (std::size_t at = json.find("278"); at != std::string::npos; at = json.find("278", at)) {
    json.replace(at, 3, "999");
  }
  put("tokenizer.json", json);
  const Status status = load_tokenizer(*Package::open(package_)).status();
  EXPECT_EQ(status.code(), Code::kCorrupt);
  EXPECT_THAT(status.message(), HasSubstr("has token ids up to 999, but the model has 279 logits"));
}

}  // namespace
}  // namespace axle::package
