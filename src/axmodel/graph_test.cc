#include "axmodel/graph.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>
#include <random>

#include "axmodel/test_models.h"
#include "axmodel/testing/onnx_graph.h"

namespace axle::axmodel {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::OnnxGraph;
using testing::TemporaryFolder;

// y = relu(x w) + silu(t), where t depends on the time alone.
OnnxGraph timed_graph() {
  OnnxGraph graph;
  graph.input("x", DataType::kFloat, {-1, 2})
      .input("time", DataType::kInt64, {1})
      .constant("w", {2, 2}, std::vector<float>{1, 2, 3, 4})
      .constant("v", {1}, std::vector<float>{0.5f})
      .node("Cast", {"time"}, {"t"}, {{"to", std::int64_t{1}}})
      .node("Mul", {"t", "v"}, {"emb"})
      .node("Sigmoid", {"emb"}, {"gate"})
      .node("Mul", {"emb", "gate"}, {"row"})
      .node("MatMul", {"x", "w"}, {"product"})
      .node("Relu", {"product"}, {"positive"})
      .node("Add", {"positive", "row"}, {"y"})
      .output("y", DataType::kFloat, {-1, 2})
      .producer("pytorch")
      .metadata("who", "an exporter");
  return graph;
}

const TensorInfo kX = {"x", DataType::kFloat, {3, 2}};
const TensorInfo kY = {"y", DataType::kFloat, {3, 2}};
const TensorInfo kTime = {"time", DataType::kInt32, {1}};

class GraphTest : public ::testing::Test {
 protected:
  Result<GraphFile> open(const OnnxGraph& graph) {
    EXPECT_TRUE(graph.write(folder_.file("g.onnx")).ok());
    return GraphFile::open(folder_.file("g.onnx"));
  }
  // Writes the graph as an engine file and reads that.
  Result<Model> convert(const OnnxGraph& graph, const GraphEngine& engine) {
    AXLE_TRY_ASSIGN(const GraphFile file, open(graph));
    AXLE_TRY_ASSIGN(narrowed_, file.write(engine, folder_.file("g.axmodel")));
    AXLE_TRY_ASSIGN(MappedFile mapped, MappedFile::open(folder_.file("g.axmodel")));
    mapped_.emplace(std::move(mapped));
    return parse(mapped_->bytes());
  }
  TemporaryFolder folder_;
  std::optional<MappedFile> mapped_;
  bool narrowed_ = false;
};

TEST_F(GraphTest, AFileTellsItsTensorsNodesAndConstants) {
  const Result<GraphFile> file = open(timed_graph());
  ASSERT_TRUE(file.ok()) << file.status();
  EXPECT_THAT(file->tensors().inputs, ElementsAre(TensorInfo{"x", DataType::kFloat, {-1, 2}},
                                                  TensorInfo{"time", DataType::kInt64, {1}}));
  ASSERT_EQ(file->nodes().size(), 7u);
  EXPECT_EQ(file->nodes()[0].integers.at("to"), 1);
  EXPECT_THAT(file->nodes()[1].inputs, ElementsAre("t", "v"));
  ASSERT_NE(file->find_constant("w"), nullptr);
  EXPECT_EQ(file->find_constant("w")->data.size(), 16u);
  EXPECT_EQ(file->find_constant("x"), nullptr);
  EXPECT_GT(file->size_bytes(), 300u);
}

TEST_F(GraphTest, AnEngineFileCarriesTheGraphWithOurProducerAndGroups) {
  const GraphEngine engine{.producer_version = "0.1.0",
                           .groups = {{.inputs = {kX, kTime}, .outputs = {kY}}},
                           .metadata = {{"axle.fixed_ms", "12"}}};
  const Result<Model> model = convert(timed_graph(), engine);
  ASSERT_TRUE(model.ok()) << model.status();
  EXPECT_EQ(model->producer, "axle");
  EXPECT_EQ(model->producer_version, "0.1.0");
  EXPECT_EQ(model->groups, engine.groups);
  EXPECT_EQ(model->node_count, 7u);
  EXPECT_EQ(model->weights.size(), 2u);
  EXPECT_EQ(model->metadata.at("who"), "an exporter");
  EXPECT_EQ(model->metadata.at("axle.fixed_ms"), "12");
  EXPECT_FALSE(narrowed_);
}

TEST_F(GraphTest, ACutTakesAwayWhatOnlyTheNewInputReplaces) {
  const TensorInfo row = {"time_row", DataType::kFloat, {1, 1}};
  const GraphEngine engine{.groups = {{.inputs = {kX, row}, .outputs = {kY}}},
                           .cuts = {{.input = row, .tensors = {"row"}}}};
  const Result<Model> model = convert(timed_graph(), engine);
  ASSERT_TRUE(model.ok()) << model.status();
  EXPECT_EQ(model->node_count, 4u);  // MatMul, Relu, Add, and the Identity of the new input.
  ASSERT_EQ(model->weights.size(), 1u);
  EXPECT_EQ(model->weights[0].name, "w");
  const Result<GraphFile> again = GraphFile::open(folder_.file("g.axmodel"));
  ASSERT_TRUE(again.ok()) << again.status();
  EXPECT_EQ(again->tensors().inputs.size(), 2u);
  EXPECT_EQ(again->nodes()[0].op_type, "Identity");
}

TEST_F(GraphTest, ACutThatNothingReadsAndGroupsOfUnknownTensorsAreCorrupt) {
  GraphEngine engine{.groups = {{.inputs = {kX, kTime}, .outputs = {kY}}},
                     .cuts = {{.input = kX, .tensors = {"nowhere"}}}};
  EXPECT_EQ(convert(timed_graph(), engine).status().code(), Code::kCorrupt);
  engine.cuts.clear();
  engine.groups[0].outputs[0].name = "z";
  const Status status = convert(timed_graph(), engine).status();
  EXPECT_EQ(status.code(), Code::kCorrupt);
  EXPECT_THAT(status.message(), HasSubstr("no output 'z', it has y"));
  engine.groups.clear();
  EXPECT_EQ(convert(timed_graph(), engine).status().code(), Code::kInvalidArgument);
}

TEST_F(GraphTest, NumbersInAnotherFileArePutInside) {
  std::string numbers(24, '\0');
  const float two = 2.0f;
  std::memcpy(numbers.data() + 8, &two, sizeof two);
  ASSERT_TRUE(write_file_atomically(folder_.file("weights.bin"), numbers).ok());
  OnnxGraph graph;
  graph.input("x", DataType::kFloat, {3, 2})
      .external("w", {2, 2}, "weights.bin", 8, 16)
      .node("MatMul", {"x", "w"}, {"y"})
      .output("y", DataType::kFloat, {3, 2});
  const Result<Model> model = convert(graph, {.groups = {{.inputs = {kX}, .outputs = {kY}}}});
  ASSERT_TRUE(model.ok()) << model.status();
  ASSERT_EQ(model->weights.size(), 1u);
  EXPECT_EQ(std::memcmp(model->weights[0].data.data(), &two, sizeof two), 0);
}

TEST_F(GraphTest, NumbersThatDoNotLieWhereTheyShouldAreRefused) {
  ASSERT_TRUE(write_file_atomically(folder_.file("w.bin"), std::string(16, 'x')).ok());
  const auto opened = [this](const char* file, std::size_t offset, std::size_t length) {
    OnnxGraph graph;
    graph.input("x", DataType::kFloat, {3, 2})
        .external("w", {2, 2}, file, offset, length)
        .node("MatMul", {"x", "w"}, {"y"})
        .output("y", DataType::kFloat, {3, 2});
    return open(graph).status().code();
  };
  EXPECT_EQ(opened("w.bin", 0, 16), Code::kOk);
  EXPECT_EQ(opened("w.bin", 4, 16), Code::kCorrupt);
  EXPECT_EQ(opened("w.bin", 0, 12), Code::kCorrupt);
  EXPECT_EQ(opened("none.bin", 0, 16), Code::kNotFound);
  EXPECT_EQ(opened("../w.bin", 0, 16), Code::kCorrupt);
  EXPECT_EQ(opened("/etc/hostname", 0, 16), Code::kCorrupt);
}

// A graph of one constant of 1000 floats.
OnnxGraph large_graph(const std::vector<float>& numbers) {
  OnnxGraph graph;
  graph.input("x", DataType::kFloat, {1000})
      .constant("w", {1000}, numbers)
      .node("Add", {"x", "w"}, {"y"})
      .output("y", DataType::kFloat, {1000});
  return graph;
}

const GraphEngine kNarrow{.groups = {{.inputs = {{"x", DataType::kFloat, {1000}}},
                                      .outputs = {{"y", DataType::kFloat, {1000}}}}},
                          .cuts = {},
                          .narrow_above_bytes = 3000};

TEST_F(GraphTest, WhatWouldBeTooLargeIsStoredWithSixteenBits) {
  std::vector<float> numbers(1000, 1.0f);
  numbers[1] = 1.0f + 0x1p-11f;  // A tie: to the even neighbour, 1.
  numbers[2] = -65504.0f;        // The largest.
  numbers[3] = 0x1p-24f;         // The smallest.
  numbers[4] = 1.0f + 0x3p-11f;  // A tie: to the even neighbour, 1 + 2^-9.
  const Result<Model> model = convert(large_graph(numbers), kNarrow);
  ASSERT_TRUE(model.ok()) << model.status();
  EXPECT_TRUE(narrowed_);
  EXPECT_EQ(model->node_count, 2u);
  ASSERT_EQ(model->weights.size(), 1u);
  EXPECT_EQ(model->weights[0].name, "w/half");
  EXPECT_EQ(model->weights[0].format, "f16");
  std::vector<std::uint16_t> halves(5);
  std::memcpy(halves.data(), model->weights[0].data.data(), 10);
  EXPECT_THAT(halves, ElementsAre(0x3c00, 0x3c00, 0xfbff, 0x0001, 0x3c02));
}

TEST_F(GraphTest, ANumberThatSixteenBitsCannotHoldIsUnsupportedByName) {
  std::vector<float> numbers(1000, 1.0f);
  numbers[7] = 1e6f;
  const Status status = convert(large_graph(numbers), kNarrow).status();
  EXPECT_EQ(status.code(), Code::kUnsupported);
  EXPECT_THAT(status.message(), HasSubstr("'w' holds 1000000"));
}

TEST_F(GraphTest, WhatIsNoGraphIsCorruptAndTheFileIsNamed) {
  const std::string whole = timed_graph().bytes();
  for (const std::string& text :
       {std::string(), std::string("no graph"), whole.substr(0, whole.size() / 2),
        std::string("\x08\x08\x3a\x02\x28\x01")}) {  // The last: a constant that is a number.
    ASSERT_TRUE(write_file_atomically(folder_.file("g.onnx"), text).ok());
    const Status status = GraphFile::open(folder_.file("g.onnx")).status();
    EXPECT_EQ(status.code(), Code::kCorrupt);
    EXPECT_THAT(status.message(), HasSubstr("g.onnx"));
  }
  EXPECT_EQ(GraphFile::open(folder_.file("none.onnx")).status().code(), Code::kNotFound);
}

}  // namespace
}  // namespace axle::axmodel
