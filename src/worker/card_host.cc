#include "worker/card_host.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <utility>

#include "base/log.h"
#include "jobs/frame.h"
#include "package/package.h"

namespace axle::worker {
namespace {

// Keeps the events of one step until it is known whether the card survived it.
class StepEvents final : public llm::EventSink {
 public:
  void progress(jobs::JobId id, const jobs::Progress& event) override { add(id, event); }
  void tokens(jobs::JobId id, const jobs::Tokens& event) override { add(id, event); }
  void done(jobs::JobId id, const jobs::Done& event) override { add(id, event); }
  void failed(jobs::JobId id, const jobs::Failed& event) override { add(id, event); }

  std::vector<std::pair<jobs::JobId, jobs::JobEvent>>& all() { return events_; }

 private:
  void add(jobs::JobId id, jobs::JobEvent event) { events_.emplace_back(id, std::move(event)); }
  std::vector<std::pair<jobs::JobId, jobs::JobEvent>> events_;
};

bool is_last(const jobs::JobEvent& event) {
  return std::holds_alternative<jobs::Done>(event) || std::holds_alternative<jobs::Failed>(event);
}

std::int32_t narrow(std::size_t value) { return static_cast<std::int32_t>(value); }

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

CardHost::Resident* CardHost::find(const std::string& name) {
  const auto found = std::find_if(residents_.begin(), residents_.end(),
                                  [&name](const auto& resident) { return resident->name == name; });
  return found == residents_.end() ? nullptr : found->get();
}

Result<jobs::ModelLoaded> CardHost::load(const jobs::LoadJob& job, const LoadProgress& progress) {
  if (find(job.model) != nullptr)
    return invalid_argument(fmt::format("a model \"{}\" is loaded already", job.model));
  const auto start = std::chrono::steady_clock::now();
  AXLE_TRY_ASSIGN(const package::Package package, package::Package::open(job.folder));
  llm::LoadOptions options;
  options.step = prepare_options_.step;
  options.progress = [&](std::size_t done, std::size_t total) {
    progress({job.model, narrow(done), narrow(total)});
  };
  auto resident = std::make_unique<Resident>();
  resident->name = job.model;
  AXLE_TRY_ASSIGN(resident->model, load_model(package, options));
  AXLE_TRY_ASSIGN(const llm::Prepared ready, llm::prepare(*resident->model, prepare_options_));
  resident->generator = std::make_unique<llm::Generator>(*resident->model, ready.generator);
  jobs::ModelLoaded loaded;
  loaded.model = job.model;
  loaded.layers = narrow(package.layer_count());
  loaded.hidden = narrow(package.hidden());
  loaded.vocab_size = narrow(package.vocab_size());
  loaded.context_tokens = narrow(resident->model->context_tokens());
  loaded.card_bytes = static_cast<std::int64_t>(resident->model->memory_bytes());
  loaded.probe = ready.summary;
  loaded.load_time = std::chrono::duration_cast<std::chrono::milliseconds>(
      std::chrono::steady_clock::now() - start);
  residents_.push_back(std::move(resident));
  return loaded;
}

// Other models' spare memory goes before a model that would not fit is refused.
Result<std::unique_ptr<llm::Model>> CardHost::load_model(const package::Package& package,
                                                         const llm::LoadOptions& options) {
  Result<std::unique_ptr<llm::Model>> model = llm::Model::load(*card_, package, options);
  if (model.ok() || model.status().code() != Code::kExhausted) return model;
  bool more_room = false;
  for (const auto& resident : residents_) {
    AXLE_TRY_ASSIGN(const bool gave, resident->generator->give_memory_back());
    more_room = more_room || gave;
  }
  return more_room ? llm::Model::load(*card_, package, options) : std::move(model);
}

Status CardHost::unload(const std::string& model, JobEvents& events) {
  Resident* resident = find(model);
  if (resident == nullptr) return not_found(fmt::format("no model \"{}\" is loaded", model));
  std::vector<jobs::JobId> ended;
  for (const auto& [id, owner] : jobs_)
    if (owner == resident) ended.push_back(id);
  for (const jobs::JobId id : ended) {
    forget(id);
    events.on_event(id,
                    jobs::Failed{unavailable(fmt::format("model {} was unloaded", model)), true});
  }
  std::erase_if(residents_, [resident](const auto& entry) { return entry.get() == resident; });
  return card_->health();
}

Status CardHost::add(jobs::JobId id, const jobs::GenerateJob& job) {
  Resident* resident = find(job.model);
  if (resident == nullptr) return not_found(fmt::format("no model \"{}\" is loaded", job.model));
  llm::GenerateRequest request;
  request.prompt = job.prompt;
  request.generated = job.generated;
  request.sampling = job.sampling;
  request.max_new_tokens = job.max_new_tokens;
  request.end_tokens = job.end_tokens;
  request.priority = job.priority;
  request.top_logprobs = job.top_logprobs;
  AXLE_TRY(resident->generator->add(id, std::move(request)));
  jobs_.emplace(id, resident);
  ++resident->jobs;
  return Status();
}

void CardHost::forget(jobs::JobId id) {
  const auto found = jobs_.find(id);
  if (found == jobs_.end()) return;
  --found->second->jobs;
  jobs_.erase(found);
}

void CardHost::cancel(jobs::JobId id) {
  const auto found = jobs_.find(id);
  if (found == jobs_.end()) return;
  found->second->generator->cancel(id);
  forget(id);
}

Status CardHost::step(JobEvents& events) {
  for (std::size_t tried = 0; tried < residents_.size(); ++tried) {
    Resident& resident = *residents_[turn_++ % residents_.size()];
    if (resident.jobs == 0) continue;
    StepEvents step_events;
    const Result<bool> more = resident.generator->step(step_events);
    for (auto& [id, event] : step_events.all()) {
      // After a card error every request fails; the front runs them again in the next process.
      if (!more.ok() && std::holds_alternative<jobs::Failed>(event)) continue;
      if (is_last(event)) forget(id);
      events.on_event(id, std::move(event));
    }
    return more.ok() ? Status() : more.status();
  }
  return Status();
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
  for (const auto& resident : residents_) {
    const llm::GeneratorLoad load = resident->generator->load();
    figures.running += narrow(load.running);
    figures.waiting += narrow(load.waiting);
    figures.cells_used += narrow(load.cells_used);
    figures.cells_total += narrow(load.cells_total);
    figures.kv_banks += narrow(load.banks);
    figures.host_cache_bytes += static_cast<std::int64_t>(load.host_bytes);
    figures.prompt_token_s = std::max(figures.prompt_token_s, load.speed.prompt_token_s);
    figures.new_token_s = std::max(figures.new_token_s, load.speed.new_token_s);
  }
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
