#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "llm/cost.h"
#include "package/shape.h"

// Which rows run next, and in which group: pure functions of shapes, costs and what is to be
// computed.
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

// The group that computes the pending rows of one conversation at the least cost per row, among
// those that see the whole history. Where no prefill group does, the decode group remains: correct,
// row by row. At equal cost the earlier group wins.
// REQUIRES: costs of each group, pending.count > 0, and a decode group that sees the history.
GroupChoice choose_group(const package::LayerShape& shape, const StepCosts& costs,
                         PendingRows pending);

// The cost of computing all pending rows, choosing as above, new rows taking the cells after the
// history. REQUIRES: as choose_group().
double prefill_cost(const package::LayerShape& shape, const StepCosts& costs, PendingRows pending);

// History that at least one prefill group can see: the largest P. 0: none sees any.
std::size_t prefill_history(const package::LayerShape& shape);

// A conversation that could run.
struct Candidate {
  PendingRows pending;
  bool answering = false;  // Its one pending row gives the next token of a text that has begun.
  // Guessed tokens that could go in beside it; each holds with this chance if those before it do.
  std::size_t drafts = 0;
  double draft_chance = 0.0;
};

// Rows of one candidate in a step.
struct Share {
  std::size_t candidate = 0;
  std::size_t rows = 0;    // Of its pending ones.
  std::size_t drafts = 0;  // Rows for its guesses, after them.
  friend bool operator==(const Share&, const Share&) = default;
};

struct StepChoice {
  std::size_t group = 0;
  std::vector<Share> shares;  // At least the first candidate's.
  friend bool operator==(const StepChoice&, const StepChoice&) = default;
};

struct PlanLimits {
  // A step in which a text that has begun takes part is not filled up with prompt rows beyond this
  // cost: somebody reads that text. 0: no limit.
  double step_cost = 0.0;
};

// The next step for `candidates`, which stand in the order of their turns: the first one always has
// a share, so that none waits longer than there are others. The rows of a step are worth what they
// would cost if each conversation ran alone, a guess its chance of that; the step that gives most
// for its cost is chosen.
// REQUIRES: at least one candidate; as choose_group() for each.
StepChoice plan_step(const package::LayerShape& shape, const StepCosts& costs,
                     std::span<const Candidate> candidates, const PlanLimits& limits = {});

}  // namespace axle::llm
