#pragma once

#include <array>
#include <functional>

#include "base/result.h"
#include "llm/features.h"
#include "llm/model.h"
#include "llm/step.h"

namespace axle::llm {

struct ProbeOptions {
  StepOptions wanted = {};  // What is not wanted is not tried.
  // Points that are not tried, because a card was lost over them: refused unseen.
  std::array<bool, kProbePoints> skip = {};
  // Called before each point: if the card does not survive it, the next process knows which it was.
  std::function<void(ProbePoint)> trying = {};
};

// Finds out on a loaded model what may be trusted on its card. Short texts are computed one row at
// a time in the vendor's order; each point then repeats one of these rows in another way and
// compares its logits and all K and V rows of the first 16 cells with it, the cells that should not
// have changed included. All K/V memory is zero afterwards.
//
// Takes 14 steps of one row and 8 of a prefill group (one more for each further number of
// rows that the package's groups have), and 7 runs of the first layer alone.
//
// A point in which the card refuses a call (but lives) is refused. Points that need others (queued
// and in place: chained; all that uses prefill groups: chunk rows) are untested where those are
// refused.
//
// Errors: kCardLost, kUnavailable  the card failed in the vendor's order too.
//         kExhausted   no room for the buffers of a second way to run steps.
//         kInternal    plain rows give what is no number.
Result<ProbeReport> probe(Model& model, const ProbeOptions& options);

}  // namespace axle::llm
