#include "api/openai/chat_request.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <boost/json.hpp>
#include <charconv>
#include <limits>

#include "api/openai/chat_messages.h"
#include "api/openai/json_fields.h"
#include "jobs/job.h"

namespace axle::api {
namespace {

namespace json = boost::json;

constexpr double kMaxInt32 = std::numeric_limits<std::int32_t>::max();

// A field with up to `limit` strings, none of them empty; a single string counts as a list.
void read_strings(FieldReader& reader, std::string_view name, std::size_t limit,
                  std::vector<std::string>& target) {
  const json::value* value = reader.find(name);
  if (value == nullptr) return;
  target.clear();
  if (value->is_string()) {
    target.emplace_back(value->get_string());
  } else if (value->is_array()) {
    for (const json::value& entry : value->get_array()) {
      if (!entry.is_string()) {
        return reader.fail(name, fmt::format("'{}' must hold strings only", name));
      }
      target.emplace_back(entry.get_string());
    }
  } else {
    return reader.fail(name, fmt::format("'{}' must be a string or an array of strings, found {}",
                                         name, kind_name(*value)));
  }
  if (target.size() > limit) {
    return reader.fail(name, fmt::format("'{}' has {} strings, at most {} are allowed", name,
                                         target.size(), limit));
  }
  for (const std::string& text : target) {
    if (text.empty()) {
      return reader.fail(name, fmt::format("'{}' must not hold an empty string", name));
    }
  }
}

void read_logit_bias(FieldReader& reader, jobs::SamplingOptions& sampling) {
  const json::value* value = reader.find("logit_bias");
  if (value == nullptr) return;
  if (!value->is_object()) {
    return reader.fail("logit_bias",
                       fmt::format("'logit_bias' must be an object, found {}", kind_name(*value)));
  }
  for (const auto& [key, bias] : value->get_object()) {
    jobs::TokenId id = 0;
    const auto parsed = std::from_chars(key.data(), key.data() + key.size(), id);
    if (parsed.ec != std::errc() || parsed.ptr != key.data() + key.size() || id < 0) {
      return reader.fail("logit_bias", fmt::format("'logit_bias' keys are token ids, found \"{}\"",
                                                   std::string_view(key)));
    }
    const double amount = bias.is_number() ? bias.to_number<double>() : 1e9;
    if (!(amount >= -100 && amount <= 100)) {
      return reader.fail(
          "logit_bias",
          fmt::format("'logit_bias' values are numbers from -100 to 100; that of {} is not", id));
    }
    sampling.logit_bias.emplace_back(id, static_cast<float>(amount));
  }
}

// Any whole number of 64 bits, with or without a sign.
void read_seed(FieldReader& reader, ChatRequest& request) {
  const json::value* value = reader.find("seed");
  if (value == nullptr) return;
  if (value->is_int64()) {
    request.sampling.seed = static_cast<std::uint64_t>(value->get_int64());
  } else if (value->is_uint64()) {
    request.sampling.seed = value->get_uint64();
  } else {
    return reader.fail(
        "seed", fmt::format("'seed' must be an integer of 64 bits, found {}", kind_name(*value)));
  }
  request.seed_given = true;
}

// The names and defaults of llama-server (tools/server/README.md).
void read_dry(FieldReader& reader, ChatRequest& request) {
  jobs::DryOptions& dry = request.sampling.dry;
  reader.number("dry_multiplier", {0, 1000}, dry.multiplier);
  reader.number("dry_base", {1, 1000}, dry.base);
  std::int64_t allowed_length = dry.allowed_length;
  reader.integer("dry_allowed_length", {0, kMaxInt32}, allowed_length);
  dry.allowed_length = static_cast<std::int32_t>(allowed_length);
  std::int64_t window = dry.window;
  reader.integer("dry_penalty_last_n", {-1, kMaxInt32}, window);
  dry.window = static_cast<std::int32_t>(window);
  read_strings(reader, "dry_sequence_breakers", kMaxDryBreakers, request.dry_breakers);
}

void read_typical(FieldReader& reader, jobs::SamplingOptions& sampling) {
  reader.number("typical_p", {0, 1}, sampling.typical_p);
  if (sampling.typical_p == 0.0f) {
    reader.fail("typical_p", "'typical_p' must be above 0 and at most 1, found 0");
  }
}

void read_logprobs(FieldReader& reader, ChatRequest& request) {
  bool wanted = false;
  reader.boolean("logprobs", wanted);
  std::int64_t top = 0;
  reader.integer("top_logprobs", {0, jobs::kMaxTopLogprobs}, top);
  if (wanted) {
    request.top_logprobs = static_cast<std::int32_t>(top);
  } else if (top > 0) {
    reader.fail("top_logprobs", "'top_logprobs' needs 'logprobs' to be true");
  }
}

void read_sampling(FieldReader& reader, ChatRequest& request) {
  jobs::SamplingOptions& sampling = request.sampling;
  reader.number("temperature", {0, 2}, sampling.temperature);
  reader.number("top_p", {0, 1}, sampling.top_p);
  reader.number("min_p", {0, 1}, sampling.min_p);
  reader.number("frequency_penalty", {-2, 2}, sampling.frequency_penalty);
  reader.number("presence_penalty", {-2, 2}, sampling.presence_penalty);
  reader.number("repetition_penalty", {0.01, 100}, sampling.repetition_penalty);
  std::int64_t top_k = 0;
  reader.integer("top_k", {-1, kMaxInt32}, top_k);
  sampling.top_k = static_cast<std::int32_t>(top_k < 0 ? 0 : top_k);
  read_seed(reader, request);
  read_logit_bias(reader, sampling);
  read_typical(reader, sampling);
  read_dry(reader, request);
  read_logprobs(reader, request);
}

void read_limits(FieldReader& reader, ChatRequest& request) {
  reader.integer("max_tokens", {1, kMaxInt32}, request.max_new_tokens);
  reader.integer("max_completion_tokens", {1, kMaxInt32}, request.max_new_tokens);
  std::int64_t choices = 1;
  reader.integer("n", {1, kMaxChoices}, choices);
  request.choices = static_cast<std::int32_t>(choices);
  reader.boolean("ignore_eos", request.ignore_end);
  read_priority(reader, request.priority);
  read_deadline(reader, request.deadline);
}

void read_stream(FieldReader& reader, ChatRequest& request) {
  reader.boolean("stream", request.stream);
  const json::value* options = reader.find("stream_options");
  if (options == nullptr) return;
  if (!options->is_object()) {
    return reader.fail("stream_options", fmt::format("'stream_options' must be an object, found {}",
                                                     kind_name(*options)));
  }
  // Without "stream" it has no effect: tolerated, documented in docs/api.md.
  FieldReader inner(options->get_object());
  inner.boolean("include_usage", request.include_usage);
  if (inner.error()) reader.fail("stream_options.include_usage", inner.error()->status.message());
}

bool is_empty(const json::value& value) {
  return (value.is_array() && value.get_array().empty()) || (value.is_bool() && !value.get_bool());
}

// "none" of `modalities` but text, and no call that `tool_choice` demands.
void refuse_other_outputs(FieldReader& reader) {
  if (const json::value* modalities = reader.find("modalities")) {
    const bool text_only = modalities->is_array() && modalities->get_array().size() == 1 &&
                           modalities->get_array()[0] == "text";
    if (!text_only) {
      reader.fail_unsupported("modalities", "'modalities' other than [\"text\"] is not supported");
    }
  }
  const json::value* choice = reader.find("tool_choice");
  if (choice != nullptr && *choice != "none" && *choice != "auto") {
    reader.fail_unsupported("tool_choice",
                            "'tool_choice' other than \"none\" and \"auto\" is not "
                            "supported yet; leave it out");
  }
}

// Fields that would change the answer and that this version does not do.
void refuse_unsupported(FieldReader& reader) {
  refuse_other_outputs(reader);
  for (const std::string_view name : {"tools", "functions"}) {
    const json::value* value = reader.find(name);
    if (value != nullptr && !is_empty(*value)) {
      reader.fail_unsupported(name, fmt::format("'{}' is not supported yet; leave it out", name));
    }
  }
  const json::value* format = reader.find("response_format");
  if (format == nullptr) return;
  const json::value* type =
      format->is_object() ? format->get_object().if_contains("type") : nullptr;
  if (type == nullptr || !type->is_string()) {
    return reader.fail("response_format",
                       "'response_format' must be an object with a string \"type\"");
  }
  if (type->get_string() != "text") {
    reader.fail_unsupported(
        "response_format",
        fmt::format("'response_format' of type \"{}\" is not supported yet; use \"text\"",
                    std::string_view(type->get_string())));
  }
}

void read_messages(FieldReader& reader, ChatRequest& request) {
  const json::value* messages = reader.find("messages");
  if (messages == nullptr)
    return reader.fail("messages", "'messages' is missing; give an array of messages");
  request.messages_json = json::serialize(normalise_messages(*messages, reader));
  request.template_options_json = "{}";
  const json::value* options = reader.find("chat_template_kwargs");
  if (options == nullptr) return;
  if (!options->is_object()) {
    return reader.fail(
        "chat_template_kwargs",
        fmt::format("'chat_template_kwargs' must be an object, found {}", kind_name(*options)));
  }
  request.template_options_json = json::serialize(*options);
  FieldReader inner(options->get_object());
  bool thinking = false;
  inner.boolean("enable_thinking", thinking);
  if (inner.error()) {
    return reader.fail("chat_template_kwargs.enable_thinking", inner.error()->status.message());
  }
  if (inner.find("enable_thinking") != nullptr) request.thinking = thinking;
}

// OpenAI's steps become on and off, all that the templates of the supported models know.
void read_reasoning_effort(FieldReader& reader, ChatRequest& request) {
  std::string effort;
  reader.text("reasoning_effort", effort);
  if (effort.empty()) return;
  constexpr std::array<std::string_view, 6> kEfforts{"none",   "minimal", "low",
                                                     "medium", "high",    "xhigh"};
  const auto found = std::find(kEfforts.begin(), kEfforts.end(), effort);
  if (found == kEfforts.end()) {
    return reader.fail("reasoning_effort",
                       fmt::format("'reasoning_effort' must be one of {}, found \"{}\"",
                                   fmt::join(kEfforts, ", "), effort));
  }
  if (!request.thinking) request.thinking = found - kEfforts.begin() > 1;
}

}  // namespace

Parsed<ChatRequest> parse_chat_request(std::string_view body) {
  Parsed<json::object> root = parse_json_object(body);
  if (!root.ok()) return root.error();
  ChatRequest request;
  FieldReader reader(root.value());
  reader.text("model", request.model);
  read_messages(reader, request);
  read_reasoning_effort(reader, request);
  read_sampling(reader, request);
  read_limits(reader, request);
  read_strings(reader, "stop", kMaxStopStrings, request.stop);
  read_stream(reader, request);
  refuse_unsupported(reader);
  if (reader.error()) return *reader.error();
  return request;
}

}  // namespace axle::api
