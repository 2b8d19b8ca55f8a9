#include "llm/measure.h"

#include <algorithm>
#include <optional>

#include "llm/sequence.h"
#include "llm/step.h"

namespace axle::llm {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::nanoseconds;

constexpr std::size_t kFewRows = 8;
// History that the rows see: that of a short conversation.
constexpr std::size_t kHistoryCells = 128;

class Meter {
 public:
  Meter(Model& model, nanoseconds budget)
      : model_(model), end_(Clock::now() + budget), groups_(model.package().groups()) {}

  Result<std::vector<CostSample>> run() {
    for (std::size_t group = 0; group < groups_.size(); ++group) AXLE_TRY(measure(group, 1));
    for (const bool whole : {false, true}) {
      for (std::size_t group = 0; group < groups_.size(); ++group) {
        const std::size_t rows = whole ? groups_[group].rows : kFewRows;
        if (rows > 1 && rows <= groups_[group].rows) AXLE_TRY(measure(group, rows));
      }
    }
    return samples_;
  }

 private:
  // Never the first one: until something was measured, nothing is known.
  bool has_time(std::size_t group, std::size_t rows) const {
    nanoseconds longest{0};
    for (const CostSample& sample : samples_) {
      const auto growth = static_cast<std::int64_t>(std::max<std::size_t>(rows / sample.rows, 1));
      longest = std::max(longest, sample.group == group ? sample.time * growth : sample.time);
    }
    return Clock::now() + 2 * longest < end_;
  }

  Status measure(std::size_t group, std::size_t rows) {
    if (!has_time(group, rows) || rows > model_.cells()) return {};
    std::optional<nanoseconds> best;
    for (int i = 0; i < 2; ++i) {
      const auto begin = Clock::now();
      AXLE_TRY(step(group, rows));
      const nanoseconds time = Clock::now() - begin;
      best = std::min(best.value_or(time), time);
    }
    samples_.push_back({group, rows, *best});
    return {};
  }

  // Few rows are mostly answers, each with logits; many are a prompt. The head counts.
  Status step(std::size_t group, std::size_t rows) {
    Sequence history;
    const std::size_t seen =
        std::min({groups_[group].history / 2, kHistoryCells, model_.cells() - rows});
    for (Cell cell = 0; cell < seen; ++cell) history.append(0, cell, cell);
    Plan plan{.group = group, .rows = {}};
    for (std::size_t row = 0; row < rows; ++row) {
      const auto at = static_cast<std::uint32_t>(seen + row);
      plan.rows.push_back({.sequence = &history,
                           .token = static_cast<TokenId>(row % model_.vocab_size()),
                           .position = at,
                           .cell = static_cast<Cell>(at),
                           .wants_logits = rows <= kFewRows || row + 1 == rows});
    }
    AXLE_TRY(model_.step().run(plan));
    for (std::size_t row = 0; row < rows; ++row) {
      if (plan.rows[row].wants_logits) AXLE_TRY(model_.step().logits(row).status());
    }
    return {};
  }

  Model& model_;
  Clock::time_point end_;
  const std::vector<package::Group>& groups_;
  std::vector<CostSample> samples_;
};

}  // namespace

Result<std::vector<CostSample>> measure_costs(Model& model, nanoseconds budget) {
  AXLE_TRY_ASSIGN(std::vector<CostSample> samples, Meter(model, budget).run());
  AXLE_TRY(model.clear_cells());
  return samples;
}

}  // namespace axle::llm
