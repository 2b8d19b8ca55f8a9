#include "package/shape.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>

#include "axmodel/layer.h"

namespace axle::package {
namespace {

using axmodel::DataType;
using axmodel::TensorInfo;
using ::testing::HasSubstr;

axmodel::LayerSpec small_layer() {
  axmodel::LayerSpec spec;
  spec.hidden = 64;
  spec.heads = 4;
  spec.kv_heads = 2;
  spec.head_dim = 16;
  return spec;
}

// Decode with 31 cells, chunks of 8 rows with histories 0, 8 and 31.
std::vector<axmodel::Group> small_groups() {
  const axmodel::LayerSpec spec = small_layer();
  return {axmodel::layer_group(spec, 1, 31), axmodel::layer_group(spec, 8, 0),
          axmodel::layer_group(spec, 8, 8), axmodel::layer_group(spec, 8, 31)};
}

TensorInfo& tensor(axmodel::Group& group, const std::string& name) {
  for (auto* list : {&group.inputs, &group.outputs}) {
    for (TensorInfo& each : *list) {
      if (each.name == name) return each;
    }
  }
  ADD_FAILURE() << name;
  return group.inputs[0];
}

// The failure after `edit` changed the groups.
Status failure(const std::function<void(std::vector<axmodel::Group>&)>& edit) {
  std::vector<axmodel::Group> groups = small_groups();
  edit(groups);
  return derive_layer_shape(groups, "l0.axmodel").status();
}

TEST(LayerShapeTest, DerivesEverythingFromTheTensors) {
  const Result<LayerShape> shape = derive_layer_shape(small_groups(), "l0.axmodel");
  ASSERT_TRUE(shape.ok()) << shape.status();
  EXPECT_EQ(shape->hidden, 64u);
  EXPECT_EQ(shape->kv_width, 32u);
  EXPECT_EQ(shape->cells(), 31u);
  EXPECT_EQ(shape->cache_rows(), 31u);
  EXPECT_EQ(shape->max_prefill_end(), 39u);
  const std::vector<Group> wanted = {{0, 1, 31, 31}, {1, 8, 0, 1}, {2, 8, 8, 8}, {3, 8, 31, 31}};
  EXPECT_EQ(shape->groups, wanted);
}

TEST(LayerShapeTest, AcceptsNamesWithTheNumberOfTheGroup) {
  std::vector<axmodel::Group> groups = small_groups();
  for (TensorInfo& each : groups[2].inputs) each.name += "_2";
  for (TensorInfo& each : groups[2].outputs) each.name += "_2";
  EXPECT_TRUE(derive_layer_shape(groups, "l0.axmodel").ok());
}

TEST(LayerShapeTest, AcceptsThreeRowsOfPositionsInChunks) {
  std::vector<axmodel::Group> groups = small_groups();
  for (std::size_t i = 1; i < groups.size(); ++i) tensor(groups[i], "indices").shape = {3, 8};
  const Result<LayerShape> shape = derive_layer_shape(groups, "l0.axmodel");
  ASSERT_TRUE(shape.ok()) << shape.status();
  EXPECT_EQ(shape->position_rows, 3u);
}

TEST(LayerShapeTest, MissingTensorIsNamedWithThoseThatAreThere) {
  const Status status =
      failure([](auto& groups) { groups[1].inputs.erase(groups[1].inputs.begin() + 4); });
  EXPECT_EQ(status.code(), Code::kCorrupt);
  EXPECT_EQ(status.message(),
            "l0.axmodel: group 1: input 'mask' is missing; there are: K_cache, V_cache, indices, "
            "input");
}

TEST(LayerShapeTest, WrongShapeAndTypeTellWantedAndFound) {
  EXPECT_EQ(failure([](auto& groups) {
              tensor(groups[2], "V_cache").shape = {1, 8, 48};
            }).message(),
            "l0.axmodel: group 2: shape of 'V_cache' is [1, 8, 48], wanted [1, 8, 32]");
  EXPECT_EQ(
      failure([](auto& groups) { tensor(groups[0], "output").dtype = DataType::kFloat; }).message(),
      "l0.axmodel: group 0: type of 'output' is float, wanted bfloat16");
  EXPECT_THAT(failure([](auto& groups) {
                tensor(groups[3], "mask").shape = {1, 8, 40};
              }).message(),
              HasSubstr("shape of 'mask' is [1, 8, 40], wanted [1, 8, 8 to 39]"));
  EXPECT_THAT(failure([](auto& groups) {
                tensor(groups[0], "K_cache").shape = {1, -1, 32};
              }).message(),
              HasSubstr("shape of 'K_cache' is [1, -1, 32], wanted 3 positive dimensions"));
  EXPECT_THAT(failure([](auto& groups) {
                tensor(groups[1], "indices").shape = {2, 8};
              }).message(),
              HasSubstr("wanted [1, rows] or [3, rows]"));
  EXPECT_THAT(failure([](auto& groups) {
                tensor(groups[1], "input").shape = {1, 8, 65};
              }).message(),
              HasSubstr("shape of 'input' is [1, 8, 65], wanted [1, 8, 64]"));
}

TEST(LayerShapeTest, InputThatNobodyWouldBindIsUnsupported) {
  const Status status = failure([](auto& groups) {
    groups[0].inputs.push_back({"per_layer_input", DataType::kBfloat16, {1, 1, 256}});
  });
  EXPECT_EQ(status.code(), Code::kUnsupported);
  EXPECT_THAT(status.message(), HasSubstr("input 'per_layer_input' is not known"));
}

TEST(LayerShapeTest, EngineWithoutDecodeGroupIsUnsupported) {
  const Status status = failure([](auto& groups) { groups.erase(groups.begin()); });
  EXPECT_EQ(status.code(), Code::kUnsupported);
  EXPECT_THAT(status.message(), HasSubstr("none of its 3 groups is a decode group"));
}

TEST(HeadShapeTest, DerivesTheVocabularyAndRefusesHeadsWithoutLogits) {
  axmodel::Group group = axmodel::head_group({64, 300, 1e-5f});
  const Result<HeadShape> shape = derive_head_shape({&group, 1}, "post.axmodel");
  ASSERT_TRUE(shape.ok()) << shape.status();
  EXPECT_EQ(*shape, (HeadShape{64, 300, 1}));
  group.outputs = {{"indices", DataType::kInt32, {1, 1, 8}}, {"prob", DataType::kFloat, {1, 1, 8}}};
  const Status status = derive_head_shape({&group, 1}, "post.axmodel").status();
  EXPECT_EQ(status.code(), Code::kUnsupported);
  EXPECT_THAT(status.message(), HasSubstr("axle needs all logits"));
  EXPECT_THAT(derive_head_shape({}, "post.axmodel").status().message(), HasSubstr("no group"));
}

}  // namespace
}  // namespace axle::package
