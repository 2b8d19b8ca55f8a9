#include "softcard/pace.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>

#include "axmodel/layer.h"
#include "base/bf16.h"

namespace axle::softcard {
namespace {

using std::chrono::duration;

double seconds(std::chrono::nanoseconds time) { return duration<double>(time).count(); }

// A Qwen3-0.6B layer in one byte per weight, with a decode group of 2559 cells.
axmodel::Model layer_0_6b() {
  axmodel::LayerSpec spec;
  spec.architecture = "qwen3";
  spec.hidden = 1024;
  spec.heads = 16;
  spec.kv_heads = 8;
  spec.head_dim = 128;
  spec.ffn = 3072;
  spec.rms_eps = 1e-6f;
  spec.rope_kind = "neox";
  axmodel::Model model = axmodel::layer_model(spec);
  model.groups = {axmodel::layer_group(spec, 1, 2559), axmodel::layer_group(spec, 128, 512)};
  for (const axmodel::WeightSpec& weight : axmodel::layer_weights(spec)) {
    const char* format = weight.shape.size() == 2 ? "q8_0" : "f32";
    const Result<std::size_t> bytes = axmodel::weight_bytes(format, weight.shape);
    static const std::vector<std::byte> zeros(std::size_t{64} << 20);
    model.weights.push_back({.name = weight.name,
                             .format = format,
                             .shape = weight.shape,
                             .data = std::span(zeros).first(bytes.ok() ? *bytes : 0)});
  }
  return model;
}

TEST(PaceTest, ADecodeCallOfASmallModelTakesWhatWasPublished) {
  const axmodel::Model model = layer_0_6b();
  const double time = seconds(run_time(llm8850_pi5_timing(), group_cost(model, 0)));
  // 1.5 ms per layer were published for a model of this size with 2048 cells of history.
  EXPECT_GT(time, 1.4e-3);
  EXPECT_LT(time, 2.0e-3);
}

TEST(PaceTest, AChunkCostsMoreThanARowAndLessThanItsRowsOneByOne) {
  const axmodel::Model model = layer_0_6b();
  const Timing timing = llm8850_pi5_timing();
  const auto row = run_time(timing, group_cost(model, 0));
  const auto chunk = run_time(timing, group_cost(model, 1));
  EXPECT_GT(chunk, row);
  EXPECT_LT(chunk, 128 * row);
}

TEST(PaceTest, AnEngineMayHaveATimeOfItsOwn) {
  axmodel::Model model = layer_0_6b();
  model.metadata["axle.fixed_ms"] = "434";
  EXPECT_NEAR(seconds(run_time(llm8850_pi5_timing(), group_cost(model, 0))), 0.434, 1e-9);
}

TEST(PaceTest, WithoutAPaceNothingTakesTime) {
  EXPECT_EQ(run_time(Timing{}, group_cost(layer_0_6b(), 0)).count(), 0);
  EXPECT_EQ(copy_time(Timing{}, 1 << 20).count(), 0);
  EXPECT_NEAR(seconds(copy_time(llm8850_pi5_timing(), 4'000'000)), 0.010122, 1e-9);
}

TEST(PaceTest, WaitingEndsAtTheDeadline) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::milliseconds(3);
  wait_until(deadline);
  EXPECT_GE(std::chrono::steady_clock::now(), deadline);
}

class FixedFunctionTest : public testing::Test {
 protected:
  static axmodel::Group group(std::int64_t rows) {
    return {.inputs = {{"indices", axmodel::DataType::kUint32, {1, rows}},
                       {"input", axmodel::DataType::kBfloat16, {1, rows, 8}}},
            .outputs = {{"output", axmodel::DataType::kBfloat16, {1, rows, 100}}}};
  }
  // Runs the rows whose first number is given; the outputs row after row.
  static std::vector<Bf16> run(const std::vector<float>& rows, std::uint32_t position = 0) {
    std::vector<Bf16> input(rows.size() * 8);
    for (std::size_t r = 0; r < rows.size(); ++r) input[r * 8] = axle::to_bf16(rows[r]);
    std::vector<std::uint32_t> indices(rows.size(), position);
    std::vector<Bf16> output(rows.size() * 100);
    std::byte* in[] = {reinterpret_cast<std::byte*>(indices.data()),
                       reinterpret_cast<std::byte*>(input.data())};
    std::byte* out[] = {reinterpret_cast<std::byte*>(output.data())};
    fixed_function(group(static_cast<std::int64_t>(rows.size())), in, out);
    return output;
  }
};

TEST_F(FixedFunctionTest, ARowGivesTheSameInEveryCall) {
  const std::vector<Bf16> alone = run({2.5f});
  const std::vector<Bf16> together = run({1.0f, 2.5f, 3.0f});
  EXPECT_EQ(std::memcmp(alone.data(), together.data() + 100, 200), 0);
  EXPECT_NE(std::memcmp(together.data(), together.data() + 100, 200), 0);
}

TEST_F(FixedFunctionTest, ARowAtAnotherPositionGivesAnother) {
  const std::vector<Bf16> here = run({2.5f}, 7);
  const std::vector<Bf16> there = run({2.5f}, 8);
  EXPECT_NE(std::memcmp(here.data(), there.data(), 200), 0);
  EXPECT_EQ(std::memcmp(here.data(), run({1.0f, 2.5f}, 7).data() + 100, 200), 0);
}

TEST_F(FixedFunctionTest, AllValuesAreFiniteAndOneIsTheGreatest) {
  int greatest = 0;
  for (const Bf16 value : run({7.0f})) {
    EXPECT_TRUE(std::isfinite(axle::to_float(value)));
    greatest += axle::to_float(value) == 4.0f ? 1 : 0;
  }
  EXPECT_EQ(greatest, 1);
}

TEST(FillNanTest, EveryValueIsNan) {
  std::vector<Bf16> values(6);
  fill_nan({"output", axmodel::DataType::kBfloat16, {2, 3}},
           reinterpret_cast<std::byte*>(values.data()));
  for (const Bf16 value : values) EXPECT_TRUE(std::isnan(axle::to_float(value)));
}

}  // namespace
}  // namespace axle::softcard
