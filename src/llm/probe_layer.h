#pragma once

#include "base/status.h"
#include "llm/features.h"
#include "llm/model.h"

namespace axle::llm {

// Tries the points of the probe that nothing depends on (kNanCells, kAboveDiagonal, kFarPositions)
// on the first layer alone, and notes them in `report`. Leaves numbers in the first two cells.
// REQUIRES: all K/V memory is zero.
// Errors: kExhausted  no room for the buffers. kCardLost.
Status probe_first_layer(Model& model, ProbeReport& report);

}  // namespace axle::llm
