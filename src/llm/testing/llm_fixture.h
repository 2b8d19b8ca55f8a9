#pragma once

#include <gtest/gtest.h>

#include <filesystem>
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
#include "package/testing/tiny_gguf.h"

namespace axle::llm::testing {

// Hears a Generator out and checks the order of what it says.
class Recorder : public EventSink {
 public:
  struct Heard {
    std::vector<jobs::Progress> progress;
    std::vector<TokenId> ids;
    std::int32_t first_index = -1;  // Of the first token.
    std::vector<jobs::Done> done;
    std::vector<jobs::Failed> failed;
    bool ended() const { return !done.empty() || !failed.empty(); }
  };

  void progress(RequestId id, const jobs::Progress& progress) override;
  void tokens(RequestId id, const jobs::Tokens& tokens) override;
  void done(RequestId id, const jobs::Done& done) override;
  void failed(RequestId id, const jobs::Failed& failed) override;

  const Heard& operator[](int id) { return heard_[RequestId(static_cast<std::uint64_t>(id))]; }

 private:
  std::map<RequestId, Heard> heard_;
};

// A software card with tiny models of random weights on it.
class LlmTest : public ::testing::Test {
 protected:
  static constexpr std::size_t kCells = 127;
  static constexpr std::size_t kChunk = 16;

  void SetUp() override;
  void TearDown() override;

  // What kind of machine the software card plays (TOML). Before open().
  static void play(const std::string& profile);
  // Opens the card; `hidden`: functions of the library to be treated as absent.
  void open(const std::vector<std::string>& hidden = {});

  // A package with kCells cells and chunks of kChunk rows; made once per process and kind.
  static package::Package tiny(const std::string& architecture = "llama",
                               const std::vector<std::size_t>& ladder = {});
  // Opens the card if need be and loads a package as `model`.
  void load(const package::Package& package, const StepOptions& options = {});

  static RequestId id(int number) { return RequestId(static_cast<std::uint64_t>(number)); }
  // `length` tokens that depend on `seed` alone.
  std::vector<TokenId> prompt(std::size_t length, unsigned seed = 1) const;
  GenerateRequest request(std::size_t prompt_length, unsigned seed = 1) const;
  // The same with a temperature, so that the text depends on its seed.
  GenerateRequest sampled(std::size_t prompt_length, unsigned seed = 1) const;

  // The text that `request` must give.
  std::vector<TokenId> truth(const GenerateRequest& request);
  // The text that a generator of its own gives.
  std::vector<TokenId> text_alone(const GenerateRequest& request);
  // Steps until nothing is left to do.
  static void run(Generator& generator, Recorder& recorder);

  std::unique_ptr<card::Library> library;
  std::unique_ptr<card::Card> card;
  std::unique_ptr<Model> model;
  std::unique_ptr<Reference> reference;
};

}  // namespace axle::llm::testing
