// What a generated token costs the engine thread beside the card: the thread's own processor time
// per token. Engines of the software card run on threads of their own and are not in it.
//
//   bench_generator PACKAGE LIBRARY [TOKENS]
#include <fmt/format.h>

#include <chrono>
#include <cstdlib>
#include <ctime>
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

double thread_seconds() {
  timespec time{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + 1e-9 * static_cast<double>(time.tv_nsec);
}

class Counter : public EventSink {
 public:
  void progress(RequestId, const jobs::Progress&) override {}
  void tokens(RequestId, const jobs::Tokens& tokens) override { count += tokens.ids.size(); }
  void done(RequestId, const jobs::Done&) override {}
  void failed(RequestId, const jobs::Failed&) override {}
  std::size_t count = 0;
};

struct Form {
  const char* name;
  std::size_t clients;
  jobs::SamplingOptions sampling;
};

Status measure(Model& model, const Form& form, std::int32_t tokens) {
  Generator generator(model, {.max_requests = 64, .prefix_cache = false});
  Counter counter;
  for (std::size_t client = 0; client < form.clients; ++client) {
    GenerateRequest request;
    for (std::size_t i = 0; i < 64; ++i) {
      request.prompt.push_back(static_cast<TokenId>((i * 37 + client) % model.vocab_size()));
    }
    request.max_new_tokens = tokens;
    request.sampling = form.sampling;
    AXLE_TRY(generator.add(RequestId{client + 1}, std::move(request)));
  }
  while (counter.count < form.clients) AXLE_TRY(generator.step(counter).status());
  const std::size_t before = counter.count;
  const double cpu = thread_seconds();
  const auto begin = std::chrono::steady_clock::now();
  for (bool more = true; more;) {
    AXLE_TRY_ASSIGN(more, generator.step(counter));
  }
  const double wall =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  const auto count = static_cast<double>(counter.count - before);
  fmt::print(stderr, "{:<22} {:>2} clients: {:8.3f} ms/token, engine thread {:7.1f} us/token\n",
             form.name, form.clients, 1e3 * wall / count, 1e6 * (thread_seconds() - cpu) / count);
  return {};
}

Status run(const std::string& folder, const std::string& library_path, std::int32_t tokens) {
  card::LibraryOptions options;
  options.library = library_path;
  AXLE_TRY_ASSIGN(const std::unique_ptr<card::Library> library, card::Library::open(options));
  AXLE_TRY_ASSIGN(const std::unique_ptr<card::Card> card, card::Card::open(*library));
  AXLE_TRY_ASSIGN(const package::Package package, package::Package::open(folder));
  AXLE_TRY_ASSIGN(const std::unique_ptr<Model> model, Model::load(*card, package));
  const Form forms[] = {
      {"greedy", 1, {.temperature = 0.0f}},
      {"temperature 0.8", 1, {.temperature = 0.8f}},
      {"top_p 0.95, top_k 40", 1, {.temperature = 0.7f, .top_p = 0.95f, .top_k = 40}},
      {"temperature 0.8", 4, {.temperature = 0.8f}}};
  for (const Form& form : forms) AXLE_TRY(measure(*model, form, tokens));
  return {};
}

}  // namespace
}  // namespace axle::llm

int main(int argc, char** argv) {
  if (argc < 3) {
    fmt::print(stderr, "usage: {} PACKAGE LIBRARY [TOKENS]\n", argv[0]);
    return 2;
  }
  const int tokens = argc > 3 ? std::atoi(argv[3]) : 100;
  const axle::Status status = axle::llm::run(argv[1], argv[2], tokens);
  if (!status.ok()) fmt::print(stderr, "{}\n", status.to_string());
  return status.ok() ? 0 : 1;
}
