#include "app/bench_report.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <boost/json.hpp>
#include <cmath>

namespace axle::app {
namespace {

namespace json = boost::json;

// A figure by the name that programs see.
struct Figure {
  std::string_view name;
  double BenchRow::*value;
  bool whole;  // A count, written without a fraction.
};

constexpr std::array<Figure, 10> kFigures{
    Figure{"answers", &BenchRow::answers, true},
    {"refused", &BenchRow::refused, true},
    {"prompt_tokens", &BenchRow::prompt_tokens, true},
    {"first_token_ms", &BenchRow::first_token_ms, false},
    {"first_token_p95_ms", &BenchRow::first_token_p95, false},
    {"prefill_per_s", &BenchRow::prefill_per_s, false},
    {"decode_per_s", &BenchRow::decode_per_s, false},
    {"aggregate_per_s", &BenchRow::aggregate_per_s, false},
    {"cached_share", &BenchRow::cached_share, false},
    {"seconds", &BenchRow::seconds, false},
};

// A rate; nothing was measured where it is 0.
std::string rate_text(double rate) { return rate > 0 ? fmt::format("{:.1f}", rate) : "-"; }

}  // namespace

std::string table_text(std::string_view title, const std::vector<BenchRow>& rows) {
  std::size_t width = 4;
  for (const BenchRow& row : rows) width = std::max(width, row.name.size());
  std::string text = fmt::format("{}\n", title);
  text += fmt::format("  {:<{}}  {:>7}  {:>6}  {:>14}  {:>12}  {:>13}  {:>12}  {:>9}  {:>6}\n",
                      "case", width, "answers", "prompt", "first token ms", "95 % within",
                      "prefill tok/s", "decode tok/s", "all tok/s", "cached");
  for (const BenchRow& row : rows) {
    text += fmt::format(
        "  {:<{}}  {:>7.0f}  {:>6.0f}  {:>14.1f}  {:>12.1f}  {:>13}  {:>12}  {:>9}  "
        "{:>4.0f} %\n",
        row.name, width, row.answers, row.prompt_tokens, row.first_token_ms, row.first_token_p95,
        rate_text(row.prefill_per_s), rate_text(row.decode_per_s), rate_text(row.aggregate_per_s),
        row.cached_share * 100);
    if (row.refused > 0) {
      text += fmt::format("  {:<{}}  {:.0f} more were refused: the server was full\n", "", width,
                          row.refused);
    }
  }
  return text;
}

std::string json_text(const std::vector<BenchRow>& rows) {
  json::array list;
  for (const BenchRow& row : rows) {
    json::object object{{"scenario", row.scenario}, {"case", row.name}};
    for (const Figure& figure : kFigures) {
      const double value = row.*figure.value;
      object[figure.name] = figure.whole ? json::value(std::llround(value)) : json::value(value);
    }
    list.push_back(std::move(object));
  }
  return json::serialize(list) + "\n";
}

std::string csv_text(const std::vector<BenchRow>& rows) {
  std::string text = "scenario,case";
  for (const Figure& figure : kFigures) text += fmt::format(",{}", figure.name);
  text += '\n';
  for (const BenchRow& row : rows) {
    text += fmt::format("{},\"{}\"", row.scenario, row.name);
    for (const Figure& figure : kFigures) {
      text += fmt::format(",{:.{}f}", row.*figure.value, figure.whole ? 0 : 3);
    }
    text += '\n';
  }
  return text;
}

}  // namespace axle::app
