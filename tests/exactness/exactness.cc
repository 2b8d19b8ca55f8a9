// Writes greedy (or seeded) continuations of many prompts with the engine that serves clients, many
// at once, and with the plain reference mode, one row at a time, and compares them token for token.
//
//   axle_exactness --softcard LIB --package FOLDER --prompts FILE [--count N] [--new-tokens N]
//   [--temperature T]
//                  [--at-once N] [--json FILE]
//
// Exit code 0 when every text is equal. --json writes one line per prompt:
// {"prompt":[ids],"text":[ids]}.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <chrono>
#include <cstdio>
#include <fstream>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "card/card.h"
#include "card/library.h"
#include "llm/generator.h"
#include "llm/model.h"
#include "llm/reference.h"
#include "package/package.h"
#include "package/tokenizer.h"
#include "text/chat_template.h"

namespace {

using axle::Result;
using axle::Status;
using axle::jobs::TokenId;
using Clock = std::chrono::steady_clock;

struct Arguments {
  std::string softcard;
  std::string package;
  std::string prompts;
  std::string json;
  std::size_t count = 208;
  std::size_t at_once = 8;
  int new_tokens = 48;
  float temperature = 0;
  bool engine_only = false;  // No reference: for texts that another program is compared with.
};

// A few hundred words that put a prompt over several chunks.
const std::string kPassage =
    "The lighthouse stood on a rock half a mile from the shore, and every evening the keeper "
    "climbed its stairs with a can "
    "of oil. In the winter the waves reached the lower windows, and the boats that brought his "
    "bread could not land for "
    "weeks. He wrote down what he saw: the ships and their flags, the birds that rested on the "
    "rail, the colour of the sky "
    "before a storm. When the new lamp came, which needed no oil and no keeper, he was asked to "
    "leave; but the men who "
    "brought it found the book, and read in it all night, and in the morning they asked him to "
    "stay. ";

// Each line gives four prompts: as it is, after a passage, after three passages, and after the line
// before it.
std::vector<std::string> expand(const std::vector<std::string>& lines, std::size_t count) {
  std::vector<std::string> prompts;
  for (std::size_t form = 0; form < 4; ++form) {
    for (std::size_t i = 0; i < lines.size(); ++i) {
      const std::string before[] = {"", kPassage, kPassage + kPassage + kPassage,
                                    lines[(i + 1) % lines.size()] + " "};
      prompts.push_back(before[form] + lines[i]);
    }
  }
  // Spread a smaller count over all forms.
  std::vector<std::string> chosen;
  for (std::size_t i = 0; i < count && i < prompts.size(); ++i)
    chosen.push_back(prompts[i * 53 % prompts.size()]);
  return chosen;
}

Result<std::vector<std::string>> read_lines(const std::string& path) {
  std::ifstream file(path);
  if (!file) return axle::not_found("cannot read " + path);
  std::vector<std::string> lines;
  for (std::string line; std::getline(file, line);) lines.push_back(line);
  return lines;
}

std::string quoted(const std::string& text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out + "\"";
}

// Collects the texts of requests by id.
class Collector : public axle::llm::EventSink {
 public:
  void progress(axle::llm::RequestId, const axle::jobs::Progress&) override {}
  void tokens(axle::llm::RequestId id, const axle::jobs::Tokens& tokens) override {
    auto& text = texts[static_cast<std::uint64_t>(id)];
    text.insert(text.end(), tokens.ids.begin(), tokens.ids.end());
  }
  void done(axle::llm::RequestId, const axle::jobs::Done&) override {}
  void failed(axle::llm::RequestId, const axle::jobs::Failed& failed) override {
    failure = failed.status;
  }

