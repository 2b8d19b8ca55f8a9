#include "llm/request_check.h"

#include <fmt/format.h>

#include <algorithm>
#include <span>

#include "llm/sampler.h"

namespace axle::llm {
namespace {

Status check_tokens(std::span<const TokenId> tokens, const char* what, std::size_t vocab_size) {
  for (const TokenId token : tokens) {
    if (token < 0 || static_cast<std::size_t>(token) >= vocab_size) {
      return invalid_argument(fmt::format("{} has token {}, but the model has tokens 0 to {}", what,
                                          token, vocab_size - 1));
    }
  }
  return {};
}

}  // namespace

Status check_request(const GenerateRequest& request, ModelLimits limits) {
  if (request.prompt.empty()) return invalid_argument("the prompt is empty");
  if (request.max_new_tokens < 1) {
    return invalid_argument(
        fmt::format("max_new_tokens is {}, but must be at least 1", request.max_new_tokens));
  }
  if (request.prompt.size() >= limits.context_tokens) {
    return invalid_argument(fmt::format(
        "the prompt has {} tokens, but the model's context of {} tokens must hold it and at least "
        "one new token; shorten the prompt",
        request.prompt.size(), limits.context_tokens));
  }
  if (request.prompt.size() + request.generated.size() > limits.context_tokens) {
    return invalid_argument(
        fmt::format("prompt and answer so far have {} tokens, but the model's context is {} tokens",
                    request.prompt.size() + request.generated.size(), limits.context_tokens));
  }
  AXLE_TRY(check_tokens(request.prompt, "the prompt", limits.vocab_size));
  AXLE_TRY(check_tokens(request.generated, "the answer so far", limits.vocab_size));
  if (request.top_logprobs < -1 || request.top_logprobs > jobs::kMaxTopLogprobs) {
    return invalid_argument(fmt::format("top_logprobs is {}, but must be from -1 to {}",
                                        request.top_logprobs, jobs::kMaxTopLogprobs));
  }
  return check_sampling(request.sampling, limits.vocab_size);
}

std::size_t tokens_left(const GenerateRequest& request, std::size_t answer_tokens,
                        ModelLimits limits) {
  const std::size_t text = std::min(request.prompt.size() + answer_tokens, limits.context_tokens);
  const auto wanted = static_cast<std::size_t>(request.max_new_tokens);
  return std::min(wanted - std::min(answer_tokens, wanted), limits.context_tokens - text);
}

bool is_complete(const GenerateRequest& request, std::size_t answer_tokens, ModelLimits limits) {
  return tokens_left(request, answer_tokens, limits) == 0;
}

}  // namespace axle::llm
