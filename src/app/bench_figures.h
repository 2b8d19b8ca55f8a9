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
};

// One row of the table: the median over repeats of what all clients saw together.
struct BenchRow {
  int prompt_tokens = 0;
  double first_token_ms = 0;  // Median over clients.
  double prefill_per_s = 0;   // Prompt tokens over the time to the first token, one client.
  double decode_per_s = 0;    // Tokens after the first over the time after it, one client.
  double aggregate_per_s =
      0;  // All clients' tokens over the time from the first request to the last end.
};

double median(std::vector<double> values);

// Figures of one round: `clients` answers that ran at once, over `wall` time. REQUIRES: at least
// one answer.
BenchRow summarise(const std::vector<AnswerTimes>& clients, std::chrono::duration<double> wall);
// The row whose figures are the medians of `rounds`. REQUIRES: at least one.
BenchRow median_row(const std::vector<BenchRow>& rounds);

// `count` tokens or so of plain words, different for each `variant` so that no cache helps.
std::string prompt_of(int count, int variant);

}  // namespace axle::app
