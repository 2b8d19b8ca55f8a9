#include "llm/plan.h"

#include <algorithm>
#include <limits>

#include "base/check.h"

namespace axle::llm {
namespace {

// A chunk of 128 rows without history costs about two decode steps, and with 1024 cells of history
// about one half more. Source: layer times of Qwen3-VL-4B on an AX650N, AXERA-TECH/Qwen3-VL.AXERA.
constexpr double kRowsPerDecodeStep = 128.0;
constexpr double kHistoryPerHalf = 2048.0;
// Weight of a new measurement: a busy machine makes steps look longer, nothing makes them look
// shorter.
constexpr double kLearningRateDown = 0.5;
constexpr double kLearningRateUp = 0.05;
// How fast a group that is never chosen drifts back to the guess, so that one bad measurement does
// not shut it out for ever.
constexpr double kForgettingRate = 0.001;

double guess(const package::Group& group) {
  if (group.decode()) return 1.0;
  const double chunk = static_cast<double>(group.rows) / kRowsPerDecodeStep;
  return 1.0 + chunk * (1.0 + static_cast<double>(group.history) / kHistoryPerHalf);
}

}  // namespace

GroupChoice choose_group(const package::LayerShape& shape, std::span<const double> costs,
                         PendingRows pending) {
  AXLE_CHECK(costs.size() == shape.groups.size() && pending.count > 0);
  GroupChoice choice;
  double best = std::numeric_limits<double>::infinity();
  for (std::size_t group = 0; group < shape.groups.size(); ++group) {
    if (shape.groups[group].history < pending.history_end) continue;
    const std::size_t rows = std::min(shape.groups[group].rows, pending.count);
    const double cost = costs[group] / static_cast<double>(rows);
    if (cost < best) {
      best = cost;
      choice = {group, rows};
    }
  }
  AXLE_CHECK(choice.rows > 0);
  return choice;
}

double prefill_cost(const package::LayerShape& shape, std::span<const double> costs,
                    PendingRows pending) {
  double cost = 0.0;
  while (pending.count > 0) {
    const GroupChoice choice = choose_group(shape, costs, pending);
    cost += costs[choice.group];
    pending.count -= choice.rows;
    // The end of a context may lie beyond what cells there are; it costs a decode step a row.
    pending.history_end = std::min(pending.history_end + choice.rows, shape.cells());
  }
  return cost;
}

std::size_t prefill_history(const package::LayerShape& shape) {
  std::size_t history = 0;
  for (const package::Group& group : shape.groups) {
    if (!group.decode()) history = std::max(history, group.history);
  }
  return history;
}

CostModel::CostModel(const package::LayerShape& shape) : samples_(shape.groups.size(), 0) {
  for (const package::Group& group : shape.groups) guesses_.push_back(guess(group));
  costs_ = guesses_;
  for (std::size_t group = 0; group < shape.groups.size(); ++group) {
    if (shape.groups[group].decode() && shape.groups[group].history == shape.cells()) {
      decode_ = group;
    }
  }
}

void CostModel::measured(std::size_t group, std::chrono::nanoseconds time) {
  const double cost = static_cast<double>(time.count());
  const std::size_t seen = samples_[group]++;
  if (seen == 0) return;
  const bool decode_known = samples_[decode_] > 1;
  if (group == decode_ && seen == 1) {
    // From here on costs are times: what was a guess is scaled, what was measured stays.
    for (std::size_t other = 0; other < costs_.size(); ++other) {
      if (samples_[other] < 2) costs_[other] = guesses_[other] * cost;
    }
  }
  const double rate = cost < costs_[group] ? kLearningRateDown : kLearningRateUp;
  costs_[group] = seen == 1 ? cost : costs_[group] + rate * (cost - costs_[group]);
  if (!decode_known) return;
  for (std::size_t other = 0; other < costs_.size(); ++other) {
    if (other == group || other == decode_) continue;
    costs_[other] += kForgettingRate * (guesses_[other] * costs_[decode_] - costs_[other]);
  }
}

}  // namespace axle::llm
