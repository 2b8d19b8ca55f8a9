#include "worker/card_host.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <utility>

#include "base/log.h"
#include "jobs/frame.h"
#include "package/package.h"
#include "package/picture_package.h"
#include "worker/llm_resident.h"
#include "worker/picture_resident.h"

namespace axle::worker {
namespace {

std::int32_t narrow(std::size_t value) { return static_cast<std::int32_t>(value); }

bool is_last(const jobs::JobEvent& event) {
  return std::holds_alternative<jobs::Done>(event) || std::holds_alternative<jobs::Failed>(event) ||
         std::holds_alternative<jobs::PictureDone>(event);
}

}  // namespace

CardHost::CardHost(const card::LibraryOptions& library, const card::CardOptions& card,
                   const llm::PrepareOptions& prepare)
    : library_options_(library), card_options_(card), prepare_options_(prepare) {}

CardHost::~CardHost() = default;

Result<jobs::Hello> CardHost::open() {
  AXLE_TRY_ASSIGN(library_, card::Library::open(library_options_));
  AXLE_TRY_ASSIGN(card_, card::Card::open(*library_, card_options_));
  jobs::Hello hello;
  hello.protocol = jobs::kProtocolVersion;
  hello.library = library_->description();
  hello.software_card = library_->kind() == card::LibraryKind::kSoftCard;
  hello.device_id = static_cast<std::int32_t>(card_->device());
  hello.soc_name = library_->soc_name();
  hello.runtime_version = library_->full_version();
  return hello;
}

// Hands events on, and forgets the jobs that have heard their last.
class CardHost::LastEvents final : public JobEvents {
 public:
  LastEvents(CardHost& host, JobEvents& events) : host_(host), events_(events) {}
  void on_event(jobs::JobId id, jobs::JobEvent event) override {
    if (is_last(event)) host_.jobs_.erase(id);
    events_.on_event(id, std::move(event));
  }