  std::map<std::uint64_t, std::vector<TokenId>> texts;
  Status failure;
};

Result<std::vector<axle::llm::GenerateRequest>> make_requests(
    const Arguments& arguments, const axle::package::Package& package) {
  AXLE_TRY_ASSIGN(const axle::text::Tokenizer tokenizer, axle::package::load_tokenizer(package));
  AXLE_TRY_ASSIGN(const axle::text::ChatTemplate chat,
                  axle::text::ChatTemplate::compile(package.chat_template()));
  AXLE_TRY_ASSIGN(const std::vector<std::string> lines, read_lines(arguments.prompts));
  std::vector<axle::llm::GenerateRequest> requests;
  for (const std::string& prompt : expand(lines, arguments.count)) {
    const std::string context = R"({"messages":[{"role":"user","content":)" + quoted(prompt) +
                                R"(}],"add_generation_prompt":true})";
    AXLE_TRY_ASSIGN(const std::string text, chat.render(context, std::chrono::system_clock::now()));
    axle::llm::GenerateRequest request;
    AXLE_TRY_ASSIGN(request.prompt, tokenizer.encode(text, axle::text::SpecialTokens::kParse));
    request.max_new_tokens = arguments.new_tokens;
    request.sampling.temperature = arguments.temperature;
    request.sampling.seed = requests.size();
    request.end_tokens = package.end_tokens();
    requests.push_back(std::move(request));
  }
  return requests;
}

// All requests through the engine, `at_once` at a time.
Status run_engine(axle::llm::Model& model, const std::vector<axle::llm::GenerateRequest>& requests,
                  std::size_t at_once, Collector& collector) {
  axle::llm::Generator generator(model, {});
  std::size_t next = 0;
  for (bool more = true; more || next < requests.size();) {
    const axle::llm::GeneratorLoad load = generator.load();
    for (std::size_t room = load.running + load.waiting; room < at_once && next < requests.size();
         ++room, ++next) {
      AXLE_TRY(generator.add(axle::llm::RequestId{next + 1}, requests[next]));
    }
    AXLE_TRY_ASSIGN(more, generator.step(collector));
    AXLE_TRY(collector.failure);
  }
  return {};
}

std::string json_numbers(const std::vector<TokenId>& ids) {
  return fmt::format("[{}]", fmt::join(ids, ","));
}

Status write_texts(const std::string& path, const std::vector<axle::llm::GenerateRequest>& requests,
                   Collector& collector) {
  std::ofstream json(path);
  for (std::size_t i = 0; i < requests.size(); ++i) {
    json << fmt::format("{{\"prompt\":{},\"text\":{}}}\n", json_numbers(requests[i].prompt),
                        json_numbers(collector.texts[i + 1]));
  }
  return json.flush() ? Status() : axle::unavailable(fmt::format("cannot write {}", path));
}

Result<std::size_t> compare(axle::llm::Model& model,
                            const std::vector<axle::llm::GenerateRequest>& requests,
                            Collector& collector) {
  AXLE_TRY_ASSIGN(const auto reference, axle::llm::Reference::create(model));
  std::size_t different = 0;
  for (std::size_t i = 0; i < requests.size(); ++i) {
    AXLE_TRY_ASSIGN(const axle::llm::ReferenceText truth, reference->generate(requests[i]));
    const std::vector<TokenId>& text = collector.texts[i + 1];
    if (text != truth.ids) {
      ++different;
      fmt::print(stderr, "prompt {} ({} tokens): {} != {}\n", i, requests[i].prompt.size(),
                 json_numbers(text), json_numbers(truth.ids));
    }
  }
  return different;
}

double seconds(Clock::time_point begin) {
  return std::chrono::duration<double>(Clock::now() - begin).count();
}

Status run(const Arguments& arguments) {
  AXLE_TRY_ASSIGN(const axle::package::Package package,
                  axle::package::Package::open(arguments.package));
  AXLE_TRY_ASSIGN(const auto requests, make_requests(arguments, package));
  axle::card::LibraryOptions options;
  options.library = "softcard";
  options.softcard = arguments.softcard;
  AXLE_TRY_ASSIGN(const auto library, axle::card::Library::open(options));
  AXLE_TRY_ASSIGN(const auto card, axle::card::Card::open(*library));
  AXLE_TRY_ASSIGN(const auto model, axle::llm::Model::load(*card, package));
  Collector collector;
  const auto begin = Clock::now();
  AXLE_TRY(run_engine(*model, requests, arguments.at_once, collector));
  const double engine = seconds(begin);
  const auto middle = Clock::now();
  std::size_t different = 0;
  if (!arguments.engine_only) {
    AXLE_TRY_ASSIGN(different, compare(*model, requests, collector));
  }
  if (!arguments.json.empty()) AXLE_TRY(write_texts(arguments.json, requests, collector));
  std::size_t tokens = 0;
  std::size_t longest = 0;
  for (const auto& [id, text] : collector.texts) tokens += text.size();
  for (const auto& request : requests) longest = std::max(longest, request.prompt.size());
  std::fprintf(stderr,
               "%zu prompts (longest %zu tokens), %zu tokens, %zu different; engine %.1f s, "
               "reference %.1f s\n",
               requests.size(), longest, tokens, different, engine, seconds(middle));
  return different == 0 ? Status() : axle::internal("texts differ from the reference");
}

}  // namespace

int main(int argc, char** argv) {
  Arguments arguments;
  CLI::App app{"Compare the engine with the plain reference mode"};
  app.add_option("--softcard", arguments.softcard)->required();
  app.add_option("--package", arguments.package)->required();
  app.add_option("--prompts", arguments.prompts)->required();
  app.add_option("--json", arguments.json);
  app.add_option("--count", arguments.count);
  app.add_option("--at-once", arguments.at_once);
  app.add_option("--new-tokens", arguments.new_tokens);
  app.add_option("--temperature", arguments.temperature);
  app.add_flag("--engine-only", arguments.engine_only);
  CLI11_PARSE(app, argc, argv);
  const Status status = run(arguments);
  if (!status.ok()) std::fprintf(stderr, "%s\n", status.to_string().c_str());
  return status.ok() ? 0 : 1;
}
