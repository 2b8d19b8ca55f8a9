#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/bf16.h"
#include "jobs/job.h"

namespace axle::llm {

using jobs::TokenId;
using jobs::TokenLogprob;

// The log probabilities that a row of logits ([V] bf16, all finite) gives to `token` and to the
// `top` most likely tokens (all V where there are fewer), in the form of jobs::Tokens::logprobs.
// Empty where `top` is negative: nobody asked. A function of its arguments alone, within 1e-5.
// REQUIRES: 0 <= token < V.
std::vector<TokenLogprob> logprobs_of(std::span<const Bf16> logits, TokenId token,
                                      std::int32_t top);

}  // namespace axle::llm
