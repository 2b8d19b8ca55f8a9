#include "api/openai/chat_metrics.h"

namespace axle::api {
namespace {

const std::vector<double> kLatencyBounds{0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1,
                                         2.5,   5,    10,    20,   40,  80,   160, 640};
const std::vector<double> kTokenBounds{0.001, 0.0025, 0.005, 0.01, 0.025, 0.05,
                                       0.1,   0.2,    0.4,   0.8,  1.6,   5};

}  // namespace

ChatMetrics::ChatMetrics(metrics::Registry& registry)
    : finished_stop(registry.counter("vllm:request_success_total", "Answers that were completed.",
                                     metrics::label("finished_reason", "stop"))),
      finished_length(registry.counter("vllm:request_success_total", "Answers that were completed.",
                                       metrics::label("finished_reason", "length"))),
      failed(registry.counter("axle_chat_failed_total", "Chat requests that ended with an error.")),
      disconnected(registry.counter("axle_chat_disconnected_total",
                                    "Chat requests whose client left before the end.")),
      prompt_tokens(registry.counter("vllm:prompt_tokens_total", "Prompt tokens of all requests.")),
      generated_tokens(registry.counter("vllm:generation_tokens_total", "Tokens generated.")),
      first_token_seconds(registry.histogram("vllm:time_to_first_token_seconds",
                                             "From the request to its first token.",
                                             kLatencyBounds)),
      between_tokens_seconds(registry.histogram("vllm:time_per_output_token_seconds",
                                                "Between two tokens of one answer.", kTokenBounds)),
      request_seconds(registry.histogram("vllm:e2e_request_latency_seconds",
                                         "From the request to the end of its answer.",
                                         kLatencyBounds)) {}

}  // namespace axle::api
