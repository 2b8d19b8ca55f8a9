#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "card/card.h"
#include "card/library.h"
#include "llm/prepare.h"
#include "worker/arbiter.h"
#include "worker/engine_host.h"
#include "worker/resident.h"

namespace axle::worker {

// The real host: one card and its loaded models, which take turns unit by unit as an Arbiter says.
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
  Status add(jobs::JobId id, const jobs::Job& job) override;
  void cancel(jobs::JobId id) override;
  void interrupt(jobs::JobId id) override;
  bool idle() const override { return jobs_.empty(); }
  Status step(JobEvents& events) override;
  Result<jobs::Readings> readings() override;
  HostLoad load_figures() const override;
  void close() override;

 private:
  struct Entry {
    std::string name;
    Arbiter::Flow flow = 0;
    std::unique_ptr<Resident> resident;
  };
  class LastEvents;

  Result<std::unique_ptr<Resident>> load_resident(const jobs::LoadJob& job,
                                                  const LoadProgress& progress);
  Result<std::unique_ptr<Resident>> load_folder(const jobs::LoadJob& job,
                                                const LoadProgress& progress);
  Entry* find(const std::string& name);

  card::LibraryOptions library_options_;
  card::CardOptions card_options_;
  llm::PrepareOptions prepare_options_;
  std::unique_ptr<card::Library> library_;
  std::unique_ptr<card::Card> card_;
  // Pointers, because jobs_ refers to them.
  std::vector<std::unique_ptr<Entry>> residents_;
  std::map<jobs::JobId, Entry*> jobs_;
  Arbiter arbiter_;
  Arbiter::Flow last_flow_ = 0;
};

}  // namespace axle::worker
