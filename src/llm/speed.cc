#include "llm/speed.h"

namespace axle::llm {
namespace {

// What is left of a step's weight after the next one of its kind.
constexpr double kMemory = 0.98;

}  // namespace

void SpeedMeter::Sums::add(double more_seconds, double more_tokens) {
  seconds = kMemory * seconds + more_seconds;
  tokens = kMemory * tokens + more_tokens;
}

void SpeedMeter::add(const StepWork& step) {
  const auto prompt = static_cast<double>(step.prompt_rows);
  const auto answer = static_cast<double>(step.answer_rows);
  if (prompt + answer == 0.0) return;
  const double row_seconds = std::chrono::duration<double>(step.time).count() / (prompt + answer);
  if (step.prompt_rows > 0) prompt_.add(row_seconds * prompt, prompt);
  if (step.answer_rows > 0) answer_.add(row_seconds * answer, static_cast<double>(step.new_tokens));
}

}  // namespace axle::llm
