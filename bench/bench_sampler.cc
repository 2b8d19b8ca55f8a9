// Time per token of the sampler, in the forms that requests have.
#include <benchmark/benchmark.h>

#include <cstdint>
#include <random>
#include <span>
#include <vector>

#include "base/bf16.h"
#include "llm/sampler.h"

namespace axle::llm {
namespace {

// Logits shaped as those of a language model: most tokens far below the few likely ones.
std::vector<Bf16> make_logits(std::size_t vocab_size) {
  std::mt19937 random(1);
  std::normal_distribution<float> normal(0.0f, 2.5f);
  std::vector<Bf16> logits(vocab_size);
  for (Bf16& logit : logits) logit = to_bf16(normal(random));
  for (std::size_t i = 0; i < 20; ++i) {
    logits[random() % vocab_size] = to_bf16(15.0f + normal(random));
  }
  return logits;
}

void run(benchmark::State& state, const SamplingOptions& given) {
  const auto vocab_size = static_cast<std::size_t>(state.range(0));
  const std::vector<Bf16> logits = make_logits(vocab_size);
  std::vector<TokenId> prompt(500), answer(500);
  for (std::size_t i = 0; i < prompt.size(); ++i) {
    prompt[i] = static_cast<TokenId>(i * 7 % vocab_size);
    answer[i] = static_cast<TokenId>(i * 13 % vocab_size);
  }
  Sampler sampler(vocab_size);
  SamplingOptions options = given;
  for (auto _ : state) {
    ++options.seed;
    benchmark::DoNotOptimize(sampler.sample(logits, options, {.prompt = prompt, .answer = answer}));
  }
}

const SamplingOptions kGreedy{.temperature = 0.0f};
const SamplingOptions kTemperature{.temperature = 0.8f};
const SamplingOptions kTopK{.temperature = 0.8f, .top_k = 40};
const SamplingOptions kTopP{.temperature = 0.8f, .top_p = 0.95f};
const SamplingOptions kUsual{.temperature = 0.7f,
                             .top_p = 0.9f,
                             .top_k = 40,
                             .min_p = 0.05f,
                             .repetition_penalty = 1.1f,
                             .frequency_penalty = 0.2f};

// Vocabularies of SmolLM2 and of Qwen3.
#define AXLE_SAMPLER_BENCHMARK(options) \
  BENCHMARK_CAPTURE(run, options, options)->Arg(49152)->Arg(151936)->Unit(benchmark::kMicrosecond)
AXLE_SAMPLER_BENCHMARK(kGreedy);
AXLE_SAMPLER_BENCHMARK(kTemperature);
AXLE_SAMPLER_BENCHMARK(kTopK);
AXLE_SAMPLER_BENCHMARK(kTopP);
AXLE_SAMPLER_BENCHMARK(kUsual);

}  // namespace
}  // namespace axle::llm

BENCHMARK_MAIN();
