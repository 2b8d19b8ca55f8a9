#include <fmt/format.h>
#include <unistd.h>

#include <array>
#include <fstream>
#include <string_view>
#include <utility>

#include "api/automatic1111/api.h"
#include "image/encode.h"
#include "image/resize.h"

// The routes about the server and its runs: all but the pictures themselves.
namespace axle::api {
namespace {

using namespace automatic1111;

// The newest glimpse of a run as a PNG as large as the picture; empty where there is none.
std::string preview_of(const pictures::RunProgress& progress) {
  if (progress.glimpse == nullptr) return {};
  const Result<image::Picture> large = pictures::enlarged_preview(progress.glimpse->preview);
  if (!large.ok()) return {};
  Result<std::string> file = image::encode_png(*large);
  return file.ok() ? *std::move(file) : std::string();
}

// What waits before a run and what it takes itself, by the speed that the card has shown. Nothing
// before it has painted.
std::optional<std::chrono::duration<double>> time_left(const pictures::RunProgress& run,
                                                       const jobs::Heartbeat& speed) {
  if (speed.picture_step_s <= 0.0) return std::nullopt;
  std::chrono::duration<double> left{run.runs_left * speed.picture_step_s +
                                     (run.pictures - run.done) * speed.picture_rest_s};
  if (run.place) left += run.place->wait;
  return left;
}

Progress progress_of(const CallerRuns::Current& current, const fleet::Fleet& fleet,
                     bool with_preview) {
  const pictures::RunProgress& run = current.progress;
  Progress progress;
  progress.task = current.entry.task;
  progress.job_count = run.pictures;
  progress.job_no = run.done;
  progress.step = run.step;
  progress.steps = run.steps;
  progress.elapsed = std::chrono::steady_clock::now() - run.submitted;
  progress.left = time_left(run, fleet.health().heartbeat);
  progress.job_timestamp = current.entry.job_timestamp;
  progress.task_id = current.entry.task_id;
  progress.interrupted = run.interrupted;
  progress.skipped = run.skipped;
  if (with_preview) progress.preview = preview_of(run);
  return progress;
}

// Rises with every glimpse of a run.
std::int64_t preview_id(const pictures::RunProgress& progress) {
  if (progress.glimpse == nullptr) return -1;
  return std::int64_t{progress.glimpse->index} * 1000 + progress.glimpse->step;
}

bool is_true(const http::Request& request, const std::string& name) {
  const auto found = request.query.find(name);
  return found != request.query.end() && (found->second == "true" || found->second == "1");
}

// Memory of this process, as A1111 tells it of its own. Source: proc(5), /proc/pid/statm.
MemoryUse ram_use() {
  const auto page = static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
  const std::uint64_t total = static_cast<std::uint64_t>(::sysconf(_SC_PHYS_PAGES)) * page;
  std::uint64_t all = 0;
  std::uint64_t resident = 0;
  std::ifstream("/proc/self/statm") >> all >> resident;
  const std::uint64_t used = resident * page;
  return {used < total ? total - used : 0, used, total};
}

std::optional<MemoryUse> card_memory(const fleet::Health& health) {
  if (!health.readings) return std::nullopt;
  const auto total = static_cast<std::uint64_t>(health.readings->card_memory_total_bytes);
  const auto free = static_cast<std::uint64_t>(health.readings->card_memory_free_bytes);
  return MemoryUse{free, total - free, total};
}

}  // namespace

void Automatic1111Api::add_progress(http::Router& router) {
  add(router, "GET", "progress", [this](const Reply& reply) { progress(reply); });
  add(router, "POST", "/internal/progress", [this](const Reply& reply) { task_progress(reply); });
  add(router, "GET", "/internal/ping", [](const Reply& reply) { reply.json("{}"); });
  add(router, "POST", "interrupt", [this](const Reply& reply) {
    if (const auto current = current_run(reply)) current->run->interrupt();
    reply.json("{}");
  });
  add(router, "POST", "skip", [this](const Reply& reply) {
    if (const auto current = current_run(reply)) current->run->skip();
    reply.json("null");
  });
}

std::optional<CallerRuns::Current> Automatic1111Api::current_run(const Reply& reply) const {
  const http::Request& request = reply.request();
  const Result<TaskQuestion> asked = parse_task_question(request.body);
  std::string task_id = asked.ok() ? asked->task_id : "";
  const auto named = request.query.find("task_id");
  if (named != request.query.end()) task_id = named->second;
  return runs_->current(caller_of(request), task_id);
}

void Automatic1111Api::progress(const Reply& reply) const {
  const bool with_preview = !is_true(reply.request(), "skip_current_image");
  const auto current = current_run(reply);
  reply.json(
      progress_json(current ? progress_of(*current, studio_.fleet(), with_preview) : Progress{}));
}

void Automatic1111Api::task_progress(const Reply& reply) const {
  const Result<TaskQuestion> asked = parse_task_question(reply.request().body);
  if (!asked.ok()) return reply.error(asked.status());
  TaskProgress answer;
  const std::string caller = caller_of(reply.request());
  const auto current =
      asked->task_id.empty() ? std::nullopt : runs_->current(caller, asked->task_id);
  if (current) {
    answer.queued = current->progress.place.has_value();
    answer.active = !answer.queued;
    answer.preview_id = preview_id(current->progress);
    const bool is_new = asked->wants_preview && asked->preview_id != answer.preview_id;
    if (answer.active) answer.progress = progress_of(*current, studio_.fleet(), is_new);
  } else {
    answer.completed = runs_->is_over(caller, asked->task_id);
  }
  reply.json(task_progress_json(answer));
}

void Automatic1111Api::add_settings(http::Router& router) {
  add(router, "GET", "options",
      [this](const Reply& reply) { reply.json(options_json(current_options())); });
  add(router, "POST", "options", [this](const Reply& reply) { set_options(reply); });
  add(router, "GET", "cmd-flags", [this](const Reply& reply) {
    reply.json(command_flags_json({options_.port, options_.listens, options_.has_passwords}));
  });
  add(router, "GET", "memory", [this](const Reply& reply) {
    reply.json(memory_json(ram_use(), card_memory(studio_.fleet().health())));
  });
}

std::string Automatic1111Api::current_model() const {
  const MutexLock lock(mutex_);
  return model_;
}

Options Automatic1111Api::current_options() const {
  const ModelEntry model = entry_of(current_model());
  const MutexLock lock(mutex_);
  return {model.title(), model.sha256, samples_format_};
}

pictures::Form Automatic1111Api::current_form() const {
  return pictures::form_named(current_options().samples_format).value_or(pictures::Form::kPng);
}

void Automatic1111Api::set_options(const Reply& reply) {
  const Result<OptionsChange> change = parse_options(reply.request().body);
  if (!change.ok()) return reply.error(change.status());
  const bool names_model = change->model_title && !change->model_title->empty();
  const auto model = names_model ? find_model(*change->model_title) : nullptr;
  if (names_model && model == nullptr) {
    return reply.error(unknown_model_error(*change->model_title));
  }
  {
    const MutexLock lock(mutex_);
    if (model != nullptr) model_ = model->name;
    if (change->samples_format) samples_format_ = *change->samples_format;
  }
  reply.json(options_changed_json(change->notes));
}

void Automatic1111Api::add_lists(http::Router& router) {
  add(router, "GET", "sd-models",
      [this](const Reply& reply) { reply.json(models_json(entries_)); });
  for (const char* name :
       {"samplers", "schedulers", "upscalers", "latent-upscale-modes", "sd-vae", "loras",
        "embeddings", "hypernetworks", "face-restorers", "realesrgan-models", "prompt-styles",
        "scripts", "script-info", "extensions"}) {
    add(router, "GET", name,
        [name](const Reply& reply) { reply.json(std::string(fixed_answer(name).value_or("[]"))); });
  }
  // The models stay on the card, and there is nothing to look for again.
  for (const char* name :
       {"refresh-checkpoints", "refresh-vae", "refresh-loras", "refresh-embeddings"}) {
    add(router, "POST", name, [](const Reply& reply) { reply.json("null"); });
  }
  for (const char* name : {"unload-checkpoint", "reload-checkpoint"}) {
    add(router, "POST", name, [](const Reply& reply) { reply.json("{}"); });
  }
}

}  // namespace axle::api
