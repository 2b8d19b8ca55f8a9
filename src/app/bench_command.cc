#include <fmt/format.h>

#include <boost/json.hpp>
#include <mutex>
#include <thread>
#include <utility>

#include "app/bench_figures.h"
#include "app/chat_session.h"
#include "app/commands.h"
#include "app/progress.h"
#include "http/client.h"
#include "http/sse.h"

namespace axle::app {
namespace {

namespace json = boost::json;
using Clock = std::chrono::steady_clock;

std::string bench_body(const BenchArguments& arguments, int prompt_tokens, int variant) {
  const json::object body{
      {"model", arguments.model},
      {"stream", true},
      {"stream_options", {{"include_usage", true}}},
      {"temperature", 0},
      {"max_tokens", arguments.new_tokens},
      {"ignore_eos", true},
      {"messages", json::array{json::object{{"role", "user"},
                                            {"content", prompt_of(prompt_tokens, variant)}}}}};
  return json::serialize(body);
}

// Reads `usage` of an event where there is one.
void read_usage(std::string_view data, AnswerTimes& times) {
  boost::system::error_code error;
  const json::value event = json::parse(data, error);
  const json::value* usage = error ? nullptr : event.find_pointer("/usage", error);
  if (usage == nullptr || !usage->is_object()) return;
  const auto number = [usage](const char* name) {
    const json::value* value = usage->get_object().if_contains(name);
    return value != nullptr && value->is_int64() ? static_cast<int>(value->get_int64()) : 0;
  };
  times.prompt_tokens = number("prompt_tokens");
  times.completion_tokens = number("completion_tokens");
}

Result<AnswerTimes> ask(const BenchArguments& arguments, int prompt_tokens, int variant) {
  AXLE_TRY_ASSIGN(http::Client client,
                  http::Client::create(arguments.url, {.api_key = arguments.api_key}));
  AnswerTimes times;
  Status failure;
  http::SseParser parser;
  const auto begin = Clock::now();
  const auto on_chunk = [&](std::string_view bytes) {
    const Result<std::vector<http::SseEvent>> events = parser.feed(bytes);
    if (!events.ok()) failure = events.status();
    for (std::size_t i = 0; failure.ok() && i < events->size(); ++i) {
      const std::string& data = (*events)[i].data;
      if (data == "[DONE]") continue;
      const Result<std::string> text = event_text(data);
      if (!text.ok()) failure = text.status();
      if (text.ok() && !text->empty() && times.first_token.count() == 0)
        times.first_token = Clock::now() - begin;
      read_usage(data, times);
    }
    return failure.ok();
  };
  const Result<http::Response> response = client.post_stream(
      "/v1/chat/completions", bench_body(arguments, prompt_tokens, variant), on_chunk);
  if (!failure.ok()) return failure;
  if (!response.ok()) return response.status();
  if (response->status != 200) return answer_error(*response);
  times.whole = Clock::now() - begin;
  return times;
}

// All clients at once; their answers, or the first failure.
Result<BenchRow> run_round(const BenchArguments& arguments, int prompt_tokens, int round) {
  std::mutex mutex;
  std::vector<AnswerTimes> answers;
  Status failure;
  const auto begin = Clock::now();
  {
    std::vector<std::jthread> clients;
    for (int client = 0; client < arguments.clients; ++client) {
      clients.emplace_back([&, client] {
        // Any mixing will do; it wraps around.
        const auto mixed = static_cast<std::uint32_t>(arguments.seed) * 40503u +
                           static_cast<std::uint32_t>(prompt_tokens * 131 + round);
        const auto variant = static_cast<int>(mixed * 1024u + static_cast<std::uint32_t>(client));
        const Result<AnswerTimes> answer = ask(arguments, prompt_tokens, variant);
        const std::scoped_lock lock(mutex);
        if (answer.ok()) {
          answers.push_back(*answer);
        } else {
          failure = answer.status();
        }
      });
    }
  }
  if (!failure.ok()) return failure;
  return summarise(answers, Clock::now() - begin);
}

void print_table(const BenchArguments& arguments, const std::vector<BenchRow>& table) {
  fmt::print("{} at {}: {} client(s), {} new tokens, median of {}\n", arguments.model,
             arguments.url, arguments.clients, arguments.new_tokens, arguments.repeats);
  fmt::print("{:>8}  {:>14}  {:>14}  {:>14}  {:>18}\n", "prompt", "first token", "prefill tok/s",
             "decode tok/s", "all clients tok/s");
  for (const BenchRow& row : table) {
    fmt::print("{:>8}  {:>11.1f} ms  {:>14.1f}  {:>14.1f}  {:>18.1f}\n", row.prompt_tokens,
               row.first_token_ms, row.prefill_per_s, row.decode_per_s, row.aggregate_per_s);
  }
}

void print_json(const std::vector<BenchRow>& table) {
  json::array rows;
  for (const BenchRow& row : table) {
    rows.push_back(json::object{{"prompt_tokens", row.prompt_tokens},
                                {"first_token_ms", row.first_token_ms},
                                {"prefill_per_s", row.prefill_per_s},
                                {"decode_per_s", row.decode_per_s},
                                {"aggregate_per_s", row.aggregate_per_s}});
  }
  fmt::print("{}\n", json::serialize(rows));
}

}  // namespace

Status run_bench(const BenchArguments& given) {
  BenchArguments arguments = given;
  if (arguments.model.empty()) {
    AXLE_TRY_ASSIGN(http::Client client,
                    http::Client::create(arguments.url, {.api_key = arguments.api_key}));
    const Result<http::Response> models = client.get("/v1/models");
    if (!models.ok())
      return models.status().with_context(
          fmt::format("no server at {} (start one with: axle serve)", arguments.url));
    if (models->status != 200) return answer_error(*models);
    AXLE_TRY_ASSIGN(arguments.model, first_model(models->body));
  }
  std::vector<BenchRow> table;
  {
    ProgressBar bar("bench");
    const std::uint64_t total =
        arguments.prompt_tokens.size() * static_cast<std::size_t>(arguments.repeats);
    std::uint64_t done = 0;
    for (const int prompt_tokens : arguments.prompt_tokens) {
      std::vector<BenchRow> rounds;
      for (int round = 0; round < arguments.repeats; ++round) {
        AXLE_TRY_ASSIGN(const BenchRow row, run_round(arguments, prompt_tokens, round));
        rounds.push_back(row);
        bar.update(++done, total, fmt::format("{} prompt tokens", prompt_tokens));
      }
      table.push_back(median_row(rounds));
    }
  }
  if (arguments.json) {
    print_json(table);
  } else {
    print_table(arguments, table);
  }
  return {};
}

}  // namespace axle::app
