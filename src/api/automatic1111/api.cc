#include "api/automatic1111/api.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <ctime>
#include <utility>

#include "api/automatic1111/delivery.h"
#include "api/automatic1111/extras.h"
#include "api/automatic1111/generate.h"
#include "api/automatic1111/paint_plan.h"
#include "api/automatic1111/painting.h"
#include "api/automatic1111/request.h"
#include "pictures/output.h"

namespace axle::api {
namespace {

using namespace automatic1111;

// Fetching waits for others; two at a time are enough for what a card paints.
constexpr int kFetchers = 2;
constexpr std::size_t kMaxFetches = 64;

AnySeeds any_seeds() { return {pictures::random_seed(), pictures::random_seed()}; }

// "20260101235959", local time.
std::string job_timestamp() {
  const std::time_t now = std::chrono::system_clock::to_time_t(std::chrono::system_clock::now());
  std::tm local{};
  localtime_r(&now, &local);
  return fmt::format("{:04}{:02}{:02}{:02}{:02}{:02}", local.tm_year + 1900, local.tm_mon + 1,
                     local.tm_mday, local.tm_hour, local.tm_min, local.tm_sec);
}

std::vector<ModelEntry> entries_of(const pictures::Studio& studio) {
  std::vector<ModelEntry> entries;
  for (const auto& model : studio.models()) {
    entries.push_back({model->name, model->sha256, model->name});
  }
  return entries;
}

pictures::RunOptions run_options(const Request& request, const std::string& caller) {
  pictures::RunOptions options;
  // A key is the caller's own: another's requests are not his to end.
  if (!request.replace_key.empty()) options.replace_key = caller + '\n' + request.replace_key;
  if (request.deadline) {
    options.deadline =
        std::chrono::steady_clock::now() +
        std::chrono::duration_cast<std::chrono::steady_clock::duration>(*request.deadline);
  }
  return options;
}

// Ends the run when its client leaves, or is told that the server stops.
void end_with(const Reply& reply, const std::shared_ptr<pictures::Run>& run) {
  const std::weak_ptr<pictures::Run> weak_run = run;
  reply.exchange()->on_disconnect([weak_run] {
    if (const auto live = weak_run.lock()) live->cancel();
  });
  const std::weak_ptr<http::Exchange> weak_exchange = reply.exchange();
  reply.exchange()->on_stop([weak_run, weak_exchange, dialect = reply.dialect()] {
    if (const auto exchange = weak_exchange.lock()) {
      exchange->respond(http_error_response(
          dialect, {.status = 503, .message = "the server is stopping; try again in a moment"}));
    }
    if (const auto live = weak_run.lock()) live->cancel();
  });
}

}  // namespace

Automatic1111Api::Automatic1111Api(pictures::Studio& studio, Automatic1111Options options)
    : studio_(studio),
      options_(std::move(options)),
      entries_(entries_of(studio)),
      runs_(std::make_shared<CallerRuns>()),
      model_(studio.models().empty() ? "" : studio.models().front()->name),
      fetchers_(kFetchers, kMaxFetches) {}

void Automatic1111Api::add_routes(http::Router& router) {
  add_pictures(router);
  add_extras(router);
  add_progress(router);
  add_settings(router);
  add_lists(router);
  for (const char* prefix : {"/sdapi", "/internal"}) {
    router.set_error_writer(prefix, [](const http::ErrorInfo& error) {
      return http_error_response(Dialect::kAutomatic1111, error);
    });
  }
  router.set_error_writer("/generate", [](const http::ErrorInfo& error) {
    return http_error_response(Dialect::kService, error);
  });
}

void Automatic1111Api::add(http::Router& router, const char* method, const std::string& path,
                           Work work, Dialect dialect) {
  const std::string full = path.starts_with('/') ? path : "/sdapi/v1/" + path;
  router.add(method, full, [this, work = std::move(work), dialect](const Shared& exchange) {
    work(Reply(exchange, dialect, studio_.fleet()));
  });
}

void Automatic1111Api::add_pictures(http::Router& router) {
  for (const auto& [path, task] : std::array<std::pair<const char*, Task>, 2>{
           {{"txt2img", Task::kTxt2img}, {"img2img", Task::kImg2img}}}) {
    add(router, "POST", path, [this, task = task](const Reply& reply) { paint(reply, task); });
  }
  const Work generate = [this](const Reply& reply) {
    run_or_fetch(reply, [this](const Reply& same) {
      Result<Request> request = parse_generate(same.request().body, options_.sources);
      if (!request.ok()) return same.error(request.status());
      start(same, *std::move(request));
    });
  };
  add(router, "POST", "/generate", generate, Dialect::kService);
}

void Automatic1111Api::add_extras(http::Router& router) {
  using Answer = std::function<Result<std::string>(const std::string& body)>;
  const auto add_one = [&](const char* name, Answer answer) {
    add(router, "POST", name, [this, answer = std::move(answer)](const Reply& reply) {
      run_or_fetch(reply, [answer](const Reply& same) {
        Result<std::string> body = answer(same.request().body);
        if (!body.ok()) return same.error(body.status());
        same.json(*std::move(body));
      });
    });
  };
  add_one("png-info",
          [this](const std::string& body) { return png_info_answer(body, options_.sources); });
  add_one("extra-single-image", [this](const std::string& body) {
    return extra_single_json(body, options_.sources, current_form());
  });
  add_one("extra-batch-images", [this](const std::string& body) {
    return extra_batch_json(body, options_.sources, current_form());
  });
  const Work refuse = [](const Reply& reply) {
    reply.error(501, "pictures cannot be described: no model here sees them");
  };
  add(router, "POST", "interrogate", refuse);
  // Of the service that /generate is of.
  add(router, "POST", "interrogate/structured", refuse, Dialect::kService);
}

void Automatic1111Api::run_or_fetch(const Reply& reply, Work work) {
  const bool may_fetch =
      options_.sources.fetch != nullptr && reply.request().body.find("http") != std::string::npos;
  if (!may_fetch) return work(reply);
  if (!fetchers_.try_push([reply, work = std::move(work)] { work(reply); })) {
    reply.error(exhausted("too many pictures are being fetched; try again in a moment"));
  }
}

void Automatic1111Api::paint(const Reply& reply, Task task) {
  run_or_fetch(reply, [this, task](const Reply& same) {
    Result<Request> request = parse_request(task, same.request().body, options_.sources);
    if (!request.ok()) return same.error(request.status());
    start(same, *std::move(request));
  });
}

std::shared_ptr<const pictures::ServedPictures> Automatic1111Api::model_for(Request& request) {
  const std::string usual = current_model();
  if (request.model.empty()) return studio_.find(usual);
  if (auto asked = find_model(request.model)) return asked;
  request.notes.push_back(fmt::format("sd_model_checkpoint: {} asked, {} done: there are {}",
                                      request.model, usual, studio_.known_names()));
  return studio_.find(usual);
}

std::shared_ptr<const pictures::ServedPictures> Automatic1111Api::find_model(
    std::string_view name) const {
  if (auto named = studio_.find(name)) return named;
  const auto found = std::ranges::find_if(entries_, [name](const ModelEntry& entry) {
    const bool by_hash = name == entry.sha256 || name == entry.short_hash();
    return !entry.sha256.empty() && (by_hash || name == entry.title());
  });
  return found == entries_.end() ? nullptr : studio_.find(found->name);
}

ModelEntry Automatic1111Api::entry_of(const std::string& name) const {
  const auto found = std::ranges::find(entries_, name, &ModelEntry::name);
  return found == entries_.end() ? ModelEntry{name, "", name} : *found;
}

void Automatic1111Api::start(const Reply& reply, Request request) {
  const auto model = model_for(request);
  if (model == nullptr) return reply.error(unavailable("no picture model is served here"));
  PaintPlan plan = plan_painting(request, *model, any_seeds());
  plan.order.previews = true;  // They cost no time of the card.
  const bool is_service = reply.dialect() == Dialect::kService;
  plan.order.noise = is_service ? jobs::NoiseOrder::kService : jobs::NoiseOrder::kVendor;
  Result<pictures::Order> order = order_of(request, plan, options_.sources);
  if (!order.ok()) return reply.error(order.status());

  const Delivery delivery =
      delivery_of(request, plan, reply.request().header("accept").value_or(""),
                  {current_form(), options_.display});
  const std::string caller = caller_of(reply.request());
  const pictures::RunOptions run_with = run_options(request, caller);
  const PaintedHead head{entry_of(model->name), job_timestamp(), studio_.version()};
  auto ticket = runs_->enter({caller, request.task_id, request.task, head.job_timestamp});
  const auto painting = std::make_shared<Painting>(Painting::Parts{
      reply, std::move(request), std::move(plan), delivery, head, std::move(ticket)});
  const Result<std::shared_ptr<pictures::Run>> run =
      studio_.start(*std::move(order), model, painting, run_with);
  if (!run.ok()) return reply.error(run.status());
  painting->ticket().set_run(*run);
  end_with(reply, *run);
}

}  // namespace axle::api
