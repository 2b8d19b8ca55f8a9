#pragma once

#include <span>

#include "base/bf16.h"

namespace axle::llm {

// The largest difference between two rows of the same length, in units of the last place of the
// largest number expected (bf16). Infinite where a number was found that is none, or anything where
// all should be zero. 0: equal (a zero may have either sign).
double difference_in_ulps(std::span<const Bf16> expected, std::span<const Bf16> found);

// Is every one a finite number?
bool all_finite(std::span<const Bf16> numbers);

}  // namespace axle::llm
