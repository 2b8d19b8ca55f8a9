// One card, two ways to use it, one run: the vendor's order (one text at a time, every call waited
// for) and axle's (queued, without copies, all texts in one step). For the paced software card:
//
//   AXLE_SOFTCARD='toml:pace = "llm8850-pi5"
//   skip_arithmetic = true' bench_orders PACKAGE LIBRARY [TOKENS [TABLE...]]
//
// Four tables: `clients` (one and eight), `repeats` (one text that says one token over and over,
// the best case of guesses), `long` (prompts of 1500 tokens one after another) and `shared` (twenty
// clients that share a beginning of 600 tokens); all where none is named. The bound is the time
// model of the paced card for one text without any copy.
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <ctime>
#include <filesystem>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "card/card.h"
#include "card/library.h"
#include "llm/generator.h"
#include "llm/model.h"
#include "package/package.h"

namespace axle::llm {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::size_t kPrompt = 100;
constexpr std::size_t kLongPrompt = 1500;
constexpr std::size_t kShared = 600;

double seconds(Clock::duration time) { return std::chrono::duration<double>(time).count(); }

// What this thread has used of a processor: the engine thread's part, without the card's.
double thread_seconds() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) / 1e9;
}

// Some requests of a model, and when what happened.
class Session : public EventSink {
 public:
  struct Times {
    Clock::time_point asked;
    Clock::time_point first;
    Clock::time_point last;
    std::size_t tokens = 0;
    std::int32_t computed = 0;  // Prompt tokens that were not there already.
  };

  Session(Model& model, const GeneratorOptions& options) : generator_(model, options) {}

  Status ask(std::size_t client, std::vector<TokenId> prompt, std::int32_t tokens,
             std::vector<std::pair<TokenId, float>> logit_bias = {}) {
    GenerateRequest request;
    request.prompt = std::move(prompt);
    request.max_new_tokens = tokens;
    request.sampling.temperature = 0.0f;
    request.sampling.logit_bias = std::move(logit_bias);
    times_[RequestId{client}].asked = Clock::now();
    return generator_.add(RequestId{client}, std::move(request));
  }
  Status step() {
    AXLE_TRY_ASSIGN(more_, generator_.step(*this));
    return status_;
  }
  Status finish() {
    do {
      AXLE_TRY(step());
    } while (more_);
    return {};
  }

  const Times& operator[](std::size_t client) { return times_[RequestId{client}]; }
  const std::map<RequestId, Times>& all() const { return times_; }
  std::size_t tokens() const { return tokens_; }

  void progress(RequestId, const jobs::Progress&) override {}
  void tokens(RequestId id, const jobs::Tokens& tokens) override {
    Times& times = times_[id];
    times.last = Clock::now();
    if (times.tokens == 0) times.first = times.last;
    times.tokens += tokens.ids.size();
    tokens_ += tokens.ids.size();
  }
  void done(RequestId id, const jobs::Done& done) override {
    times_[id].computed = done.usage.prompt_tokens - done.usage.cached_tokens;
  }
  void failed(RequestId, const jobs::Failed& failed) override { status_ = failed.status; }

 private:
  Generator generator_;
  std::map<RequestId, Times> times_;
  std::size_t tokens_ = 0;
  bool more_ = true;
  Status status_;
};

std::vector<TokenId> make_prompt(std::size_t length, std::size_t seed, std::size_t vocab_size) {
  std::vector<TokenId> prompt;
  for (std::size_t i = 0; i < length; ++i) {
    prompt.push_back(static_cast<TokenId>((i * 37 + seed * 1009) % vocab_size));
  }
  return prompt;
}

struct Way {
  const char* name;
  StepOrder order;
  GeneratorOptions generator;
};

