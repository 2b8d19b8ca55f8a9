#pragma once

#include "base/status.h"
#include "llm/generator.h"

namespace axle::llm {

// What a request is held against.
struct ModelLimits {
  std::size_t vocab_size = 0;
  std::size_t context_tokens = 0;
};

// Can this request be served at all?
//
// Errors: kInvalidArgument  as Generator::add.
Status check_request(const GenerateRequest& request, ModelLimits limits);

// New tokens that still have room under max_new_tokens and in the context.
std::size_t tokens_left(const GenerateRequest& request, std::size_t answer_tokens,
                        ModelLimits limits);

// Has the answer ended by length: max_new_tokens reached, or the context full?
bool is_complete(const GenerateRequest& request, std::size_t answer_tokens, ModelLimits limits);

}  // namespace axle::llm
