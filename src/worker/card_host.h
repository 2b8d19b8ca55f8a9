#pragma once

#include <cstddef>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "card/card.h"
#include "card/library.h"
#include "llm/generator.h"
#include "llm/model.h"
#include "llm/prepare.h"
#include "worker/engine_host.h"

namespace axle::worker {

// The real host: one card, its loaded models, a generator for each. Models take turns step by step.
//
// Threading: the engine thread.
class CardHost final : public EngineHost {
 public:
  CardHost(const card::LibraryOptions& library, const card::CardOptions& card,
           const llm::PrepareOptions& prepare);
  ~CardHost() override;

  Result<jobs::Hello> open() override;
  Result<jobs::ModelLoaded> load(const jobs::LoadJob& job, const LoadProgress& progress) override;
  Status unload(const std::string& model, JobEvents& events) override;
  Status add(jobs::JobId id, const jobs::GenerateJob& job) override;
  void cancel(jobs::JobId id) override;
  bool idle() const override { return jobs_.empty(); }
  Status step(JobEvents& events) override;
  Result<jobs::Readings> readings() override;
  HostLoad load_figures() const override;
  void close() override;

 private:
  struct Resident {
    std::string name;
    std::unique_ptr<llm::Model> model;
    std::unique_ptr<llm::Generator> generator;  // Uses the model: goes first.
    std::size_t jobs = 0;
  };

  Result<std::unique_ptr<llm::Model>> load_model(const package::Package& package,
                                                 const llm::LoadOptions& options);
  Resident* find(const std::string& name);
  void forget(jobs::JobId id);

  card::LibraryOptions library_options_;
  card::CardOptions card_options_;
  llm::PrepareOptions prepare_options_;
  std::unique_ptr<card::Library> library_;
  std::unique_ptr<card::Card> card_;
  // Pointers, because jobs_ refers to them.
  std::vector<std::unique_ptr<Resident>> residents_;
  std::map<jobs::JobId, Resident*> jobs_;
  std::size_t turn_ = 0;  // Index of the model whose turn is next.
};

}  // namespace axle::worker
