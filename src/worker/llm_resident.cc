#include "worker/llm_resident.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "base/check.h"

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

Result<std::unique_ptr<LlmResident>> LlmResident::load(card::Card& card,
                                                       const package::Package& package,
                                                       const llm::PrepareOptions& prepare,
                                                       const llm::LoadCallback& progress) {
  std::unique_ptr<LlmResident> made(new LlmResident());
  llm::LoadOptions options;
  options.step = prepare.step;
  options.progress = progress;
  AXLE_TRY_ASSIGN(made->model_, llm::Model::load(card, package, options));
  AXLE_TRY_ASSIGN(const llm::Prepared ready, llm::prepare(*made->model_, prepare));
  made->generator_ = std::make_unique<llm::Generator>(*made->model_, ready.generator);
  jobs::ModelLoaded& loaded = made->description_;
  loaded.layers = narrow(package.layer_count());
  loaded.hidden = narrow(package.hidden());
  loaded.vocab_size = narrow(package.vocab_size());
  loaded.context_tokens = narrow(made->model_->context_tokens());
  loaded.card_bytes = static_cast<std::int64_t>(made->model_->memory_bytes());
  loaded.probe = ready.summary;
  return made;
}

Status LlmResident::add(jobs::JobId id, const jobs::Job& job) {
  const auto* text = std::get_if<jobs::GenerateJob>(&job);
  if (text == nullptr)
    return invalid_argument("this is a language model: wanted a text to write, found a picture");
  llm::GenerateRequest request;
  request.prompt = text->prompt;
  request.generated = text->generated;
  request.sampling = text->sampling;
  request.max_new_tokens = text->max_new_tokens;
  request.end_tokens = text->end_tokens;
  request.priority = text->priority;
  request.top_logprobs = text->top_logprobs;
  AXLE_TRY(generator_->add(id, std::move(request)));
  priorities_.emplace(id, text->priority);
  return {};
}

void LlmResident::cancel(jobs::JobId id) {
  generator_->cancel(id);
  priorities_.erase(id);
}

std::int32_t LlmResident::priority() const {
  AXLE_CHECK(!idle());
  const auto priority_of = [](const auto& entry) { return entry.second; };
  return priority_of(*std::ranges::max_element(priorities_, {}, priority_of));
}

Status LlmResident::step(JobEvents& events) {
  StepEvents step_events;
  const Result<bool> more = generator_->step(step_events);
  for (auto& [id, event] : step_events.all()) {
    // After a card error every request fails; the front runs them again in the next process.
    if (!more.ok() && std::holds_alternative<jobs::Failed>(event)) continue;
    if (is_last(event)) priorities_.erase(id);
    events.on_event(id, std::move(event));
  }
  return more.ok() ? Status() : more.status();
}

void LlmResident::add_load(HostLoad& figures) const {
  const llm::GeneratorLoad load = generator_->load();
  figures.running += narrow(load.running);
  figures.waiting += narrow(load.waiting);
  figures.cells_used += narrow(load.cells_used);
  figures.cells_total += narrow(load.cells_total);
  figures.kv_banks += narrow(load.banks);
  figures.host_cache_bytes += static_cast<std::int64_t>(load.host_bytes);
  figures.prompt_token_s = std::max(figures.prompt_token_s, load.speed.prompt_token_s);
  figures.new_token_s = std::max(figures.new_token_s, load.speed.new_token_s);
}

}  // namespace axle::worker
