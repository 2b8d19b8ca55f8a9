#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "api/openai/request_error.h"
#include "jobs/sampling.h"

namespace axle::api {

inline constexpr std::int32_t kMaxChoices = 16;
inline constexpr std::size_t kMaxStopStrings = 16;  // OpenAI allows 4; more do no harm.
inline constexpr std::size_t kMaxMessages = 4096;
inline constexpr std::size_t kMaxDryBreakers = 64;

// A POST /v1/chat/completions body in our own types, checked and with defaults filled in.
struct ChatRequest {
  std::string model;  // Empty: the request named none.
  std::string
      messages_json;  // A JSON array for the chat template: role and content as strings,
                      // `developer` as `system`, text parts joined, tool-call arguments as objects.
  std::string template_options_json;  // `chat_template_kwargs`, a JSON object; "{}" where absent.
  std::optional<bool> thinking;       // `chat_template_kwargs.enable_thinking`, else whether
                                      // `reasoning_effort` wants any. Absent: as the model likes.
  jobs::SamplingOptions sampling;     // `seed` is valid only with `seed_given`.
  bool seed_given = false;
  std::optional<std::int32_t> max_new_tokens;  // Absent: as many as the context leaves.
  std::optional<std::int32_t> top_logprobs;    // With `logprobs`: how many of the likeliest tokens.
  // `dry_sequence_breakers` for the DRY of `sampling`. The default is llama.cpp's.
  std::vector<std::string> dry_breakers = {"\n", ":", "\"", "*"};
  std::vector<std::string> stop;
  std::int32_t choices = 1;
  bool ignore_end = false;  // `ignore_eos`: end tokens do not end the text (for measuring).
  bool stream = false;
  bool include_usage = false;
  std::int32_t priority = 0;
  std::optional<std::chrono::milliseconds> deadline;  // `deadline_s`, from the request's arrival.
};

// Reads and checks a chat request. Unknown fields are ignored; null equals absent; a known field
// that this version cannot honour and that would change the answer (tools, response_format,
// images) is refused by name.
//
// Errors: kInvalidArgument  not JSON (with the position), not an object, a wrong type or a value
// out of range.
//         kUnsupported      a field or part that this version does not do.
Parsed<ChatRequest> parse_chat_request(std::string_view body);

}  // namespace axle::api
