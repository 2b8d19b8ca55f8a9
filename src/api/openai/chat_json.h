#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "api/openai/reasoning.h"
#include "jobs/job.h"

// The JSON of chat answers, whole and in chunks. Source: OpenAI API reference, "Chat".
namespace axle::api {

// What all parts of one answer share.
struct ChatHead {
  std::string id;            // "chatcmpl-..."
  std::int64_t created = 0;  // Unix seconds.
  std::string model;
};

// One finished choice of a whole answer.
struct ChatChoice {
  AnswerText text;
  jobs::Finish finish = jobs::Finish::kStop;
  std::optional<std::string> logprobs = {};  // Joined entries; absent: not asked for.
};

// "stop" or "length".
std::string_view finish_name(jobs::Finish finish);

// A whole answer: object "chat.completion".
std::string completion_json(const ChatHead& head, const std::vector<ChatChoice>& choices,
                            const jobs::Usage& usage, const jobs::Timings& timings);

// Writes the chunks of a stream: objects "chat.completion.chunk", each one line.
//
// Threading: immutable after construction.
class ChunkWriter {
 public:
  // With `include_usage` every chunk has "usage": null but for the one that usage() writes.
  ChunkWriter(const ChatHead& head, bool include_usage);

  std::string role(std::int32_t choice) const;  // {"role":"assistant","content":""}
  // `logprobs`: joined entries for the tokens of the chunk; none: null.
  std::string content(std::int32_t choice, std::string_view text,
                      std::string_view logprobs = {}) const;
  std::string reasoning(std::int32_t choice, std::string_view text,
                        std::string_view logprobs = {}) const;
  std::string finish(std::int32_t choice, jobs::Finish reason,
                     std::string_view logprobs = {}) const;
  // "choices": [].
  std::string usage(const jobs::Usage& usage, const jobs::Timings& timings) const;

 private:
  struct Parts {
    std::string_view delta;
    std::string_view finish = "null";
    std::string_view logprobs = {};
  };
  std::string chunk(std::int32_t choice, const Parts& parts) const;
  std::string prefix_;
  std::string suffix_;
};

}  // namespace axle::api
