#pragma once

#include <array>
#include <cstdint>

namespace axle::llm {

// Philox4x32 with 10 rounds: a counter-based generator, so a draw is a function of (key, counter)
// and of nothing that was drawn before. Source: Salmon, Moraes, Dror, Shaw, "Parallel Random
// Numbers: As Easy as 1, 2, 3", SC 2011; constants and known answers from its Random123 library.
std::array<std::uint32_t, 4> philox4x32(std::array<std::uint32_t, 4> counter,
                                        std::array<std::uint32_t, 2> key);

// The number in [0, 1) that chooses token `index` of the text with `seed`; a multiple of 2^-53.
double uniform_for_token(std::uint64_t seed, std::uint64_t index);

}  // namespace axle::llm
