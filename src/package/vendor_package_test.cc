#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "base/file.h"
#include "package/package.h"
#include "package/testing/tiny_gguf.h"

// Packages whose engines the vendor's tool chain compiled: only their inputs and outputs are known.
namespace axle::package {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

constexpr std::uint64_t kBfloat16 = 16;  // TensorProto.DataType, onnx.proto
constexpr std::uint64_t kUint32 = 12;

// ---- A writer of protobuf fields, as much of it as an engine file needs.

std::string varint(std::uint64_t value) {
  std::string out;
  for (; value >= 0x80; value >>= 7) out += static_cast<char>((value & 0x7f) | 0x80);
  return out + static_cast<char>(value);
}
std::string number(std::uint64_t field, std::uint64_t value) {
  return varint(field << 3) + varint(value);
}
std::string bytes(std::uint64_t field, std::string_view value) {
  return varint(field << 3 | 2) + varint(value.size()) + std::string(value);
}

// ValueInfoProto{name, TypeProto{Tensor{elem_type, TensorShapeProto{dim{dim_value}}}}}
std::string value_info(std::string_view name, std::uint64_t type,
                       const std::vector<std::uint64_t>& shape) {
  std::string dims;
  for (const std::uint64_t dim : shape) dims += bytes(1, number(1, dim));
  return bytes(1, name) + bytes(2, bytes(1, number(1, type) + bytes(2, dims)));
}

std::string engine(const std::vector<std::string>& inputs,
                   const std::vector<std::string>& outputs) {
  std::string graph = bytes(1, bytes(4, "neu mode")) + bytes(2, "ax-model");
  for (const std::string& input : inputs) graph += bytes(11, input);
  for (const std::string& output : outputs) graph += bytes(12, output);
  return number(1, 10) + bytes(2, "Pulsar2") +
         bytes(6, "Pulsar2 Version: 5.2\nPulsar2 Commit: 0a1b2c3d") + bytes(7, graph);
}

std::string layer(std::uint64_t hidden, std::uint64_t kv, std::uint64_t cells) {
  return engine(
      {value_info("K_cache", kBfloat16, {1, cells, kv}),
       value_info("V_cache", kBfloat16, {1, cells, kv}), value_info("indices", kUint32, {1, 1}),
       value_info("input", kBfloat16, {1, 1, hidden}),
       value_info("mask", kBfloat16, {1, 1, cells + 1})},
      {value_info("K_cache_out", kBfloat16, {1, 1, kv}),
       value_info("V_cache_out", kBfloat16, {1, 1, kv}),
       value_info("output", kBfloat16, {1, 1, hidden})});
}

std::string head(std::uint64_t hidden, std::uint64_t vocab) {
  return engine({value_info("input", kBfloat16, {1, 1, hidden})},
                {value_info("output", kBfloat16, {1, 1, vocab})});
}

constexpr std::string_view kConfig = R"({
  "model_name": "AXERA-TECH/Qwen3-tiny", "tokenizer_type": "Qwen3",
  "url_tokenizer_model": "tokenizer.json",
  "template_filename_axmodel": "qwen3_p128_l%d_together.axmodel", "axmodel_num": 2,
  "filename_post_axmodel": "qwen3_post.axmodel",
  "filename_tokens_embed": "model.embed_tokens.weight.bfloat16.bin",
  "tokens_embed_num": 288, "tokens_embed_size": 64})";

class VendorPackageTest : public ::testing::Test {
 protected:
  void SetUp() override {
    const auto tiny = testing::make_tiny_package(folder_.path(), "tiny");
    ASSERT_TRUE(tiny.ok()) << tiny.status();
    fs::create_directory(package_);
    put("config.json", kConfig);
    put("qwen3_p128_l0_together.axmodel", layer(64, 32, 1023));
    put("qwen3_p128_l1_together.axmodel", layer(64, 32, 1023));
    put("qwen3_post.axmodel", head(64, 288));
    put("model.embed_tokens.weight.bfloat16.bin", std::string(288 * 64 * 2, '\0'));
    fs::copy(*tiny / "tokenizer.json", package_ / "tokenizer.json");
  }
  void put(const std::string& name, std::string_view content) {
    ASSERT_TRUE(write_file_atomically(package_ / name, content).ok());
  }
  testing::TemporaryFolder folder_;
  const fs::path package_ = folder_.path() / "Qwen3-tiny";
};

TEST_F(VendorPackageTest, IsReadFromItsInputsAndOutputs) {
  const Result<Package> package = Package::open(package_);
  ASSERT_TRUE(package.ok()) << package.status();
  const PackageInfo& info = package->info();
  EXPECT_EQ(info.producer, Producer::kVendor);
  EXPECT_THAT(info.toolchain, HasSubstr("5.2 0a1b2c3d"));
  EXPECT_EQ(info.model_name, "AXERA-TECH/Qwen3-tiny");
  EXPECT_EQ(info.family, "qwen3");
  EXPECT_EQ(package->cells(), 1023u);
  EXPECT_EQ(package->kv_width(1), 32u);
  EXPECT_EQ(package->vocab_size(), 288u);
  EXPECT_EQ(package->max_position(), 1023u);
  EXPECT_THAT(info.notes, ::testing::Contains(HasSubstr("known to the card only")));
  EXPECT_TRUE(package->verify().ok()) << package->verify();
}

TEST_F(VendorPackageTest, FamilyGivesTheTemplateAndTheTokenizerTheEndTokens) {
  const Result<Package> package = Package::open(package_);
  ASSERT_TRUE(package.ok()) << package.status();
  EXPECT_THAT(package->chat_template(), HasSubstr("enable_thinking"));
  EXPECT_THAT(package->end_tokens(), ::testing::UnorderedElementsAre(276, 278));
}

TEST_F(VendorPackageTest, UnknownFamilyHasNoTemplateAndSaysSo) {
  std::string config(kConfig);
  put("config.json", config.replace(config.find("\"Qwen3\""), 7, "\"Other\""));
  const Result<Package> package = Package::open(package_);
  ASSERT_TRUE(package.ok()) << package.status();
  EXPECT_EQ(package->chat_template(), "");
  EXPECT_THAT(package->info().notes, ::testing::Contains(HasSubstr("no chat template")));
}

TEST_F(VendorPackageTest, OneLayerOfTheSoftwareCardAmongThemIsRefused) {
  put("qwen3_p128_l1_together.axmodel",
      *read_file(folder_.path() / "tiny/llama_p16_l1_together.axmodel"));
  const Status status = Package::open(package_).status();
  EXPECT_EQ(status.code(), Code::kCorrupt);
  EXPECT_THAT(status.message(), HasSubstr("built by axle, but the first layer was built by"));
}

TEST_F(VendorPackageTest, LayersMayDifferInTheirCacheWidthOnly) {
  put("qwen3_p128_l1_together.axmodel", layer(64, 48, 1023));
  const Result<Package> package = Package::open(package_);
  ASSERT_TRUE(package.ok()) << package.status();
  EXPECT_EQ(package->kv_width(1), 48u);
  put("qwen3_p128_l1_together.axmodel", layer(64, 32, 1279));
  EXPECT_THAT(Package::open(package_).status().message(), HasSubstr("as in the first layer"));
}

}  // namespace
}  // namespace axle::package
