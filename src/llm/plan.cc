#include "llm/plan.h"

#include <algorithm>
#include <limits>

#include "base/check.h"

namespace axle::llm {
namespace {

// Prompt rows that a step may always have: fewer would make prompts crawl beside answers.
constexpr std::size_t kLeastPromptRows = 16;
// Fewer rows must make a step this much cheaper; on a card a chunk costs the same whatever is in
// it, and would only be wasted.
constexpr double kWorthHalving = 0.9;

// Fills one group with rows of the candidates and weighs the result.
class StepFiller {
 public:
  StepFiller(const package::LayerShape& shape, const StepCosts& costs,
             std::span<const Candidate> candidates, const PlanLimits& limits)
      : shape_(shape), costs_(costs), candidates_(candidates), limits_(limits) {
    for (const Candidate& candidate : candidates) {
      const double alone = prefill_cost(shape, costs, candidate.pending);
      row_values_.push_back(alone / static_cast<double>(candidate.pending.count));
    }
  }

  bool sees(std::size_t group, std::size_t candidate) const {
    return candidates_[candidate].pending.history_end <= shape_.groups[group].history;
  }

  // The first candidate's turn comes before the others' rows; then the texts that have begun, since
  // a row of theirs is worth most; then prompts, as far as there is room.
  StepChoice fill(std::size_t group) {
    choice_ = {.group = group, .shares = {}};
    left_ = shape_.groups[group].rows;
    // A prompt whose turn it is shares the room with the answers.
    const Candidate& first = candidates_.front();
    const std::size_t kept =
        std::min({first.pending.count, (left_ + 1) / 2, first.answering ? 1 : kLeastPromptRows});
    take(0, kept);
    for (std::size_t i = 1; i < candidates_.size() && left_ > 0; ++i) {
      if (candidates_[i].answering && sees(group, i)) take(i, 1);
    }
    if (!first.answering) widen(first.pending.count - kept);
    for (std::size_t i = 1; i < candidates_.size(); ++i) {
      if (!candidates_[i].answering && sees(group, i)) add_prompt(i);
    }
    add_drafts();
    return choice_;
  }

  // Worth for its cost: 1 is what the conversations get one by one.
  double gain(const StepChoice& choice) const {
    double value = 0.0;
    std::size_t rows = 0;
    for (const Share& share : choice.shares) {
      double sure_rows = static_cast<double>(share.rows);
      double chance = 1.0;
      for (std::size_t i = 0; i < share.drafts; ++i) {
        chance *= candidates_[share.candidate].draft_chance;
        sure_rows += chance;
      }
      value += row_values_[share.candidate] * sure_rows;
      rows += share.rows + share.drafts;
    }
    return value / costs_.of(choice.group, rows);
  }

 private:
  void take(std::size_t candidate, std::size_t rows) {
    choice_.shares.push_back({candidate, rows, 0});
    left_ -= rows;
    used_ = shape_.groups[choice_.group].rows - left_;
    answers_ = answers_ || candidates_[candidate].answering;
  }

  // More rows for the first candidate.
  void widen(std::size_t wanted) {
    const std::size_t rows = allowed(wanted);
    choice_.shares.front().rows += rows;
    left_ -= rows;
    used_ += rows;
  }

  void add_prompt(std::size_t candidate) {
    const std::size_t rows = allowed(candidates_[candidate].pending.count);
    if (rows > 0) take(candidate, rows);
  }

  // Guesses fill what is left, the likeliest first, as long as one is worth its row.
  void add_drafts() {
    std::vector<double> chances(choice_.shares.size());
    for (std::size_t i = 0; i < chances.size(); ++i) {
      chances[i] = candidates_[choice_.shares[i].candidate].draft_chance;
    }
    while (left_ > 0) {
      Share* best = nullptr;
      double best_value = costs_.of(choice_.group, used_ + 1) - costs_.of(choice_.group, used_);
      for (std::size_t i = 0; i < chances.size(); ++i) {
        Share& share = choice_.shares[i];
        const double value = row_values_[share.candidate] * chances[i];
        if (share.drafts >= candidates_[share.candidate].drafts || value <= best_value) continue;
        best = &share;
        best_value = value;
      }
      if (best == nullptr) return;
      ++best->drafts;
      chances[static_cast<std::size_t>(best - choice_.shares.data())] *=
          candidates_[best->candidate].draft_chance;
      --left_;
      ++used_;
    }
  }

  // How many of `wanted` prompt rows the room and the limit of the step leave.
  std::size_t allowed(std::size_t wanted) const {
    std::size_t rows = std::min(wanted, left_);
    if (!answers_ || limits_.step_cost <= 0.0) return rows;
    while (used_ + rows > kLeastPromptRows) {
      const double cost = costs_.of(choice_.group, used_ + rows);
      const double half = costs_.of(choice_.group, used_ + rows / 2);
      if (cost <= limits_.step_cost || half > kWorthHalving * cost) break;
      rows /= 2;
    }
    return rows;
  }

  const package::LayerShape& shape_;
  const StepCosts& costs_;
  std::span<const Candidate> candidates_;
  PlanLimits limits_;
  std::vector<double> row_values_;  // [candidates] cost of one of its rows alone.
  StepChoice choice_;               // Being filled.
  std::size_t left_ = 0;            // Rows that are free in it.
  std::size_t used_ = 0;
  bool answers_ = false;  // Does a text that has begun take part?
};

}  // namespace

GroupChoice choose_group(const package::LayerShape& shape, const StepCosts& costs,
                         PendingRows pending) {
  AXLE_CHECK(costs.groups() == shape.groups.size() && pending.count > 0);
  GroupChoice choice;
  double best = std::numeric_limits<double>::infinity();
  for (std::size_t group = 0; group < shape.groups.size(); ++group) {
    if (shape.groups[group].history < pending.history_end) continue;
    const std::size_t rows = std::min(shape.groups[group].rows, pending.count);
    const double cost = costs.of(group, rows) / static_cast<double>(rows);
    if (cost < best) {
      best = cost;
      choice = {group, rows};
    }
  }
  AXLE_CHECK(choice.rows > 0);
  return choice;
}

double prefill_cost(const package::LayerShape& shape, const StepCosts& costs, PendingRows pending) {
  double cost = 0.0;
  while (pending.count > 0) {
    const GroupChoice choice = choose_group(shape, costs, pending);
    cost += costs.of(choice.group, choice.rows);
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

StepChoice plan_step(const package::LayerShape& shape, const StepCosts& costs,
                     std::span<const Candidate> candidates, const PlanLimits& limits) {
  AXLE_CHECK(!candidates.empty());
  StepFiller filler(shape, costs, candidates, limits);
  StepChoice best;
  double best_gain = 0.0;
  for (std::size_t group = 0; group < shape.groups.size(); ++group) {
    if (!filler.sees(group, 0)) continue;
    StepChoice choice = filler.fill(group);
    const double gain = filler.gain(choice);
    if (gain > best_gain) {
      best_gain = gain;
      best = std::move(choice);
    }
  }
  AXLE_CHECK(!best.shares.empty());
  return best;
}

}  // namespace axle::llm
