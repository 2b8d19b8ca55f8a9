#include <benchmark/benchmark.h>

#include <cstdlib>

#include "softcard/executor/crew.h"
#include "softcard/executor/matrix.h"
#include "softcard/executor/test_engines.h"

// Layer and head calls of the software card at the shape of SmolLM2-135M, every history cell
// visible. Threads: AXLE_SOFTCARD_THREADS, else all processors.
namespace axle::softcard {
namespace {

using testing::Engine;
using testing::LayerCall;
using testing::random_bf16;

axmodel::LayerSpec smollm2() {
  axmodel::LayerSpec spec;
  spec.architecture = "llama";
  spec.hidden = 576;
  spec.heads = 9;
  spec.kv_heads = 3;
  spec.head_dim = 64;
  spec.ffn = 1536;
  spec.rms_eps = 1e-5f;
  spec.rope_theta = 100000.0f;
  spec.max_position = 2048;
  return spec;
}

// Several layers in turn, so that weights come from where they would in a model's step.
constexpr std::size_t kLayers = 30;

void run_layers(benchmark::State& state, const std::string& format,
                const axmodel::GroupShape& shape, std::size_t visible) {
  const axmodel::LayerSpec spec = smollm2();
  const auto model = Engine::shared(testing::layer_engine(spec, format, {shape}));
  std::vector<std::unique_ptr<Executor>> layers;
  for (std::size_t i = 0; i < kLayers; ++i) {
    auto executor = make_executor(model, {});
    if (!executor.ok()) return state.SkipWithError(executor.status().message().c_str());
    layers.push_back(*std::move(executor));
  }
  std::mt19937 random(1);
  LayerCall call(spec, shape);
  call.keys = random_bf16(call.keys.size(), random);
  call.values = random_bf16(call.values.size(), random);
  call.input = random_bf16(call.input.size(), random);
  for (std::size_t row = 0; row < call.rows; ++row) {
    call.positions[row] = static_cast<std::uint32_t>(visible + row);
    for (std::size_t cell = 0; cell < visible; ++cell) call.show(row, cell);
    for (std::size_t other = 0; other <= row; ++other) call.show(row, call.history + other);
  }
  std::size_t turn = 0;
  for (auto _ : state) {
    if (!call.run(*layers[turn++ % kLayers], 0).ok()) return state.SkipWithError("run failed");
  }
  state.SetLabel(matrix_kernel_name());
}

void decode_layer(benchmark::State& state, const std::string& format) {
  run_layers(state, format, {1, 2047}, static_cast<std::size_t>(state.range(0)));
}

void prefill_layer(benchmark::State& state, const std::string& format) {
  run_layers(state, format, {state.range(0), state.range(1)},
             static_cast<std::size_t>(state.range(1)));
}

void head(benchmark::State& state, const std::string& format) {
  const axmodel::HeadSpec spec{576, 49152, 1e-5f};
  auto executor = make_executor(Engine::shared(testing::head_engine(spec, format)), {});
  if (!executor.ok()) return state.SkipWithError(executor.status().message().c_str());
  std::mt19937 random(1);
  std::vector<Bf16> input = random_bf16(576, random);
  std::vector<Bf16> logits(49152);
  std::byte* const in[] = {static_cast<std::byte*>(static_cast<void*>(input.data()))};
  std::byte* const out[] = {static_cast<std::byte*>(static_cast<void*>(logits.data()))};
  for (auto _ : state) {
    if (!(*executor)->run(0, in, out).ok()) return state.SkipWithError("run failed");
  }
}

// The cost of a call that does nothing: waking the crew and meeting it once.
void empty_job(benchmark::State& state) {
  Crew crew(crew_size(0));
  for (auto _ : state) crew.run([](Worker&, std::byte*) {});
}

BENCHMARK(empty_job)->UseRealTime();
BENCHMARK_CAPTURE(decode_layer, q8_0, "q8_0")
    ->Arg(0)
    ->Arg(100)
    ->Arg(1000)
    ->Arg(2047)
    ->UseRealTime();
BENCHMARK_CAPTURE(decode_layer, q4_0, "q4_0")->Arg(100)->Arg(1000)->UseRealTime();
BENCHMARK_CAPTURE(decode_layer, q4_1, "q4_1")->Arg(100)->Arg(1000)->UseRealTime();
BENCHMARK_CAPTURE(prefill_layer, q8_0, "q8_0")
    ->Args({8, 100})
    ->Args({8, 1000})
    ->Args({32, 100})
    ->Args({128, 0})
    ->Args({128, 512})
    ->Args({128, 1024})
    ->UseRealTime();
BENCHMARK_CAPTURE(prefill_layer, q4_1, "q4_1")->Args({128, 0})->Args({128, 512})->UseRealTime();
BENCHMARK_CAPTURE(head, q8_0, "q8_0")->UseRealTime();
BENCHMARK_CAPTURE(head, q4_1, "q4_1")->UseRealTime();

}  // namespace
}  // namespace axle::softcard

BENCHMARK_MAIN();
