// One card, two ways to use it, one run: the vendor's order (one text at a time, every call waited
// for) and axle's (queued, without copies, all texts in one step). For the paced software card:
//
//   AXLE_SOFTCARD='toml:pace = "llm8850-pi5"
//   skip_arithmetic = true' bench_orders PACKAGE LIBRARY [TOKENS]
//
// The bound is the time model of the paced card for one text without any copy.
#include <fmt/format.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <memory>
#include <string>
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

double seconds_since(Clock::time_point begin) {
  return std::chrono::duration<double>(Clock::now() - begin).count();
}

class Watch : public EventSink {
 public:
  void progress(RequestId, const jobs::Progress&) override {}
  void tokens(RequestId id, const jobs::Tokens& tokens) override {
    first_token.try_emplace(id, Clock::now());
    count += tokens.ids.size();
  }
  void done(RequestId, const jobs::Done&) override {}
  void failed(RequestId, const jobs::Failed& failed) override { status = failed.status; }

  std::map<RequestId, Clock::time_point> first_token;
  std::size_t count = 0;
  Status status;
};

GenerateRequest make_request(std::size_t client, std::int32_t tokens, std::size_t vocab_size) {
  GenerateRequest request;
  for (std::size_t i = 0; i < kPrompt; ++i) {
    request.prompt.push_back(static_cast<TokenId>((i * 37 + client * 1009) % vocab_size));
  }
  request.max_new_tokens = tokens;
  request.sampling.temperature = 0.0f;
  return request;
}

struct Figures {
  double tokens_per_second = 0.0;
  double late_first_token_s = 0.0;  // Of a client that comes while the others run.
};

// `clients` texts of which the last one comes when the others have begun.
Result<Figures> measure(Model& model, const GeneratorOptions& options, std::size_t clients,
                        std::int32_t tokens) {
  Generator generator(model, options);
  Watch watch;
  const auto begin = Clock::now();
  for (std::size_t i = 1; i < std::max<std::size_t>(clients, 2); ++i) {
    AXLE_TRY(generator.add(RequestId{i}, make_request(i, tokens, model.vocab_size())));
  }
  Figures figures;
  if (clients > 1) {
    while (watch.count < 2 * clients) AXLE_TRY(generator.step(watch).status());
    const auto asked = Clock::now();
    const RequestId late{clients};
    AXLE_TRY(generator.add(late, make_request(clients, tokens, model.vocab_size())));
    while (!watch.first_token.contains(late)) AXLE_TRY(generator.step(watch).status());
    figures.late_first_token_s =
        std::chrono::duration<double>(watch.first_token[late] - asked).count();
  }
  for (bool more = true; more;) {
    AXLE_TRY_ASSIGN(more, generator.step(watch));
  }
  AXLE_TRY(watch.status);
  figures.tokens_per_second = static_cast<double>(watch.count) / seconds_since(begin);
  return figures;
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

Status run(const std::string& folder, const std::string& library_path, std::int32_t tokens) {
  card::LibraryOptions options;
  options.library = library_path;
  AXLE_TRY_ASSIGN(const std::unique_ptr<card::Library> library, card::Library::open(options));
  AXLE_TRY_ASSIGN(const std::unique_ptr<card::Card> card, card::Card::open(*library));
  AXLE_TRY_ASSIGN(const package::Package package, package::Package::open(folder));
  fmt::print(stderr,
             "{}: prompts of {} tokens, {} new tokens; bound for one text {:.2f} tokens/s\n",
             package.name(), kPrompt, tokens, 1.0 / decode_bound(package));
  fmt::print(
      "| order | clients | tokens/s | first token of the last client, s |\n|---|---|---|---|\n");
  struct Way {
    const char* name;
    StepOrder order;
    GeneratorOptions generator;
  };
  const Way ways[] = {
      {"vendor", StepOrder::kVendor, {.max_running = 1, .prefix_cache = false, .max_drafts = 0}},
      {"axle", StepOrder::kChained, {.prefix_cache = false, .max_drafts = 0}},
      {"axle, guesses", StepOrder::kChained, {.prefix_cache = false}}};
  for (const Way& way : ways) {
    LoadOptions load;
    load.step.order = way.order;
    AXLE_TRY_ASSIGN(const std::unique_ptr<Model> model, Model::load(*card, package, load));
    for (const std::size_t clients : {1u, 8u}) {
      AXLE_TRY_ASSIGN(const Figures figures, measure(*model, way.generator, clients, tokens));
      fmt::print(stderr, "| {} | {} | {:.2f} | {:.2f} |\n", way.name, clients,
                 figures.tokens_per_second, figures.late_first_token_s);
    }
  }
  return {};
}

}  // namespace
}  // namespace axle::llm

int main(int argc, char** argv) {
  if (argc < 3) {
    fmt::print(stderr, "usage: {} PACKAGE LIBRARY [TOKENS]\n", argv[0]);
    return 2;
  }
  const int tokens = argc > 3 ? std::atoi(argv[3]) : 64;
  const axle::Status status = axle::llm::run(argv[1], argv[2], tokens);
  if (!status.ok()) fmt::print(stderr, "{}\n", status.to_string());
  return status.ok() ? 0 : 1;
}
