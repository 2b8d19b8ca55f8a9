#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <span>

#include "axmodel/model.h"
#include "softcard/profile.h"

namespace axle::softcard {

// What one run of one shape group costs the card.
struct EngineCost {
  double bytes = 0.0;          // Weights and K/V cells that are read.
  double flops = 0.0;          // Floating-point operations, a multiply-add counted as two.
  double fixed_seconds = 0.0;  // Where set, it is the whole time.
};

// From the model's operator, weights and the group's shapes. A number of milliseconds in the
// metadata entry "axle.fixed_ms" gives the engine a time of its own.
EngineCost group_cost(const axmodel::Model& model, std::size_t group);

std::chrono::nanoseconds run_time(const Timing& timing, const EngineCost& cost);
std::chrono::nanoseconds copy_time(const Timing& timing, std::size_t bytes);

// Blocks until `deadline`, to a few microseconds.
void wait_until(std::chrono::steady_clock::time_point deadline);

// The stand-in for arithmetic: outputs that depend on the inputs and on nothing else. Row r of
// every output depends on row r of the input named "input" (else the first) and on its position in
// "indices", so that results do not depend on which rows share a call, and differ along a text even
// where all tokens have the same embedding. All values are finite.
void fixed_function(const axmodel::Group& group, std::span<std::byte* const> inputs,
                    std::span<std::byte* const> outputs);

// Fills an output with NaN where its type has one, with 0xff bytes else.
void fill_nan(const axmodel::TensorInfo& tensor, std::byte* data);

}  // namespace axle::softcard
