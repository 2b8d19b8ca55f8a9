#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "package/shape.h"

// What steps cost: measured while the model runs, for the planner.
namespace axle::llm {

// The cost of a step by its group and by the rows that are used, in any unit. A card computes all
// rows of a group whatever is in them; a processor only those that are used.
class StepCosts {
 public:
  // Numbers of rows that have a cost of their own: 1, 2, 4, ... 1024. Between them it is linear.
  static constexpr std::size_t kMarks = 11;
  using Marks = std::array<double, kMarks>;

  StepCosts() = default;
  // [groups]: costs that do not depend on the rows.
  explicit StepCosts(std::span<const double> by_group);

  static constexpr double rows_of(std::size_t mark) {
    return static_cast<double>(std::size_t{1} << mark);
  }
  std::size_t groups() const { return marks_.size(); }
  Marks& marks(std::size_t group) { return marks_[group]; }
  // REQUIRES: group < groups(), rows > 0.
  double of(std::size_t group, std::size_t rows) const;

 private:
  std::vector<Marks> marks_;
};

// What one step of `group` with `rows` rows took.
struct CostSample {
  std::size_t group = 0;
  std::size_t rows = 0;
  std::chrono::nanoseconds time{0};
  friend bool operator==(const CostSample&, const CostSample&) = default;
};

// Learns the costs of a model's steps. Starts from a guess in proportion; what was never measured
// is estimated from what was, rather too low than too high, so that it is tried.
//
// Threading: not synchronised.
class CostModel {
 public:
  explicit CostModel(const package::LayerShape& shape);

  // One step of `group` with `rows` rows took `time`. The first one of each group is left out: it
  // also warms up.
  void measured(std::size_t group, std::size_t rows, std::chrono::nanoseconds time);

  // Begins with what was measured before. Samples of groups or rows that cannot be are left out.
  void seed(std::span<const CostSample> samples);
  // The group is never to be taken while another one is there.
  // REQUIRES: not a decode group.
  void refuse(std::size_t group);

  // In nanoseconds once a decode step was measured, before that in decode steps.
  const StepCosts& costs() const { return costs_; }
  bool knows_time() const { return decode_known_; }
  // What shapes alone let expect, in decode steps: for choices that must not change from run to
  // run.
  const StepCosts& guesses() const { return guesses_; }

 private:
  struct Sample {
    double cost = 0.0;
    std::uint64_t step = 0;  // When it was last measured; 0: never.
  };
  using Samples = std::array<Sample, StepCosts::kMarks>;

  bool known(std::size_t group, std::size_t mark) const;
  double estimate(std::size_t group, std::size_t mark) const;
  void update();

  std::vector<double> guessed_;  // [groups] in decode steps.
  StepCosts guesses_;
  StepCosts costs_;
  std::vector<Samples> samples_;
  std::vector<bool> warm_;  // Groups that have run.
  std::vector<bool> refused_;
  std::size_t decode_ = 0;  // The group with the guess 1.
  std::uint64_t steps_ = 0;
  bool decode_known_ = false;
};

}  // namespace axle::llm
