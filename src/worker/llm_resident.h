#pragma once

#include <map>
#include <memory>

#include "card/card.h"
#include "llm/generator.h"
#include "llm/model.h"
#include "llm/prepare.h"
#include "package/package.h"
#include "worker/resident.h"

namespace axle::worker {

// A language model: one unit is a step of all its texts.
class LlmResident final : public Resident {
 public:
  // Errors: as llm::Model::load and llm::prepare.
  static Result<std::unique_ptr<LlmResident>> load(card::Card& card,
                                                   const package::Package& package,
                                                   const llm::PrepareOptions& prepare,
                                                   const llm::LoadCallback& progress);

  jobs::ModelLoaded description() const override { return description_; }
  Status add(jobs::JobId id, const jobs::Job& job) override;
  void cancel(jobs::JobId id) override;
  bool idle() const override { return priorities_.empty(); }
  std::int32_t priority() const override;
  Status step(JobEvents& events) override;
  void add_load(HostLoad& figures) const override;
  Result<bool> give_memory_back() override { return generator_->give_memory_back(); }

 private:
  LlmResident() = default;

  std::unique_ptr<llm::Model> model_;
  std::unique_ptr<llm::Generator> generator_;  // Uses the model: goes first.
  std::map<jobs::JobId, std::int32_t> priorities_;
  jobs::ModelLoaded description_;
};

}  // namespace axle::worker
