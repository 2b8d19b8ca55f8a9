#include "axmodel/layer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "axmodel/test_models.h"

namespace axle::axmodel {
namespace {

using ::testing::HasSubstr;
using testing::OwnedModel;
using testing::small_layer;
using testing::small_spec;

Status layer_status(const Model& model) { return layer_spec(model).status(); }

TEST(LayerTest, SpecSurvivesTheWayThroughAttributes) {
  for (const char* architecture : {"llama", "qwen2", "qwen3"}) {
    LayerSpec spec = small_spec();
    spec.architecture = architecture;
    spec.rope_kind = "neox";
    spec.rope_scale = 0.25f;
    spec.rope_factors = std::vector<float>(8, 2.0f);
    const OwnedModel owned = small_layer(spec);
    const Result<LayerSpec> read = layer_spec(owned.model);
    ASSERT_TRUE(read.ok()) << read.status();
    EXPECT_EQ(*read, spec);
  }
}

TEST(LayerTest, GroupsFollowTheContractOfTheCardsLayers) {
  const Group decode = layer_group(small_spec(), 1, 31);
  EXPECT_EQ(decode.inputs[0], (TensorInfo{"K_cache", DataType::kBfloat16, {1, 31, 32}}));
  EXPECT_EQ(decode.inputs[2], (TensorInfo{"indices", DataType::kUint32, {1, 1}}));
  EXPECT_EQ(decode.inputs[4], (TensorInfo{"mask", DataType::kBfloat16, {1, 1, 32}}));
  const Group first_chunk = layer_group(small_spec(), 8, 0);
  EXPECT_EQ(first_chunk.inputs[0].shape, (std::vector<std::int64_t>{1, 1, 32}));
  EXPECT_EQ(first_chunk.inputs[4].shape, (std::vector<std::int64_t>{1, 8, 8}));
  EXPECT_EQ(group_shape(first_chunk), (GroupShape{8, 0}));
  EXPECT_EQ(group_shape(decode), (GroupShape{1, 31}));
}

TEST(LayerTest, MissingOrMisshapenWeightIsCorruptByName) {
  OwnedModel missing = small_layer();
  std::erase_if(missing.model.weights,
                [](const Weight& weight) { return weight.name == "ffn_up"; });
  EXPECT_EQ(layer_status(missing.model).code(), Code::kCorrupt);
  EXPECT_THAT(layer_status(missing.model).message(), HasSubstr("'ffn_up' is missing"));
  OwnedModel misshapen = small_layer();
  misshapen.model.weights[1].shape = {32, 128};
  EXPECT_THAT(layer_status(misshapen.model).message(), HasSubstr("'attn_q'"));
}

TEST(LayerTest, WrongGroupIsCorruptByNumber) {
  OwnedModel owned = small_layer();
  owned.model.groups[2].inputs[0].shape[1] = 15;
  EXPECT_EQ(layer_status(owned.model).code(), Code::kCorrupt);
  EXPECT_THAT(layer_status(owned.model).message(), HasSubstr("group 2"));
  owned.model.groups[2].inputs.pop_back();
  EXPECT_EQ(layer_status(owned.model).code(), Code::kCorrupt);
}

TEST(LayerTest, SizesOutOfRangeAreCorrupt) {
  for (const char* name : {"hidden", "heads", "kv_heads", "head_dim", "ffn"}) {
    for (const std::int64_t value : {std::int64_t{0}, std::int64_t{-1}, std::int64_t{1} << 40}) {
      OwnedModel owned = small_layer();
      owned.model.attributes[name] = value;
      EXPECT_EQ(layer_status(owned.model).code(), Code::kCorrupt) << name << " " << value;
    }
  }
  OwnedModel uneven = small_layer();
  uneven.model.attributes["kv_heads"] = std::int64_t{3};
  EXPECT_EQ(layer_status(uneven.model).code(), Code::kCorrupt);
}

TEST(LayerTest, UnusableRopeValuesAreCorrupt) {
  OwnedModel owned = small_layer();
  owned.model.attributes["rope_factors"] = std::vector<float>(8, 0.0f);
  EXPECT_EQ(layer_status(owned.model).code(), Code::kCorrupt);
  owned.model.attributes["rope_factors"] = std::vector<float>(7, 1.0f);
  EXPECT_EQ(layer_status(owned.model).code(), Code::kCorrupt);
}

TEST(LayerTest, OtherOperatorsAndArchitecturesAreUnsupported) {
  OwnedModel owned = small_layer();
  owned.model.attributes["architecture"] = std::string("mamba");
  EXPECT_EQ(layer_status(owned.model).code(), Code::kUnsupported);
  owned.model.op_type = "Conv";
  EXPECT_EQ(layer_status(owned.model).code(), Code::kUnsupported);
  EXPECT_EQ(head_spec(owned.model).status().code(), Code::kUnsupported);
}

TEST(LayerTest, HeadSpecSurvivesAndItsWeightIsChecked) {
  const HeadSpec spec{64, 96, 1e-6f};
  OwnedModel owned;
  owned.model = head_model(spec);
  EXPECT_EQ(head_spec(owned.model).status().code(), Code::kCorrupt);
  for (const WeightSpec& weight : head_weights(spec)) {
    owned.add_weight(weight.name, weight.shape.size() == 1 ? "f32" : "q8_0", weight.shape);
  }
  const Result<HeadSpec> read = head_spec(owned.model);
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(*read, spec);
  owned.model.groups.push_back(head_group(spec, 8));
  EXPECT_TRUE(head_spec(owned.model).ok());
  EXPECT_EQ(head_rows(owned.model.groups[1]), 8);
  owned.model.groups[1].outputs[0].shape[1] = 4;  // As many logits as rows are wanted.
  EXPECT_EQ(head_spec(owned.model).status().code(), Code::kCorrupt);
  owned.model.groups = {head_group(spec, 8)};  // The group of one row comes first.
  EXPECT_EQ(head_spec(owned.model).status().code(), Code::kCorrupt);
  owned.model.groups.clear();
  EXPECT_EQ(head_spec(owned.model).status().code(), Code::kCorrupt);
}

}  // namespace
}  // namespace axle::axmodel
