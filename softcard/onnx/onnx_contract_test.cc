#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>
#include <fstream>
#include <iterator>

#include "axmodel/testing/onnx_graph.h"
#include "softcard/testing/fixture.h"

// Ordinary ONNX graphs through the card's library.
namespace axle::softcard::testing {
namespace {

using axmodel::DataType;
using axmodel::testing::OnnxGraph;

// y = 2 x + 1 for four floats; the file has 4 KiB of weights that nothing needs.
OnnxGraph doubling() {
  OnnxGraph graph;
  graph.input("x", DataType::kFloat, {1, 4})
      .constant("two", {1}, std::vector<float>{2})
      .constant("one", {1}, std::vector<float>{1})
      .constant("spare", {1024}, std::vector<float>(1024))
      .node("Mul", {"x", "two"}, {"z"})
      .node("Add", {"z", "one"}, {"y"})
      .output("y", DataType::kFloat, {1, 4});
  return graph;
}

bool file_has(const char* path, const char* word) {
  std::ifstream file(path);
  const std::string text((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  return text.find(word) != std::string::npos;
}

bool openvino_is_loaded() { return file_has("/proc/self/maps", "libopenvino"); }

class OnnxContractTest : public SoftcardTest {
 protected:
  axclError load_graph(const OnnxGraph& graph, std::uint64_t& model) {
    const std::string path = base_ + ".axmodel";
    const Status written = graph.write(path);
    EXPECT_TRUE(written.ok()) << written;
    EXPECT_EQ(AX(client(), axclrtEngineInit)(0), kOk);
    return AX(client(), axclrtEngineLoadFromFile)(path.c_str(), &model);
  }

  // Runs a graph of four floats to four floats.
  static std::vector<float> run(std::uint64_t model, const std::vector<float>& x) {
    std::uint64_t context = 0;
    void* info = nullptr;
    void* io = nullptr;
    EXPECT_EQ(AX(client(), axclrtEngineCreateContext)(model, &context), kOk);
    EXPECT_EQ(AX(client(), axclrtEngineGetIOInfo)(model, &info), kOk);
    EXPECT_EQ(AX(client(), axclrtEngineCreateIO)(info, &io), kOk);
    constexpr std::size_t kBytes = 4 * sizeof(float);
    void* in = allocate(kBytes);
    void* out = allocate(kBytes);
    EXPECT_EQ(AX(client(), axclrtMemcpy)(in, x.data(), kBytes, kHostToDevice), kOk);
    EXPECT_EQ(AX(client(), axclrtEngineSetInputBufferByName)(io, "x", in, kBytes), kOk);
    EXPECT_EQ(AX(client(), axclrtEngineSetOutputBufferByName)(io, "y", out, kBytes), kOk);
    EXPECT_EQ(AX(client(), axclrtEngineExecute)(model, context, 0, io), kOk);
    std::vector<float> y(4);
    EXPECT_EQ(AX(client(), axclrtMemcpy)(y.data(), out, kBytes, kDeviceToHost), kOk);
    return y;
  }
};

TEST_F(OnnxContractTest, OpenvinoComesWithTheFirstGraphAndNotBefore) {
  open_card();
  EXPECT_FALSE(openvino_is_loaded());
  std::uint64_t model = 0;
  ASSERT_EQ(load_graph(doubling(), model), kOk);
  EXPECT_TRUE(openvino_is_loaded());
}

TEST_F(OnnxContractTest, AGraphRunsOnTheCardsMemoryAndTakesRoomThere) {
  open_card();
  const std::uint32_t before = free_cmm_kb();
  std::uint64_t model = 0;
  ASSERT_EQ(load_graph(doubling(), model), kOk);
  EXPECT_GE(before - free_cmm_kb(), 8u);  // The file's two pages, and the output's.
  EXPECT_THAT(run(model, {1, 2, 3, -1}), ::testing::ElementsAre(3, 5, 7, -1));
  EXPECT_EQ(AX(client(), axclrtEngineUnload)(model), kOk);
}

TEST_F(OnnxContractTest, AGraphThatCannotRunIsRefusedAndTheNextOneWorks) {
  open_card();
  OnnxGraph broken;
  broken.input("x", DataType::kFloat, {1, 4})
      .node("Frobnicate", {"x"}, {"z"}, {}, "com.example")
      .node("Relu", {"z"}, {"y"})
      .output("y", DataType::kFloat, {1, 4});
  std::uint64_t model = 0;
  EXPECT_EQ(load_graph(broken, model), kEngineRefused);
  ASSERT_EQ(load_graph(doubling(), model), kOk);
  EXPECT_THAT(run(model, {0, 0, 1, 1}), ::testing::ElementsAre(1, 1, 3, 3));
}

// y = 256 x. In bfloat16, whose step above 1 is 2^-7, an input of 1 + 2^-8 is 1.
OnnxGraph scaling() {
  std::vector<float> weight(16);
  for (std::size_t i = 0; i < 4; ++i) weight[5 * i] = 256;
  OnnxGraph graph;
  graph.input("x", DataType::kFloat, {1, 4})
      .constant("w", {4, 4}, weight)
      .node("MatMul", {"x", "w"}, {"y"})
      .output("y", DataType::kFloat, {1, 4});
  return graph;
}

bool processor_has_bfloat16() {
  return file_has("/proc/cpuinfo", "amx_bf16") || file_has("/proc/cpuinfo", "avx512_bf16");
}

TEST_F(OnnxContractTest, TheProfileSaysInWhatPrecisionGraphsAreComputed) {
  open_card();
  std::uint64_t model = 0;
  ASSERT_EQ(load_graph(scaling(), model), kOk);
  const std::vector<float> x(4, 1.0f + 1.0f / 256);
  EXPECT_THAT(run(model, x), ::testing::Each(257.0f));
  ASSERT_EQ(AX(client(), axclFinalize)(), kOk);
  set_profile("graph_precision = \"bf16\"");
  open_card();
  ASSERT_EQ(load_graph(scaling(), model), kOk);
  // Where the processor has no such arithmetic OpenVINO may compute in 32 bits all the same.
  const float otherwise = processor_has_bfloat16() ? 256.0f : 257.0f;
  EXPECT_THAT(run(model, x), ::testing::Each(::testing::AnyOf(256.0f, otherwise)));
}

TEST_F(OnnxContractTest, WhereArithmeticIsSkippedAGraphTakesTheTimeThatItNames) {
  set_profile("pace = \"llm8850-pi5\"\nskip_arithmetic = true");
  open_card();
  OnnxGraph graph = doubling();
  graph.metadata("axle.fixed_ms", "30");
  std::uint64_t model = 0;
  ASSERT_EQ(load_graph(graph, model), kOk);
  const auto begin = std::chrono::steady_clock::now();
  const std::vector<float> once = run(model, {1, 2, 3, 4});
  EXPECT_GE(std::chrono::steady_clock::now() - begin, std::chrono::milliseconds(30));
  EXPECT_EQ(run(model, {1, 2, 3, 4}), once);
}

}  // namespace
}  // namespace axle::softcard::testing
