#include "llm/cost.h"

#include <algorithm>
#include <bit>

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
// A measurement is forgotten after so many steps without another, so that one bad one does not shut
// a group out for ever.
constexpr std::uint64_t kMemorySteps = 4096;
// What one row in a chunk is thought to cost until it was tried, in decode steps.
constexpr double kLeastChunk = 1.1;
// Of groups that are refused, in decode steps or in nanoseconds: more than anything else costs.
constexpr double kNever = 1e18;

double guess(const package::Group& group) {
  if (group.decode()) return 1.0;
  const double chunk = static_cast<double>(group.rows) / kRowsPerDecodeStep;
  return 1.0 + chunk * (1.0 + static_cast<double>(group.history) / kHistoryPerHalf);
}

// The mark that `rows` rows count for: rounded up.
std::size_t mark_of(std::size_t rows) {
  const auto mark = static_cast<std::size_t>(std::bit_width(rows - 1));
  return std::min(mark, StepCosts::kMarks - 1);
}

double between(double rows, double low_rows, double low, double high_rows, double high) {
  if (high_rows <= low_rows) return high;
  return low + (high - low) * (rows - low_rows) / (high_rows - low_rows);
}

}  // namespace

StepCosts::StepCosts(std::span<const double> by_group) : marks_(by_group.size()) {
  for (std::size_t group = 0; group < by_group.size(); ++group) {
    marks_[group].fill(by_group[group]);
  }
}

double StepCosts::of(std::size_t group, std::size_t rows) const {
  const std::size_t high = mark_of(rows);
  const std::size_t low = high == 0 ? 0 : high - 1;
  const Marks& marks = marks_[group];
  const double wanted = std::min(static_cast<double>(rows), rows_of(kMarks - 1));
  return between(wanted, rows_of(low), marks[low], rows_of(high), marks[high]);
}

CostModel::CostModel(const package::LayerShape& shape)
    : samples_(shape.groups.size()),
      warm_(shape.groups.size(), false),
      refused_(shape.groups.size(), false) {
  for (const package::Group& group : shape.groups) guessed_.push_back(guess(group));
  guesses_ = StepCosts(guessed_);
  costs_ = guesses_;
  for (std::size_t group = 0; group < shape.groups.size(); ++group) {
    if (shape.groups[group].decode() && shape.groups[group].history == shape.cells()) {
      decode_ = group;
    }
  }
}

bool CostModel::known(std::size_t group, std::size_t mark) const {
  const Sample& sample = samples_[group][mark];
  return sample.step != 0 && (group == decode_ || steps_ - sample.step < kMemorySteps);
}

// From the nearest measured numbers of rows of the same group; where there is none, from the guess.
double CostModel::estimate(std::size_t group, std::size_t mark) const {
  if (refused_[group]) return kNever;
  if (known(group, mark)) return samples_[group][mark].cost;
  const double unit = decode_known_ ? samples_[decode_][0].cost : 1.0;
  const double guessed = guessed_[group] * unit;
  std::size_t low = mark;
  while (low > 0 && !known(group, low)) --low;
  std::size_t high = mark;
  while (high + 1 < StepCosts::kMarks && !known(group, high)) ++high;
  const double low_cost = samples_[group][low].cost;
  if (!known(group, high)) return known(group, low) ? std::max(low_cost, guessed) : guessed;
  const double high_cost = samples_[group][high].cost;
  const double least = known(group, low) ? low_cost : std::min(high_cost, kLeastChunk * unit);
  return between(StepCosts::rows_of(mark), StepCosts::rows_of(low), least, StepCosts::rows_of(high),
                 high_cost);
}

void CostModel::measured(std::size_t group, std::size_t rows, std::chrono::nanoseconds time) {
  ++steps_;
  if (!warm_[group]) {
    warm_[group] = true;
    return;
  }
  const double cost = static_cast<double>(time.count());
  const std::size_t mark = mark_of(rows);
  Sample& sample = samples_[group][mark];
  if (known(group, mark)) {
    sample.cost +=
        (cost < sample.cost ? kLearningRateDown : kLearningRateUp) * (cost - sample.cost);
  } else {
    sample.cost = cost;
  }
  sample.step = steps_;
  update();
}

void CostModel::update() {
  decode_known_ = samples_[decode_][0].step != 0;
  if (!decode_known_) return;  // Times and guesses are not comparable yet.
  for (std::size_t g = 0; g < samples_.size(); ++g) {
    for (std::size_t m = 0; m < StepCosts::kMarks; ++m) costs_.marks(g)[m] = estimate(g, m);
  }
}

void CostModel::seed(std::span<const CostSample> samples) {
  ++steps_;
  for (const CostSample& sample : samples) {
    if (sample.group >= samples_.size() || sample.rows == 0 || sample.time.count() <= 0) continue;
    samples_[sample.group][mark_of(sample.rows)] = {static_cast<double>(sample.time.count()),
                                                    steps_};
    warm_[sample.group] = true;
  }
  update();
}

void CostModel::refuse(std::size_t group) {
  refused_[group] = true;
  costs_.marks(group).fill(kNever);
  guesses_.marks(group).fill(kNever);
}

}  // namespace axle::llm
