#pragma once

#include <chrono>
#include <vector>

#include "base/result.h"
#include "llm/cost.h"
#include "llm/model.h"

namespace axle::llm {

// Times steps of a loaded model as it runs them now: of each group one row, then of the prefill
// groups 8 rows, then all rows; each twice, the shorter time counts. What would not end before
// `budget` is over is left out, so that loading takes at most that much longer. The K/V memory must
// hold numbers only; what is in the cells used is overwritten, and zero afterwards.
//
// Errors: kCardLost, kUnavailable  the card failed.
Result<std::vector<CostSample>> measure_costs(Model& model, std::chrono::nanoseconds budget);

}  // namespace axle::llm