// `clients` texts of which the last one comes when the others have begun.
Status measure_clients(const Way& way, Model& model, std::size_t clients, std::int32_t tokens) {
  Session session(model, way.generator);
  const auto begin = Clock::now();
  const double begin_cpu = thread_seconds();
  const auto ask = [&](std::size_t client) {
    return session.ask(client, make_prompt(kPrompt, client, model.vocab_size()), tokens);
  };
  for (std::size_t i = 1; i < std::max<std::size_t>(clients, 2); ++i) AXLE_TRY(ask(i));
  if (clients > 1) {
    while (session.tokens() < 2 * clients) AXLE_TRY(session.step());
    AXLE_TRY(ask(clients));
  }
  AXLE_TRY(session.finish());
  const Session::Times& first = session[1];
  const Session::Times& late = session[clients];
  const auto count = static_cast<double>(session.tokens());
  fmt::print(stderr, "| {} | {} | {:.2f} | {:.2f} | {:.2f} | {:.2f} |\n", way.name, clients,
             static_cast<double>(first.tokens - 1) / seconds(first.last - first.first),
             count / seconds(Clock::now() - begin), seconds(late.first - late.asked),
             1e3 * (thread_seconds() - begin_cpu) / count);
  return {};
}

// One text that a bias makes say the same token again and again.
Status measure_repeats(const Way& way, Model& model, std::int32_t tokens) {
  constexpr TokenId kToken = 42;
  Session session(model, way.generator);
  AXLE_TRY(session.ask(1, make_prompt(kPrompt, 1, model.vocab_size()), tokens, {{kToken, 100.0f}}));
  AXLE_TRY(session.finish());
  const Session::Times& text = session[1];
  fmt::print(stderr, "| {} | {:.2f} |\n", way.name,
             static_cast<double>(text.tokens - 1) / seconds(text.last - text.first));
  return {};
}

// Prompts that nearly fill the context, each asked when the one before it has ended.
Status measure_long_prompts(const Way& way, Model& model) {
  Session session(model, way.generator);
  std::string firsts;
  for (std::size_t client = 1; client <= 3; ++client) {
    const std::size_t length = std::min(kLongPrompt, model.context_tokens() - 64);
    AXLE_TRY(session.ask(client, make_prompt(length, client, model.vocab_size()), 32));
    AXLE_TRY(session.finish());
    firsts += fmt::format(" {:.2f} |", seconds(session[client].first - session[client].asked));
  }
  fmt::print(stderr, "| {} |{}\n", way.name, firsts);
  return {};
}

// Twenty clients at once whose prompts begin alike.
Status measure_shared(const Way& way, Model& model) {
  constexpr std::size_t kClients = 20;
  Session session(model, way.generator);
  const auto begin = Clock::now();
  for (std::size_t client = 1; client <= kClients; ++client) {
    std::vector<TokenId> prompt = make_prompt(kShared, 0, model.vocab_size());
    const std::vector<TokenId> own = make_prompt(10, client, model.vocab_size());
    prompt.insert(prompt.end(), own.begin(), own.end());
    AXLE_TRY(session.ask(client, std::move(prompt), 32));
  }
  AXLE_TRY(session.finish());
  std::int32_t computed = 0;
  Clock::duration latest{0};
  for (const auto& [id, times] : session.all()) {
    computed += times.computed;
    latest = std::max(latest, times.first - times.asked);
  }
  fmt::print(stderr, "| {} | {} | {} | {:.2f} | {:.2f} |\n", way.name, kClients * (kShared + 10),
             computed, seconds(latest),
             static_cast<double>(session.tokens()) / seconds(Clock::now() - begin));
  return {};
}

// Seconds of one decode step by the paced card's model: calls, and bytes of weights and cells.
double decode_bound(const package::Package& package) {
  constexpr double kCall = 0.457e-3;
  constexpr double kBytesPerSecond = 21.5e9;
  const auto bytes_of = [](const std::filesystem::path& path) {
    return static_cast<double>(std::filesystem::file_size(path));
  };
  double seconds = kCall + bytes_of(package.post_path()) / kBytesPerSecond;
  for (std::size_t layer = 0; layer < package.layer_count(); ++layer) {
    const auto cells = static_cast<double>(package.cells() * package.kv_width(layer) * 4);
    seconds += kCall + (bytes_of(package.layer_path(layer)) + cells) / kBytesPerSecond;
  }
  return seconds;
}

