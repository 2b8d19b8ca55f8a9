#include "package/config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace axle::package {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

// As in the vendor's Qwen3-0.6B package.
constexpr std::string_view kVendor = R"({
  "model_name": "AXERA-TECH/Qwen3-0.6B",
  "tokenizer_type": "Qwen3",
  "url_tokenizer_model": "qwen3_tokenizer.txt",
  "template_filename_axmodel": "qwen3_p128_l%d_together.axmodel",
  "axmodel_num": 28,
  "filename_post_axmodel": "qwen3_post.axmodel",
  "filename_tokens_embed": "model.embed_tokens.weight.bfloat16.bin",
  "tokens_embed_num": 151936,
  "tokens_embed_size": 1024,
  "sliding_window": 0, "layer_types": ["full_attention"], "vlm_type": "",
  "unknown_future_key": {"a": [1, 2]}
})";

std::string changed(std::string_view from, std::string_view to) {
  std::string text(kVendor);
  text.replace(text.find(from), from.size(), to);
  return text;
}

Status failure(std::string_view from, std::string_view to) {
  return parse_vendor_config(changed(from, to)).status();
}

TEST(VendorConfigTest, ReadsTheVendorsKeys) {
  const auto config = parse_vendor_config(kVendor);
  ASSERT_TRUE(config.ok() && config->has_value()) << config.status();
  EXPECT_EQ((*config)->layer_count, 28u);
  EXPECT_EQ((*config)->vocab_size, 151936u);
  EXPECT_EQ((*config)->tokenizer_file, "qwen3_tokenizer.txt");
  EXPECT_EQ(layer_file_name((*config)->layer_template, 7), "qwen3_p128_l7_together.axmodel");
}

TEST(VendorConfigTest, HuggingFaceConfigIsNotOne) {
  // Qwen2.5 names a window that it does not use.
  const auto config = parse_vendor_config(
      R"({"model_type": "qwen2", "sliding_window": 131072, "use_sliding_window": false})");
  ASSERT_TRUE(config.ok()) << config.status();
  EXPECT_FALSE(config->has_value());
}

TEST(VendorConfigTest, BadValuesNameTheKey) {
  EXPECT_EQ(failure("\"axmodel_num\": 28", "\"axmodel_num\": -1").message(),
            "\"axmodel_num\" is -1, wanted 1 to 1024");
  EXPECT_EQ(failure("\"axmodel_num\": 28", "\"axmodel_num\": \"28\"").message(),
            "\"axmodel_num\" is a string, wanted a whole number");
  EXPECT_EQ(failure("\"axmodel_num\": 28,", "").message(), "\"axmodel_num\" is missing");
  EXPECT_THAT(failure("l%d_", "l%s_").message(), HasSubstr("wanted a file name with one %d"));
  EXPECT_THAT(failure("qwen3_post", "../qwen3_post").message(),
              HasSubstr("leads out of the package folder"));
  EXPECT_THAT(failure("qwen3_post", "/etc/qwen3_post").message(),
              HasSubstr("leads out of the package folder"));
  EXPECT_EQ(failure("{\n", "[{\n").code(), Code::kCorrupt);
  EXPECT_EQ(parse_vendor_config("[]").status().message(), "it holds no JSON object");
  EXPECT_THAT(parse_vendor_config("{} x").status().message(), HasSubstr("not JSON"));
  EXPECT_THAT(parse_vendor_config("{").status().message(), HasSubstr("not JSON"));
}

TEST(VendorConfigTest, KindsThatAxleDoesNotRunAreUnsupported) {
  const Status window = failure("\"sliding_window\": 0", "\"sliding_window\": 512");
  EXPECT_EQ(window.code(), Code::kUnsupported);
  EXPECT_THAT(window.message(), HasSubstr("\"sliding_window\" is 512"));
  EXPECT_THAT(failure("\"full_attention\"", "\"linear_attention\"").message(),
              HasSubstr("\"layer_types\" has 'linear_attention'"));
  EXPECT_THAT(parse_vendor_config(R"({"model_type": "image_generation"})").status().message(),
              HasSubstr("'image_generation', which is not a language model"));
}

