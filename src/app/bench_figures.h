#pragma once

#include <chrono>
#include <string>
#include <vector>

namespace axle::app {

// What one streamed answer showed from outside.
struct AnswerTimes {
  std::chrono::duration<double> first_token{0};  // From the request to the first text.
  std::chrono::duration<double> whole{0};        // To the end.
  int prompt_tokens = 0;                         // As the server counts them.
  int completion_tokens = 0;
  int cached_tokens = 0;  // Of the prompt's: computed before.
};

// What the requests of one case saw together, in one round or as the median of several.
struct BenchRow {
  std::string scenario;
  std::string name;  // Of the case.
  double answers = 0;
  double refused = 0;          // Answered with 429 or 503: the server is full.
  double prompt_tokens = 0;    // Median, as all that has no other word here.
  double first_token_ms = 0;   // From the request to the first text.
  double first_token_p95 = 0;  // The same for the slowest one of twenty.
  double prefill_per_s = 0;    // Prompt tokens over the time to the first token, of one request.
  double decode_per_s = 0;     // Tokens after the first over the time after it, of one request.
  double aggregate_per_s = 0;  // New tokens of all over the time from the first request to the end.
  double cached_share = 0;     // Prompt tokens that were computed before, of all of them; 0 to 1.
  double seconds = 0;          // From the first request to the end.
};

double median(std::vector<double> values);
// The smallest value that `share` of all are not above. 0 where there is none.
double quantile(std::vector<double> values, double share);

// Figures of one round: `answers` over `wall` time. Names are left empty.
BenchRow summarise(const std::vector<AnswerTimes>& answers, std::chrono::duration<double> wall);
// The row whose figures are the medians of `rounds`, with the names of the first. REQUIRES: at
// least one.
BenchRow median_row(const std::vector<BenchRow>& rounds);

}  // namespace axle::app