 private:
  CardHost& host_;
  JobEvents& events_;
};

CardHost::Entry* CardHost::find(const std::string& name) {
  const auto found = std::find_if(residents_.begin(), residents_.end(),
                                  [&name](const auto& entry) { return entry->name == name; });
  return found == residents_.end() ? nullptr : found->get();
}

Result<jobs::ModelLoaded> CardHost::load(const jobs::LoadJob& job, const LoadProgress& progress) {
  if (find(job.model) != nullptr)
    return invalid_argument(fmt::format("a model \"{}\" is loaded already", job.model));
  const auto start = std::chrono::steady_clock::now();
  auto entry = std::make_unique<Entry>();
  entry->name = job.model;
  entry->flow = ++last_flow_;
  AXLE_TRY_ASSIGN(entry->resident, load_resident(job, progress));
  jobs::ModelLoaded loaded = entry->resident->description();
  loaded.model = job.model;
  loaded.load_time = std::chrono::duration_cast<std::chrono::milliseconds>(
      std::chrono::steady_clock::now() - start);
  residents_.push_back(std::move(entry));
  return loaded;
}

// Other models' spare memory goes before a model that would not fit is refused.
Result<std::unique_ptr<Resident>> CardHost::load_resident(const jobs::LoadJob& job,
                                                          const LoadProgress& progress) {
  Result<std::unique_ptr<Resident>> loaded = load_folder(job, progress);
  if (loaded.ok() || loaded.status().code() != Code::kExhausted) return loaded;
  bool more_room = false;
  for (const auto& entry : residents_) {
    AXLE_TRY_ASSIGN(const bool gave, entry->resident->give_memory_back());
    more_room = more_room || gave;
  }
  return more_room ? load_folder(job, progress) : std::move(loaded);
}

Result<std::unique_ptr<Resident>> CardHost::load_folder(const jobs::LoadJob& job,
                                                        const LoadProgress& progress) {
  const auto report = [&](std::size_t done, std::size_t total) {
    progress({job.model, narrow(done), narrow(total)});
  };
  if (package::looks_like_pictures(job.folder)) {
    AXLE_TRY_ASSIGN(const package::PicturePackage package,
                    package::PicturePackage::open(job.folder));
    AXLE_TRY_ASSIGN(std::unique_ptr<PictureResident> pictures,
                    PictureResident::load(*card_, package, report));
    return std::unique_ptr<Resident>(std::move(pictures));
  }
  AXLE_TRY_ASSIGN(const package::Package package, package::Package::open(job.folder));
  AXLE_TRY_ASSIGN(std::unique_ptr<LlmResident> texts,
                  LlmResident::load(*card_, package, prepare_options_, report));
  return std::unique_ptr<Resident>(std::move(texts));
}

Status CardHost::unload(const std::string& model, JobEvents& events) {
  Entry* entry = find(model);
  if (entry == nullptr) return not_found(fmt::format("no model \"{}\" is loaded", model));
  std::vector<jobs::JobId> ended;
  for (const auto& [id, owner] : jobs_)
    if (owner == entry) ended.push_back(id);
  for (const jobs::JobId id : ended) {
    jobs_.erase(id);
    events.on_event(id,
                    jobs::Failed{unavailable(fmt::format("model {} was unloaded", model)), true});
  }
  arbiter_.forget(entry->flow);
  std::erase_if(residents_, [entry](const auto& other) { return other.get() == entry; });
  return card_->health();
}

Status CardHost::add(jobs::JobId id, const jobs::Job& job) {
  const std::string& model = jobs::model_of(job);
  Entry* entry = find(model);
  if (entry == nullptr) return not_found(fmt::format("no model \"{}\" is loaded", model));
  AXLE_TRY(entry->resident->add(id, job));
  jobs_.emplace(id, entry);
  return Status();
}

void CardHost::cancel(jobs::JobId id) {
  const auto found = jobs_.find(id);
  if (found == jobs_.end()) return;
  found->second->resident->cancel(id);
  jobs_.erase(found);
}

void CardHost::interrupt(jobs::JobId id) {
  const auto found = jobs_.find(id);
  if (found != jobs_.end()) found->second->resident->interrupt(id);
}

Status CardHost::step(JobEvents& events) {
  std::vector<Arbiter::Candidate> candidates;
  std::vector<Resident*> residents;
  for (const auto& entry : residents_) {
    if (entry->resident->idle()) continue;
    candidates.push_back({entry->flow, entry->resident->priority()});
    residents.push_back(entry->resident.get());
  }
  if (candidates.empty()) return Status();
  const std::size_t next = arbiter_.choose(candidates);
  LastEvents last_events(*this, events);
  const auto begin = std::chrono::steady_clock::now();
  const Status status = residents[next]->step(last_events);
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
  arbiter_.account(candidates[next].flow, took.count());
  return status;
}

Result<jobs::Readings> CardHost::readings() {
  AXLE_TRY_ASSIGN(const card::Readings read, card_->readings());
  jobs::Readings readings;
  readings.temperature_celsius = read.temperature_celsius;
  readings.card_memory_total_bytes = static_cast<std::int64_t>(read.cmm_total_bytes);
  readings.card_memory_free_bytes = static_cast<std::int64_t>(read.cmm_free_bytes);
  readings.npu_percent = read.npu_percent;
  readings.cpu_percent = read.cpu_percent;
  return readings;
}

HostLoad CardHost::load_figures() const {
  HostLoad figures;
  for (const auto& entry : residents_) entry->resident->add_load(figures);
  return figures;
}

void CardHost::close() {
  jobs_.clear();
  residents_.clear();
  if (card_ == nullptr) return;
  if (const Status status = card_->close(); !status.ok())
    AXLE_LOG_WARN("worker", "closing the card: {}", status.to_string());
  card_.reset();
  library_.reset();
}

}  // namespace axle::worker
