#include "app/bench_figures.h"

#include <algorithm>
#include <array>
#include <string_view>

namespace axle::app {
namespace {

constexpr std::array<std::string_view, 16> kWords{
    "river", "stone", "light", "garden", "window", "paper",  "winter", "music",
    "train", "green", "table", "cloud",  "bread",  "mirror", "street", "boat"};

// The member's median over all rows.
double median_of(const std::vector<BenchRow>& rows, double BenchRow::*member) {
  std::vector<double> values;
  for (const BenchRow& row : rows) values.push_back(row.*member);
  return median(values);
}

}  // namespace

double median(std::vector<double> values) {
  if (values.empty()) return 0;
  std::sort(values.begin(), values.end());
  const std::size_t middle = values.size() / 2;
  return values.size() % 2 == 1 ? values[middle] : (values[middle - 1] + values[middle]) / 2;
}

BenchRow summarise(const std::vector<AnswerTimes>& clients, std::chrono::duration<double> wall) {
  std::vector<double> first;
  std::vector<double> prefill;
  std::vector<double> decode;
  int tokens = 0;
  for (const AnswerTimes& times : clients) {
    first.push_back(times.first_token.count() * 1000);
    prefill.push_back(times.prompt_tokens / std::max(times.first_token.count(), 1e-9));
    const double after = (times.whole - times.first_token).count();
    decode.push_back(
        times.completion_tokens > 1 ? (times.completion_tokens - 1) / std::max(after, 1e-9) : 0);
    tokens += times.completion_tokens;
  }
  return {clients.front().prompt_tokens, median(first), median(prefill), median(decode),
          tokens / std::max(wall.count(), 1e-9)};
}

BenchRow median_row(const std::vector<BenchRow>& rounds) {
  return {rounds.front().prompt_tokens, median_of(rounds, &BenchRow::first_token_ms),
          median_of(rounds, &BenchRow::prefill_per_s), median_of(rounds, &BenchRow::decode_per_s),
          median_of(rounds, &BenchRow::aggregate_per_s)};
}

std::string prompt_of(int count, int variant) {
  // A linear congruential generator: any mixing of words will do, it must only be the same on every
  // machine.
  std::uint32_t state = static_cast<std::uint32_t>(variant) * 2654435761u + 12345u;
  std::string text;
  for (int i = 0; i < count; ++i) {
    state = state * 1664525u + 1013904223u;
    text += i == 0 ? "" : " ";
    text += kWords[state >> 28];
  }
  return text;
}

}  // namespace axle::app
