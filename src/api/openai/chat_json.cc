#include "api/openai/chat_json.h"

#include <fmt/format.h>

#include "api/openai/logprobs.h"
#include "http/message.h"

namespace axle::api {
namespace {

std::string head_json(const ChatHead& head, std::string_view object) {
  return fmt::format(R"({{"id":{},"object":"{}","created":{},"model":{},"system_fingerprint":null)",
                     http::json_quote(head.id), object, head.created, http::json_quote(head.model));
}

std::string usage_json(const jobs::Usage& usage) {
  return fmt::format(
      R"({{"prompt_tokens":{},"completion_tokens":{},"total_tokens":{},"prompt_tokens_details":{{"cached_tokens":{}}}}})",
      usage.prompt_tokens, usage.completion_tokens, usage.prompt_tokens + usage.completion_tokens,
      usage.cached_tokens);
}

double milliseconds(std::chrono::microseconds time) {
  return static_cast<double>(time.count()) / 1e3;
}

// The names are those of llama-server's answers, where it has them.
std::string timings_json(const jobs::Usage& usage, const jobs::Timings& timings) {
  return fmt::format(
      R"({{"queue_ms":{:.3f},"cache_n":{},"prompt_n":{},"prompt_ms":{:.3f},"prompt_row_by_row_n":{},"predicted_n":{},"predicted_ms":{:.3f}}})",
      milliseconds(timings.queued), usage.cached_tokens, usage.prompt_tokens - usage.cached_tokens,
      milliseconds(timings.prefill), timings.row_by_row, usage.completion_tokens,
      milliseconds(timings.decode));
}

// Only where something was thought: clients that do not know the member never see it.
std::string reasoning_member(std::string_view text) {
  return text.empty() ? "" : fmt::format(R"("reasoning_content":{},)", http::json_quote(text));
}

}  // namespace

std::string_view finish_name(jobs::Finish finish) {
  return finish == jobs::Finish::kStop ? "stop" : "length";
}

std::string completion_json(const ChatHead& head, const std::vector<ChatChoice>& choices,
                            const jobs::Usage& usage, const jobs::Timings& timings) {
  std::string list;
  for (std::size_t i = 0; i < choices.size(); ++i) {
    const AnswerText& text = choices[i].text;
    list += fmt::format(
        R"({}{{"index":{},"message":{{"role":"assistant","content":{},{}"refusal":null}},"logprobs":{},"finish_reason":"{}"}})",
        i == 0 ? "" : ",", i, http::json_quote(text.content), reasoning_member(text.reasoning),
        choices[i].logprobs ? logprobs_json(*choices[i].logprobs) : "null",
        finish_name(choices[i].finish));
  }
  return fmt::format(R"({},"choices":[{}],"usage":{},"timings":{}}})",
                     head_json(head, "chat.completion"), list, usage_json(usage),
                     timings_json(usage, timings));
}

ChunkWriter::ChunkWriter(const ChatHead& head, bool include_usage)
    : prefix_(head_json(head, "chat.completion.chunk") + ",\"choices\":["),
      suffix_(include_usage ? "],\"usage\":null}" : "]}") {}

std::string ChunkWriter::chunk(std::int32_t choice, const Parts& parts) const {
  return fmt::format(R"({}{{"index":{},"delta":{},"logprobs":{},"finish_reason":{}}}{})", prefix_,
                     choice, parts.delta,
                     parts.logprobs.empty() ? "null" : logprobs_json(parts.logprobs), parts.finish,
                     suffix_);
}

std::string ChunkWriter::role(std::int32_t choice) const {
  return chunk(choice, {.delta = R"({"role":"assistant","content":""})"});
}

std::string ChunkWriter::content(std::int32_t choice, std::string_view text,
                                 std::string_view logprobs) const {
  const std::string delta = fmt::format(R"({{"content":{}}})", http::json_quote(text));
  return chunk(choice, {.delta = delta, .logprobs = logprobs});
}

std::string ChunkWriter::reasoning(std::int32_t choice, std::string_view text,
                                   std::string_view logprobs) const {
  const std::string delta = fmt::format(R"({{"reasoning_content":{}}})", http::json_quote(text));
  return chunk(choice, {.delta = delta, .logprobs = logprobs});
}

std::string ChunkWriter::finish(std::int32_t choice, jobs::Finish reason,
                                std::string_view logprobs) const {
  const std::string name = fmt::format("\"{}\"", finish_name(reason));
  return chunk(choice, {.delta = "{}", .finish = name, .logprobs = logprobs});
}

std::string ChunkWriter::usage(const jobs::Usage& usage, const jobs::Timings& timings) const {
  return fmt::format(R"({}],"usage":{},"timings":{}}})", prefix_, usage_json(usage),
                     timings_json(usage, timings));
}

}  // namespace axle::api