// What the model takes of the card, beside what was predicted from its files.
Status measure_memory(card::Card& card, const package::Package& package) {
  constexpr double kMiB = 1024.0 * 1024.0;
  AXLE_TRY_ASSIGN(const std::uint64_t before, card.memory_free());
  AXLE_TRY_ASSIGN(const std::unique_ptr<Model> model, Model::load(card, package, {}));
  AXLE_TRY_ASSIGN(const std::uint64_t after, card.memory_free());
  fmt::print(stderr, "card memory: predicted {:.1f} MiB, taken {:.1f} MiB, told {:.1f} MiB\n",
             static_cast<double>(Model::predicted_bytes(package)) / kMiB,
             static_cast<double>(before - after) / kMiB,
             static_cast<double>(model->memory_bytes()) / kMiB);
  return {};
}

Status run(const std::string& folder, const std::string& library_path, std::int32_t tokens,
           std::span<char* const> tables) {
  card::LibraryOptions options;
  options.library = library_path;
  AXLE_TRY_ASSIGN(const std::unique_ptr<card::Library> library, card::Library::open(options));
  AXLE_TRY_ASSIGN(const std::unique_ptr<card::Card> card, card::Card::open(*library));
  AXLE_TRY_ASSIGN(const package::Package package, package::Package::open(folder));
  fmt::print(stderr,
             "{}: prompts of {} tokens, {} new tokens; bound for one text {:.2f} tokens/s\n",
             package.name(), kPrompt, tokens, 1.0 / decode_bound(package));
  AXLE_TRY(measure_memory(*card, package));
  const Way ways[] = {
      {"vendor", StepOrder::kVendor, {.max_running = 1, .prefix_cache = false, .max_drafts = 0}},
      {"axle", StepOrder::kChained, {.max_banks = 4, .max_drafts = 0}},
      {"axle, guesses", StepOrder::kChained, {.max_banks = 4}}};
  const auto with_each = [&](std::string_view table, const char* head,
                             const auto& measure) -> Status {
    const auto named = [&](const char* name) { return table == name; };
    if (!tables.empty() && std::ranges::none_of(tables, named)) return {};
    fmt::print(stderr, "\n{}\n", head);
    for (const Way& way : ways) {
      LoadOptions load;
      load.step.order = way.order;
      AXLE_TRY_ASSIGN(const std::unique_ptr<Model> model, Model::load(*card, package, load));
      AXLE_TRY(measure(way, *model));
    }
    return {};
  };
  const auto clients = [tokens](const Way& way, Model& model) -> Status {
    AXLE_TRY(measure_clients(way, model, 1, tokens));
    return measure_clients(way, model, 8, tokens);
  };
  AXLE_TRY(
      with_each("clients",
                "| order | clients | first client's decode tok/s | all tok/s | first token of the "
                "last client, "
                "s | engine thread, ms CPU per token |\n|---|---|---|---|---|---|",
                clients));
  const auto repeats = [tokens](const Way& way, Model& model) {
    return measure_repeats(way, model, tokens);
  };
  AXLE_TRY(with_each("repeats", "| order | decode tok/s |\n|---|---|", repeats));
  AXLE_TRY(with_each("long",
                     "| order | first token of three long prompts, s | | |\n|---|---|---|---|",
                     measure_long_prompts));
  return with_each(
      "shared",
      "| order | prompt tokens of 20 clients | computed | latest first token, s | all tok/s "
      "|\n|---|---|---|---|---|",
      measure_shared);
}

}  // namespace
}  // namespace axle::llm

int main(int argc, char** argv) {
  if (argc < 3) {
    fmt::print(stderr, "usage: {} PACKAGE LIBRARY [TOKENS [TABLE...]]\n", argv[0]);
    return 2;
  }
  const int tokens = argc > 3 ? std::atoi(argv[3]) : 64;
  const auto tables = std::span(argv, static_cast<std::size_t>(argc))
                          .subspan(static_cast<std::size_t>(std::min(argc, 4)));
  const axle::Status status = axle::llm::run(argv[1], argv[2], tokens, tables);
  if (!status.ok()) fmt::print(stderr, "{}\n", status.to_string());
  return status.ok() ? 0 : 1;
}
