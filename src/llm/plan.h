#pragma once

#include <chrono>
#include <cstddef>
#include <span>
#include <vector>

#include "package/shape.h"

// Which group a step runs in: pure functions of shapes, costs and what is to be computed.
namespace axle::llm {

// What one conversation has still to compute.
struct PendingRows {
  std::size_t count = 0;        // Tokens without K and V; > 0.
  std::size_t history_end = 0;  // One more than the highest cell of its history; 0: none.
};

// The group of the next step and how many of the pending rows it takes.
struct GroupChoice {
  std::size_t group = 0;  // Position in LayerShape::groups.
  std::size_t rows = 0;
  friend bool operator==(const GroupChoice&, const GroupChoice&) = default;
};

// The group that computes the pending rows at the least cost per row, among those that see the
// whole history. Where no prefill group does, the decode group remains: correct, row by row. At
// equal cost the earlier group wins.
// `costs`: of one step of each group, in any unit. REQUIRES: one per group, pending.count > 0, and
// a decode group that sees the history.
GroupChoice choose_group(const package::LayerShape& shape, std::span<const double> costs,
                         PendingRows pending);

// The cost of computing all pending rows, choosing as above, new rows taking the cells after the
// history. REQUIRES: as choose_group().
double prefill_cost(const package::LayerShape& shape, std::span<const double> costs,
                    PendingRows pending);

// History that at least one prefill group can see: the largest P. 0: none sees any.
std::size_t prefill_history(const package::LayerShape& shape);

// What a step of each group costs. Starts from a guess in proportion and learns from every step: a
// card's chunk of 128 rows costs two decode steps, a small processor's more than ten.
class CostModel {
 public:
  explicit CostModel(const package::LayerShape& shape);

  // One step of `group` took `time`. The first one of each group is left out: it also warms up.
  void measured(std::size_t group, std::chrono::nanoseconds time);
  // [groups] nanoseconds once the decode group was measured, before that in decode steps.
  std::span<const double> costs() const { return costs_; }
  // [groups] what shapes alone let expect, in decode steps: for choices that must not change from
  // run to run.
  std::span<const double> guesses() const { return guesses_; }

 private:
  std::vector<double> guesses_;       // In decode steps.
  std::vector<double> costs_;         // As above.
  std::vector<std::size_t> samples_;  // Steps seen per group.
  std::size_t decode_ = 0;            // The group with the guess 1.
};

}  // namespace axle::llm
