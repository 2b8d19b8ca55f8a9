#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "jobs/job.h"

// What the fake card process of the tests answers: a function of the prompt and the token's index.
namespace axle::fleet {

inline jobs::TokenId fake_token(const std::vector<jobs::TokenId>& prompt, std::int32_t index) {
  std::uint32_t hash = 17;
  for (const jobs::TokenId id : prompt) hash = hash * 31 + static_cast<std::uint32_t>(id);
  return static_cast<jobs::TokenId>((hash + static_cast<std::uint32_t>(index) * 7919) % 50'000);
}

// The second token of the prompt is the length of the answer.
inline std::size_t fake_length(const jobs::GenerateJob& job) {
  const auto wanted = static_cast<std::size_t>(job.prompt.size() > 1 ? job.prompt[1] : 4);
  return std::min(wanted, static_cast<std::size_t>(job.max_new_tokens));
}

inline std::vector<jobs::TokenId> fake_answer(const jobs::GenerateJob& job) {
  std::vector<jobs::TokenId> answer;
  for (std::size_t i = 0; i < fake_length(job); ++i)
    answer.push_back(fake_token(job.prompt, static_cast<std::int32_t>(i)));
  return answer;
}

// Do the tokens of earlier runs belong to this job? Empty when they do.
inline std::string fake_mismatch(const jobs::GenerateJob& job) {
  for (std::size_t i = 0; i < job.generated.size(); ++i)
    if (job.generated[i] != fake_token(job.prompt, static_cast<std::int32_t>(i)))
      return "token " + std::to_string(i) + " of the replay is not what was produced";
  return "";
}

}  // namespace axle::fleet
