#include "llm/testing/llm_fixture.h"

#include <cstdlib>
#include <random>
#include <utility>

namespace axle::llm::testing {

void Recorder::progress(RequestId id, const jobs::Progress& progress) {
  Heard& heard = heard_[id];
  EXPECT_FALSE(heard.ended());
  EXPECT_TRUE(heard.ids.empty()) << "progress after a token";
  EXPECT_GT(progress.prefill_done, heard.progress.empty() ? 0 : heard.progress.back().prefill_done);
  EXPECT_LE(progress.prefill_done, progress.prefill_total);
  heard.progress.push_back(progress);
}

void Recorder::tokens(RequestId id, const jobs::Tokens& tokens) {
  Heard& heard = heard_[id];
  EXPECT_FALSE(heard.ended());
  if (heard.first_index < 0) heard.first_index = tokens.first_index;
  EXPECT_EQ(tokens.first_index, heard.first_index + static_cast<std::int32_t>(heard.ids.size()));
  heard.ids.insert(heard.ids.end(), tokens.ids.begin(), tokens.ids.end());
}

void Recorder::done(RequestId id, const jobs::Done& done) {
  EXPECT_FALSE(heard_[id].ended());
  heard_[id].done.push_back(done);
}

void Recorder::failed(RequestId id, const jobs::Failed& failed) {
  EXPECT_FALSE(heard_[id].ended());
  heard_[id].failed.push_back(failed);
}

void LlmTest::SetUp() {
  // A machine state of our own: other software cards on this machine are not disturbed.
  static const package::testing::TemporaryFolder folder;
  setenv("AXLE_SOFTCARD_STATE", (folder.path() / "card_state").c_str(), 1);
  play("threads = 1\n");
}

void LlmTest::TearDown() {
  reference.reset();
  model.reset();
  card.reset();
  library.reset();
  unsetenv("AXLE_SOFTCARD");
}

void LlmTest::play(const std::string& profile) {
  setenv("AXLE_SOFTCARD", ("toml:" + profile).c_str(), 1);
}

void LlmTest::open(const std::vector<std::string>& hidden) {
  card::LibraryOptions options;
  options.library = AXLE_SOFTCARD_LIBRARY;
  options.hide_symbols = hidden;
  options.output = card::VendorOutput::kKeep;  // Or the report of the tests would be taken for its.

  Result<std::unique_ptr<card::Library>> opened = card::Library::open(options);
  ASSERT_TRUE(opened.ok()) << opened.status();
  library = *std::move(opened);
  Result<std::unique_ptr<card::Card>> opened_card = card::Card::open(*library);
  ASSERT_TRUE(opened_card.ok()) << opened_card.status();
  card = *std::move(opened_card);
}

package::Package LlmTest::tiny(const std::string& architecture,
                               const std::vector<std::size_t>& ladder) {
  static const package::testing::TemporaryFolder folder;
  static std::map<std::string, package::Package> made;
  std::string name = architecture;
  for (const std::size_t history : ladder) name += "-" + std::to_string(history);
  if (const auto it = made.find(name); it != made.end()) return it->second;

  package::testing::TinyPackageOptions options;
  options.gguf.architecture = architecture;
  options.gguf.layers = 3;  // Odd: the last hidden row lies in the other buffer than with 2.
  options.cells = kCells;
  options.chunk = kChunk;
  options.ladder = ladder;
  const auto path = package::testing::make_tiny_package(folder.path(), name, options);
  AXLE_CHECK(path.ok());
  Result<package::Package> package = package::Package::open(*path);
  AXLE_CHECK(package.ok());
  return made.emplace(name, *std::move(package)).first->second;
}

void LlmTest::load(const package::Package& package, const StepOptions& options) {
  if (card == nullptr) open();
  if (HasFatalFailure()) return;
  LoadOptions load;
  load.step = options;
  Result<std::unique_ptr<Model>> loaded = Model::load(*card, package, load);
  ASSERT_TRUE(loaded.ok()) << loaded.status();
  model = *std::move(loaded);
}

std::vector<TokenId> LlmTest::prompt(std::size_t length, unsigned seed) const {
  std::mt19937 random(seed);
  std::vector<TokenId> tokens(length);
  for (TokenId& token : tokens) token = static_cast<TokenId>(random() % model->vocab_size());
  return tokens;
}

GenerateRequest LlmTest::request(std::size_t prompt_length, unsigned seed) const {
  GenerateRequest request;
  request.prompt = prompt(prompt_length, seed);
  request.sampling.temperature = 0.0f;
  request.max_new_tokens = 12;
  return request;
}

GenerateRequest LlmTest::sampled(std::size_t prompt_length, unsigned seed) const {
  GenerateRequest sampled = request(prompt_length, seed);
  sampled.sampling.temperature = 1.3f;
  sampled.sampling.top_p = 0.98f;
  sampled.sampling.frequency_penalty = 0.4f;
  sampled.sampling.repetition_penalty = 1.1f;
  sampled.sampling.seed = seed;
  return sampled;
}

std::vector<TokenId> LlmTest::truth(const GenerateRequest& request) {
  if (reference == nullptr) {
    Result<std::unique_ptr<Reference>> created = Reference::create(*model);
    EXPECT_TRUE(created.ok()) << created.status();
    if (!created.ok()) return {};
    reference = *std::move(created);
  }
  Result<ReferenceText> text = reference->generate(request);
  EXPECT_TRUE(text.ok()) << text.status();
  return text.ok() ? std::move(text->ids) : std::vector<TokenId>();
}

std::vector<TokenId> LlmTest::text_alone(const GenerateRequest& request) {
  Generator generator(*model, {});
  Recorder recorder;
  const Status added = generator.add(id(1), request);
  EXPECT_TRUE(added.ok()) << added;
  run(generator, recorder);
  EXPECT_EQ(recorder[1].done.size(), 1u);
  std::vector<TokenId> text = request.generated;
  text.insert(text.end(), recorder[1].ids.begin(), recorder[1].ids.end());
  return text;
}

void LlmTest::run(Generator& generator, Recorder& recorder) {
  for (int steps = 0; steps < 10'000; ++steps) {
    const Result<bool> more = generator.step(recorder);
    ASSERT_TRUE(more.ok()) << more.status();
    if (!*more) return;
  }
  FAIL() << "the generator never ends";
}

}  // namespace axle::llm::testing