TEST(VendorConfigTest, WhatIsWrittenIsReadBack) {
  const auto config = parse_vendor_config(kVendor);
  const auto again = parse_vendor_config(vendor_config_json(**config));
  ASSERT_TRUE(again.ok() && again->has_value());
  EXPECT_EQ((*again)->layer_template, (*config)->layer_template);
  EXPECT_EQ((*again)->hidden, (*config)->hidden);
  EXPECT_EQ((*again)->model_name, (*config)->model_name);
}

TEST(VendorConfigTest, ATokenizerThatIsNotNamedIsLeftOut) {
  auto config = parse_vendor_config(kVendor);
  (*config)->tokenizer_file.clear();
  const auto again = parse_vendor_config(vendor_config_json(**config));
  ASSERT_TRUE(again.ok() && again->has_value()) << again.status();
  EXPECT_EQ((*again)->tokenizer_file, "");
}

TEST(TextConfigTest, MergesTokenNamesTemplatesAndEndTokens) {
  TextConfig config;
  ASSERT_TRUE(merge_tokenizer_config(
                  R"({"bos_token": {"content": "<s>"}, "eos_token": "</s>", "add_bos_token": true,
                      "chat_template": [{"name": "tool_use", "template": "A"},
                                        {"name": "default", "template": "B"}]})",
                  config)
                  .ok());
  ASSERT_TRUE(merge_generation_config(R"({"eos_token_id": [2, 7]})", config).ok());
  ASSERT_TRUE(merge_generation_config(R"({"eos_token_id": 9})", config).ok());
  EXPECT_EQ(config.bos_text, "<s>");
  EXPECT_EQ(config.eos_text, "</s>");
  EXPECT_EQ(config.add_bos, true);
  EXPECT_EQ(config.chat_template, "B");
  EXPECT_THAT(config.end_tokens, ElementsAre(2, 7));
}

TEST(TextConfigTest, AdviceOnSamplingIsTakenFromTheFirstFileThatGivesIt) {
  TextConfig config;
  ASSERT_TRUE(merge_generation_config(R"({"temperature": 0.6, "top_k": 20})", config).ok());
  ASSERT_TRUE(merge_generation_config(R"({"temperature": 1, "top_p": 0.95})", config).ok());
  EXPECT_EQ(config.sampling, (SamplingAdvice{.temperature = 0.6, .top_p = 0.95, .top_k = 20}));
  TextConfig again;
  ASSERT_TRUE(merge_generation_config(generation_config_json(config), again).ok());
  EXPECT_EQ(again.sampling, config.sampling);
}

TEST(TextConfigTest, AdviceOutOfItsRangeIsPassedOver) {
  for (const char* text :
       {R"({"temperature": -1, "top_p": 0, "top_k": 0})", R"({"temperature": 3, "top_p": 2})",
        R"({"temperature": "x", "top_p": null, "top_k": [1]})", R"({"top_k": 1e12})"}) {
    TextConfig config;
    EXPECT_TRUE(merge_generation_config(text, config).ok()) << text;
    EXPECT_EQ(config.sampling, SamplingAdvice()) << text;
  }
}

TEST(TextConfigTest, WrongTypesAreCorrupt) {
  TextConfig config;
  EXPECT_THAT(merge_tokenizer_config(R"({"bos_token": 5})", config).message(),
              HasSubstr("\"bos_token\" is a int64, wanted a string"));
  EXPECT_THAT(merge_tokenizer_config(R"({"chat_template": [5]})", config).message(),
              HasSubstr("wanted a list of objects"));
  EXPECT_THAT(merge_generation_config(R"({"eos_token_id": [-1]})", config).message(),
              HasSubstr("\"eos_token_id\" holds -1, wanted token ids"));
}

TEST(ImportRecordTest, WhatIsWrittenIsReadBack) {
  const ImportRecord record{"abc", 5, "weights=q8_0", {{"a.axmodel", 7, "def"}}};
  const Result<ImportRecord> again = parse_import_record(to_json(record));
  ASSERT_TRUE(again.ok()) << again.status();
  EXPECT_EQ(again->source_sha256, "abc");
  EXPECT_EQ(again->options, "weights=q8_0");
  ASSERT_EQ(again->files.size(), 1u);
  EXPECT_EQ(again->files[0].size_bytes, 7u);
  EXPECT_THAT(parse_import_record("{}").status().message(), HasSubstr("is missing"));
}

}  // namespace
}  // namespace axle::package
