#pragma once

#include <chrono>

#include "base/metrics.h"
#include "jobs/job.h"

namespace axle::api {

// The figures of chat requests, under axle's names and the vLLM names that dashboards and gateways
// know.
//
// Threading: safe from any thread. Lifetime: the registry must outlive it.
struct ChatMetrics {
  explicit ChatMetrics(metrics::Registry& registry);

  metrics::Counter& finished_stop;
  metrics::Counter& finished_length;
  metrics::Counter& failed;
  metrics::Counter& disconnected;  // Clients that left before the end of their answer.
  metrics::Counter& prompt_tokens;
  metrics::Counter& generated_tokens;
  metrics::Histogram& first_token_seconds;
  metrics::Histogram& between_tokens_seconds;
  metrics::Histogram& request_seconds;
};

}  // namespace axle::api
