#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <unistd.h>

#include <cmath>
#include <cstring>
#include <filesystem>
#include <memory>
#include <random>

#include "axmodel/graph.h"
#include "axmodel/testing/onnx_graph.h"
#include "base/file.h"
#include "softcard/executor.h"

namespace axle::softcard {
namespace {

using axmodel::DataType;
using axmodel::Group;
using axmodel::testing::OnnxGraph;
using ::testing::ElementsAre;
using ::testing::FloatNear;
using ::testing::HasSubstr;
using ::testing::Pointwise;

// A file's bytes and what they say, in one object that an executor can keep.
struct Loaded {
  std::string bytes;
  axmodel::Model model;
};

Result<std::shared_ptr<const axmodel::Model>> parse(std::string bytes) {
  auto loaded = std::make_shared<Loaded>();
  loaded->bytes = std::move(bytes);
  AXLE_TRY_ASSIGN(loaded->model, axmodel::parse(std::as_bytes(std::span(loaded->bytes))));
  return std::shared_ptr<const axmodel::Model>(loaded, &loaded->model);
}

Result<std::unique_ptr<Executor>> load(const OnnxGraph& graph, int threads = 2,
                                       GraphPrecision precision = GraphPrecision::kFloat) {
  AXLE_TRY_ASSIGN(std::shared_ptr<const axmodel::Model> model, parse(graph.bytes()));
  return make_executor(
      std::move(model),
      {.threads = threads, .onnx_library = AXLE_ONNX_LIBRARY, .graph_precision = precision});
}

template <typename Number>
std::byte* bytes_of(std::vector<Number>& values) {
  return static_cast<std::byte*>(static_cast<void*>(values.data()));
}

std::vector<float> random_floats(std::size_t count, std::uint32_t seed) {
  std::mt19937 random(seed);
  std::normal_distribution<float> values;
  std::vector<float> result(count);
  for (float& value : result) value = values(random);
  return result;
}

// Runs a graph of one float input and one float output.
std::vector<float> run_one(Executor& executor, std::vector<float> input, std::size_t outputs,
                           std::size_t group = 0) {
  std::vector<float> output(outputs);
  std::byte* const in[] = {bytes_of(input)};
  std::byte* const out[] = {bytes_of(output)};
  const Status status = executor.run(group, in, out);
  EXPECT_TRUE(status.ok()) << status;
  return output;
}

// y = relu(conv 3x3 of x, padded by 1) with 3 channels in, 4 out.
OnnxGraph convolution(const std::vector<float>& weight, const std::vector<float>& bias,
                      std::int64_t size) {
  OnnxGraph graph;
  graph.input("x", DataType::kFloat, {1, 3, size, size})
      .constant("w", {4, 3, 3, 3}, weight)
      .constant("b", {4}, bias)
      .node("Conv", {"x", "w", "b"}, {"c"},
            {{"kernel_shape", std::vector<std::int64_t>{3, 3}},
             {"pads", std::vector<std::int64_t>{1, 1, 1, 1}}})
      .node("Relu", {"c"}, {"y"})
      .output("y", DataType::kFloat, {1, 4, size, size});
  return graph;
}

std::vector<float> convolution_by_hand(const std::vector<float>& x, const std::vector<float>& w,
                                       const std::vector<float>& b, int size) {
  std::vector<float> y;
  for (int out = 0; out < 4; ++out) {
    for (int row = 0; row < size; ++row) {
      for (int column = 0; column < size; ++column) {
        double sum = static_cast<double>(b[static_cast<std::size_t>(out)]);
        for (int tap = 0; tap < 27; ++tap) {
          const int in = tap / 9;
          const int r = row + tap / 3 % 3 - 1;
          const int c = column + tap % 3 - 1;
          if (r < 0 || c < 0 || r >= size || c >= size) continue;
          sum += static_cast<double>(x[static_cast<std::size_t>((in * size + r) * size + c)]) *
                 static_cast<double>(w[static_cast<std::size_t>(out * 27 + tap)]);
        }
        y.push_back(static_cast<float>(std::max(sum, 0.0)));
      }
    }
  }
  return y;
}

TEST(OnnxExecutorTest, AConvolutionIsTheSumOfItsProducts) {
  const std::vector<float> weight = random_floats(4 * 27, 1);
  const std::vector<float> bias = random_floats(4, 2);
  const std::vector<float> x = random_floats(3 * 6 * 6, 3);
  auto executor = load(convolution(weight, bias, 6));
  ASSERT_TRUE(executor.ok()) << executor.status();
  EXPECT_THAT(run_one(**executor, x, 4 * 6 * 6),
              Pointwise(FloatNear(1e-5f), convolution_by_hand(x, weight, bias, 6)));
}

// Where the processor has no such arithmetic the numbers are those of 32 bits.
TEST(OnnxExecutorTest, In16BitsTheProductsAreRoundedAndWeightsTakeHalfTheMemory) {
  const std::vector<float> weight = random_floats(4 * 27, 1);
  const std::vector<float> bias = random_floats(4, 2);
  const std::vector<float> x = random_floats(3 * 6 * 6, 3);
  const OnnxGraph graph = convolution(weight, bias, 6);
  auto exact = load(graph);
  auto rounded = load(graph, 2, GraphPrecision::kBfloat16);
  ASSERT_TRUE(rounded.ok()) << rounded.status();
  EXPECT_THAT(run_one(**rounded, x, 4 * 6 * 6),
              Pointwise(FloatNear(0.1f), convolution_by_hand(x, weight, bias, 6)));
  // 4 * 27 weights and 4 biases.
  EXPECT_EQ((*exact)->memory_bytes() - (*rounded)->memory_bytes(), 2u * (4 * 27 + 4));
}

// As exporters write a group norm of 2 groups: InstanceNormalization of a reshaped tensor, scaled.
TEST(OnnxExecutorTest, AGroupNormIsComputedFromTheMeanAndVarianceOfItsGroups) {
  OnnxGraph graph;
  graph.input("x", DataType::kFloat, {1, 4, 2, 2})
      .constant("to_groups", {3}, std::vector<std::int64_t>{0, 2, -1})
      .constant("back", {4}, std::vector<std::int64_t>{1, 4, 2, 2})
      .constant("one", {2}, std::vector<float>{1, 1})
      .constant("zero", {2}, std::vector<float>{0, 0})
      .constant("scale", {4, 1, 1}, std::vector<float>{1, 2, 3, 4})
      .node("Reshape", {"x", "to_groups"}, {"grouped"})
      .node("InstanceNormalization", {"grouped", "one", "zero"}, {"normal"}, {{"epsilon", 1e-5f}})
      .node("Reshape", {"normal", "back"}, {"shaped"})
      .node("Mul", {"shaped", "scale"}, {"y"})
      .output("y", DataType::kFloat, {1, 4, 2, 2});
  auto executor = load(graph);
  ASSERT_TRUE(executor.ok()) << executor.status();
  const std::vector<float> x = random_floats(16, 5);
  std::vector<float> wanted;
  for (std::size_t i = 0; i < 16; ++i) {
    const std::size_t start = i / 8 * 8;
    double mean = 0.0;
    double variance = 0.0;
    for (std::size_t k = 0; k < 8; ++k) mean += static_cast<double>(x[start + k]) / 8.0;
    for (std::size_t k = 0; k < 8; ++k) {
      variance += std::pow(static_cast<double>(x[start + k]) - mean, 2.0) / 8.0;
    }
    const double normal = (static_cast<double>(x[i]) - mean) / std::sqrt(variance + 1e-5);
    wanted.push_back(static_cast<float>(normal * static_cast<double>(i / 4 + 1)));
  }
  EXPECT_THAT(run_one(**executor, x, 16), Pointwise(FloatNear(1e-5f), wanted));
}

// A table of 3 rows, looked up by 64-bit numbers in the file, by 32-bit numbers on the card.
OnnxGraph lookup() {
  OnnxGraph graph;
  graph.input("input_ids", DataType::kInt64, {1, -1})
      .constant("table", {3, 2}, std::vector<float>{0, 1, 10, 11, 20, 21})
      .node("Gather", {"table", "input_ids"}, {"rows"})
      .node("Neg", {"rows"}, {"negative"})
      .output("rows", DataType::kFloat, {1, -1, 2})
      .output("negative", DataType::kFloat, {1, -1, 2});
  return graph;
}

TEST(OnnxExecutorTest, TheGroupSaysTheTypesTheShapesAndTheOutputsThatTheCardShows) {
  OnnxGraph graph = lookup();
  graph.groups({Group{.inputs = {{"input_ids", DataType::kInt32, {1, 3}}},
                      .outputs = {{"negative", DataType::kFloat, {1, 3, 2}}}}});
  auto executor = load(graph);
  ASSERT_TRUE(executor.ok()) << executor.status();
  std::vector<std::int32_t> ids = {2, 0, 1};
  std::vector<float> output(6);
  std::byte* const in[] = {bytes_of(ids)};
  std::byte* const out[] = {bytes_of(output)};
  ASSERT_TRUE((*executor)->run(0, in, out).ok());
  EXPECT_THAT(output, ElementsAre(-20, -21, 0, -1, -10, -11));
}

TEST(OnnxExecutorTest, GroupsOfOneFileHaveShapesOfTheirOwn) {
  OnnxGraph graph;
  graph.input("x", DataType::kFloat, {-1, 2})
      .constant("w", {2, 1}, std::vector<float>{1, 10})
      .node("MatMul", {"x", "w"}, {"y"})
      .output("y", DataType::kFloat, {-1, 1});
  std::vector<Group> groups;
  for (const std::int64_t rows : {1, 3}) {
    groups.push_back({.inputs = {{"x", DataType::kFloat, {rows, 2}}},
                      .outputs = {{"y", DataType::kFloat, {rows, 1}}}});
  }
  graph.groups(groups);
  auto executor = load(graph);
  ASSERT_TRUE(executor.ok()) << executor.status();
  EXPECT_THAT(run_one(**executor, {1, 2}, 1, 0), ElementsAre(21));
  EXPECT_THAT(run_one(**executor, {1, 2, 3, 4, 5, 6}, 3, 1), ElementsAre(21, 43, 65));
  EXPECT_GT((*executor)->memory_bytes(), 0u);
}

TEST(OnnxExecutorTest, WeightsOfHalfPrecisionAreComputedWithInFloat) {
  OnnxGraph graph;
  const std::string halves("\x00\x3c\x01\x3c", 4);  // 1 and 1 + 2^-10.
  graph.input("x", DataType::kFloat, {1, 2})
      .constant("w", DataType::kFloat16, {2, 1}, halves)
      .node("Cast", {"w"}, {"wide"}, {{"to", std::int64_t{1}}})
      .node("MatMul", {"x", "wide"}, {"y"})
      .output("y", DataType::kFloat, {1, 1});
  auto executor = load(graph);
  ASSERT_TRUE(executor.ok()) << executor.status();
  // In half precision the sum would be 4096 or 4100.
  EXPECT_THAT(run_one(**executor, {1.0f, 4096.0f}, 1), ElementsAre(4101.0f));
}

// y = x w + silu(t / 2) in a file of its own, cut at the silu, its 1024 weights narrowed.
TEST(OnnxExecutorTest, ACutGraphWithNarrowedWeightsComputesWhatTheWholeOneDoes) {
  OnnxGraph graph;
  graph.input("x", DataType::kFloat, {1, 32})
      .input("t", DataType::kFloat, {1, 32})
      .constant("half", {1}, std::vector<float>{0.5f})
      .constant("w", {32, 32}, random_floats(1024, 3))
      .node("Mul", {"t", "half"}, {"emb"})
      .node("Sigmoid", {"emb"}, {"gate"})
      .node("Mul", {"emb", "gate"}, {"silu"})
      .node("MatMul", {"x", "w"}, {"product"})
      .node("Add", {"product", "silu"}, {"y"})
      .output("y", DataType::kFloat, {1, 32});
  const std::string path = ::testing::TempDir() + "cut_" + std::to_string(::getpid());
  ASSERT_TRUE(graph.write(path + ".onnx").ok());
  const auto file = axmodel::GraphFile::open(path + ".onnx");
  ASSERT_TRUE(file.ok()) << file.status();
  const axmodel::TensorInfo row = {"row", DataType::kFloat, {1, 32}};
  const axmodel::TensorInfo x = {"x", DataType::kFloat, {1, 32}};
  const axmodel::TensorInfo y = {"y", DataType::kFloat, {1, 32}};
  const auto narrowed = file->write({.groups = {{.inputs = {x, row}, .outputs = {y}}},
                                     .cuts = {{.input = row, .tensors = {"silu"}}},
                                     .narrow_above_bytes = 1000},
                                    path + ".axmodel");
  ASSERT_TRUE(narrowed.ok() && *narrowed) << narrowed.status();
  auto model = parse(*read_file(path + ".axmodel"));
  std::filesystem::remove(path + ".onnx");
  std::filesystem::remove(path + ".axmodel");
  ASSERT_TRUE(model.ok()) << model.status();
  auto cut = make_executor(*model, {.threads = 2, .onnx_library = AXLE_ONNX_LIBRARY});
  auto whole = load(graph);
  ASSERT_TRUE(cut.ok() && whole.ok()) << cut.status() << whole.status();

  std::vector<float> input = random_floats(32, 4);
  std::vector<float> time(32, 3.0f);
  std::vector<float> silu(32, 1.5f / (1.0f + std::exp(-1.5f)));
  std::vector<float> first(32);
  std::vector<float> second(32);
  std::byte* const first_out[] = {bytes_of(first)};
  std::byte* const second_out[] = {bytes_of(second)};
  std::byte* const whole_in[] = {bytes_of(input), bytes_of(time)};
  std::byte* const cut_in[] = {bytes_of(input), bytes_of(silu)};
  ASSERT_TRUE((*whole)->run(0, whole_in, first_out).ok());
  ASSERT_TRUE((*cut)->run(0, cut_in, second_out).ok());
  EXPECT_THAT(second, Pointwise(FloatNear(0.01f), first));
}

TEST(OnnxExecutorTest, TheSameInputsGiveTheSameBitsOnAnyNumberOfThreads) {
  const std::vector<float> weight = random_floats(4 * 27, 1);
  const OnnxGraph graph = convolution(weight, random_floats(4, 2), 64);
  const std::vector<float> x = random_floats(3 * 64 * 64, 3);
  auto first = load(graph, 2);
  auto other = load(graph, 2);
  auto single = load(graph, 1);
  ASSERT_TRUE(first.ok() && other.ok() && single.ok());
  const std::vector<float> wanted = run_one(**first, x, 4 * 64 * 64);
  EXPECT_EQ(run_one(**first, x, 4 * 64 * 64), wanted);
  EXPECT_EQ(run_one(**other, x, 4 * 64 * 64), wanted);
  EXPECT_EQ(run_one(**single, x, 4 * 64 * 64), wanted);
}

TEST(OnnxExecutorTest, PointersAreCheckedBeforeAnythingIsComputed) {
  auto executor = load(convolution(random_floats(108, 1), random_floats(4, 2), 2));
  ASSERT_TRUE(executor.ok()) << executor.status();
  std::vector<float> x(12);
  std::byte* const in[] = {bytes_of(x)};
  std::byte* const none[] = {nullptr};
  EXPECT_EQ((*executor)->run(1, in, in).code(), Code::kInvalidArgument);
  EXPECT_EQ((*executor)->run(0, in, {}).code(), Code::kInvalidArgument);
  EXPECT_EQ((*executor)->run(0, in, none).code(), Code::kInvalidArgument);
}

Status failure(const OnnxGraph& graph) {
  auto executor = load(graph);
  return executor.ok() ? Status() : executor.status();
}

TEST(OnnxExecutorTest, AnOperatorThatNobodyKnowsIsNamed) {
  OnnxGraph graph;
  graph.input("x", DataType::kFloat, {1})
      .node("Relu", {"x"}, {"z"})
      .node("Frobnicate", {"z"}, {"y"}, {}, "com.example")
      .output("y", DataType::kFloat, {1});
  const Status status = failure(graph);
  EXPECT_EQ(status.code(), Code::kUnsupported);
  EXPECT_THAT(status.message(), HasSubstr("Frobnicate"));
}

TEST(OnnxExecutorTest, ANodeThatReadsATensorThatNobodyMakesIsCorrupt) {
  OnnxGraph graph;
  graph.input("x", DataType::kFloat, {1})
      .node("Add", {"x", "missing"}, {"z"})
      .node("Relu", {"z"}, {"y"})
      .output("y", DataType::kFloat, {1});
  const Status status = failure(graph);
  EXPECT_EQ(status.code(), Code::kCorrupt);
  EXPECT_THAT(status.message(), HasSubstr("missing"));
}

TEST(OnnxExecutorTest, WeightsThatDoNotFitTheInputAreCorrupt) {
  OnnxGraph graph;
  graph.input("x", DataType::kFloat, {1, 5})
      .constant("w", {2, 1}, std::vector<float>{1, 1})
      .node("MatMul", {"x", "w"}, {"z"})
      .node("Relu", {"z"}, {"y"})
      .output("y", DataType::kFloat, {1, 1});
  EXPECT_EQ(failure(graph).code(), Code::kCorrupt);
}

TEST(OnnxExecutorTest, OpenDimensionsNeedAGroupThatFixesThem) {
  const Status status = failure(lookup());
  EXPECT_EQ(status.code(), Code::kUnsupported);
  EXPECT_THAT(status.message(), HasSubstr("input_ids"));
}

TEST(OnnxExecutorTest, AGroupThatContradictsTheGraphIsCorruptWithBothSides) {
  const auto with_group = [](const Group& group) {
    OnnxGraph graph = lookup();
    graph.groups({group});
    return failure(graph);
  };
  const axmodel::TensorInfo ids = {"input_ids", DataType::kInt32, {1, 3}};
  const axmodel::TensorInfo rows = {"rows", DataType::kFloat, {1, 3, 2}};
  const Status missing = with_group({.inputs = {ids}, .outputs = {{"no", DataType::kFloat, {1}}}});
  EXPECT_EQ(missing.code(), Code::kCorrupt);
  EXPECT_THAT(missing.message(), HasSubstr("rows"));
  const Status shape =
      with_group({.inputs = {ids}, .outputs = {{"rows", DataType::kFloat, {1, 3, 4}}}});
  EXPECT_EQ(shape.code(), Code::kCorrupt);
  EXPECT_THAT(shape.message(), HasSubstr("[1, 3, 4]"));
  EXPECT_EQ(with_group({.inputs = {}, .outputs = {rows}}).code(), Code::kCorrupt);
  const Status type =
      with_group({.inputs = {{"input_ids", DataType::kUndefined, {1, 3}}}, .outputs = {rows}});
  EXPECT_EQ(type.code(), Code::kUnsupported);
}

TEST(OnnxExecutorTest, WithoutItsLibraryAGraphIsUnsupportedWithThePath) {
  auto model = parse(lookup().bytes());
  ASSERT_TRUE(model.ok());
  const auto executor = make_executor(*model, {.onnx_library = "/nowhere/lib.so"});
  EXPECT_EQ(executor.status().code(), Code::kUnsupported);
  EXPECT_THAT(executor.status().message(), HasSubstr("/nowhere/lib.so"));
}

}  // namespace
}  // namespace axle::softcard
