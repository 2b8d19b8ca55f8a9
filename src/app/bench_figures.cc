#include "app/bench_figures.h"

#include <algorithm>
#include <cmath>

namespace axle::app {
namespace {

constexpr double kShortest = 1e-9;  // Seconds; against a division by zero.

double per_second(double count, std::chrono::duration<double> time) {
  return count / std::max(time.count(), kShortest);
}

}  // namespace

double median(std::vector<double> values) {
  if (values.empty()) return 0;
  std::sort(values.begin(), values.end());
  const std::size_t middle = values.size() / 2;
  return values.size() % 2 == 1 ? values[middle] : (values[middle - 1] + values[middle]) / 2;
}

double quantile(std::vector<double> values, double share) {
  if (values.empty()) return 0;
  std::sort(values.begin(), values.end());
  const double rank = std::ceil(share * static_cast<double>(values.size()));
  return values[static_cast<std::size_t>(std::max(rank, 1.0)) - 1];
}

BenchRow summarise(const std::vector<AnswerTimes>& answers, std::chrono::duration<double> wall) {
  std::vector<double> prompt;
  std::vector<double> first;
  std::vector<double> prefill;
  std::vector<double> decode;
  double prompts = 0;
  double cached = 0;
  double tokens = 0;
  for (const AnswerTimes& times : answers) {
    prompt.push_back(times.prompt_tokens);
    first.push_back(times.first_token.count() * 1000);
    prefill.push_back(per_second(times.prompt_tokens, times.first_token));
    if (times.completion_tokens > 1) {
      decode.push_back(per_second(times.completion_tokens - 1, times.whole - times.first_token));
    }
    prompts += times.prompt_tokens;
    cached += times.cached_tokens;
    tokens += times.completion_tokens;
  }
  return {.scenario = {},
          .name = {},
          .answers = static_cast<double>(answers.size()),
          .refused = 0,
          .prompt_tokens = median(prompt),
          .first_token_ms = median(first),
          .first_token_p95 = quantile(first, 0.95),
          .prefill_per_s = median(prefill),
          .decode_per_s = median(decode),
          .aggregate_per_s = per_second(tokens, wall),
          .cached_share = prompts > 0 ? cached / prompts : 0,
          .seconds = wall.count()};
}

BenchRow median_row(const std::vector<BenchRow>& rounds) {
  BenchRow row = rounds.front();
  for (double BenchRow::*figure :
       {&BenchRow::answers, &BenchRow::refused, &BenchRow::prompt_tokens, &BenchRow::first_token_ms,
        &BenchRow::first_token_p95, &BenchRow::prefill_per_s, &BenchRow::decode_per_s,
        &BenchRow::aggregate_per_s, &BenchRow::cached_share, &BenchRow::seconds}) {
    std::vector<double> values;
    for (const BenchRow& round : rounds) values.push_back(round.*figure);
    row.*figure = median(values);
  }
  return row;
}

}  // namespace axle::app
