#include "package/time_embedding.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "axmodel/testing/onnx_graph.h"
#include "package/testing/tiny_gguf.h"

namespace axle::package {
namespace {

using axmodel::DataType;
using axmodel::GraphFile;
using axmodel::testing::OnnxGraph;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

// How an exporter wrote the two layers.
enum class Form { kGemm, kMatMul };

void add_layer(OnnxGraph& graph, Form form, const std::string& in, const std::string& out) {
  const std::vector<float> bias = {0.5f, -0.5f};
  if (form == Form::kGemm) {  // [outputs, inputs]
    graph.constant(out + "_w", {2, 2}, std::vector<float>{1, 2, 3, 4})
        .constant(out + "_b", {2}, bias)
        .node("Gemm", {in, out + "_w", out + "_b"}, {out}, {{"transB", std::int64_t{1}}});
  } else {  // [inputs, outputs]
    graph.constant(out + "_w", {2, 2}, std::vector<float>{1, 3, 2, 4})
        .constant(out + "_b", {2}, bias)
        .node("MatMul", {in, out + "_w"}, {out + "_product"})
        .node("Add", {out + "_b", out + "_product"}, {out});
  }
}

// The beginning of a U-Net: cos and sin of the timestep, two layers, and two blocks that each take
// the SiLU of the second.
OnnxGraph unet(Form form) {
  OnnxGraph graph;
  graph.input("sample", DataType::kFloat, {-1, 2})
      .input("timestep", DataType::kInt64, {})
      .node("Shape", {"sample"}, {"batch"})
      .node("Expand", {"timestep", "batch"}, {"times"})
      .node("Cast", {"times"}, {"t"}, {{"to", std::int64_t{1}}})
      .node("Cos", {"t"}, {"c"})
      .node("Sin", {"t"}, {"s"})
      .node("Concat", {"c", "s"}, {"p"}, {{"axis", std::int64_t{-1}}});
  add_layer(graph, form, "p", "first");
  graph.node("Sigmoid", {"first"}, {"first_gate"}).node("Mul", {"first", "first_gate"}, {"middle"});
  add_layer(graph, form, "middle", "emb");
  std::string last = "sample";
  for (const std::string block : {"a", "b"}) {
    graph.node("Sigmoid", {"emb"}, {block + "_gate"})
        .node("Mul", {block + "_gate", "emb"}, {block + "_silu"})
        .node("Add", {last, block + "_silu"}, {block});
    last = block;
  }
  graph.output("b", DataType::kFloat, {-1, 2});
  return graph;
}

class TimeEmbeddingTest : public ::testing::Test {
 protected:
  Result<TimeEmbedding> find(const OnnxGraph& graph) {
    EXPECT_TRUE(graph.write(folder_.path() / "unet.onnx").ok());
    AXLE_TRY_ASSIGN(const GraphFile file, GraphFile::open(folder_.path() / "unet.onnx"));
    return find_time_embedding(file, "timestep");
  }
  testing::TemporaryFolder folder_;
};

double silu(double x) { return x / (1.0 + std::exp(-x)); }

TEST_F(TimeEmbeddingTest, IsFoundInBothFormsOfItsLayersWithEveryPlaceThatReadsIt) {
  for (const Form form : {Form::kGemm, Form::kMatMul}) {
    const Result<TimeEmbedding> found = find(unet(form));
    ASSERT_TRUE(found.ok()) << found.status();
    EXPECT_THAT(found->rows, ElementsAre("a_silu", "b_silu"));
    EXPECT_THAT(found->first.weight, ElementsAre(1, 2, 3, 4));
    EXPECT_THAT(found->second.bias, ElementsAre(0.5f, -0.5f));
    EXPECT_EQ(found->width(), 2u);
  }
}

TEST_F(TimeEmbeddingTest, ARowIsTheSiluOfBothLayersOfCosinesAndSines) {
  const Result<TimeEmbedding> found = find(unet(Form::kGemm));
  ASSERT_TRUE(found.ok()) << found.status();
  const double c = std::cos(499.0);
  const double s = std::sin(499.0);
  const double x = silu(c + 2 * s + 0.5);
  const double y = silu(3 * c + 4 * s - 0.5);
  const std::vector<float> row = found->row(499);
  ASSERT_EQ(row.size(), 2u);
  EXPECT_NEAR(static_cast<double>(row[0]), silu(x + 2 * y + 0.5), 1e-5);
  EXPECT_NEAR(static_cast<double>(row[1]), silu(3 * x + 4 * y - 0.5), 1e-5);
}

TEST_F(TimeEmbeddingTest, AGraphWithoutItIsUnsupportedWithWhatIsMissing) {
  OnnxGraph none;
  none.input("sample", DataType::kFloat, {1, 2})
      .input("timestep", DataType::kFloat, {1})
      .node("Add", {"sample", "timestep"}, {"y"})
      .output("y", DataType::kFloat, {1, 2});
  EXPECT_EQ(find(none).status().code(), Code::kUnsupported);
  EXPECT_THAT(find(none).status().message(), HasSubstr("'timestep'"));

  OnnxGraph other;  // Layers that are no layers.
  other.input("timestep", DataType::kFloat, {1, 2})
      .node("Relu", {"timestep"}, {"x"})
      .node("Sigmoid", {"x"}, {"g"})
      .node("Mul", {"x", "g"}, {"x1"})
      .node("Relu", {"x1"}, {"x2"})
      .node("Sigmoid", {"x2"}, {"g2"})
      .node("Mul", {"x2", "g2"}, {"y"})
      .output("y", DataType::kFloat, {1, 2});
  EXPECT_EQ(find(other).status().code(), Code::kUnsupported);
  EXPECT_THAT(find(other).status().message(), HasSubstr("'x2'"));
}

TEST_F(TimeEmbeddingTest, LayersThatDoNotFitEachOtherAreCorrupt) {
  OnnxGraph graph;
  graph.input("timestep", DataType::kFloat, {1, 2})
      .constant("w1", {3, 2}, std::vector<float>(6, 1.0f))
      .constant("b1", {3}, std::vector<float>(3, 1.0f))
      .constant("w2", {2, 2}, std::vector<float>(4, 1.0f))
      .constant("b2", {2}, std::vector<float>(2, 1.0f))
      .node("Gemm", {"timestep", "w1", "b1"}, {"x"}, {{"transB", std::int64_t{1}}})
      .node("Sigmoid", {"x"}, {"g"})
      .node("Mul", {"x", "g"}, {"x1"})
      .node("Gemm", {"x1", "w2", "b2"}, {"x2"}, {{"transB", std::int64_t{1}}})
      .node("Sigmoid", {"x2"}, {"g2"})
      .node("Mul", {"x2", "g2"}, {"y"})
      .output("y", DataType::kFloat, {1, 2});
  EXPECT_EQ(find(graph).status().code(), Code::kCorrupt);
}

}  // namespace
}  // namespace axle::package
