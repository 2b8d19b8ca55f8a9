#include "api/admin/health.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json.hpp>
#include <utility>

namespace axle::api {
namespace {

namespace json = boost::json;
using metrics::Kind;
using metrics::Sample;

std::int64_t unix_seconds(std::chrono::system_clock::time_point when) {
  return std::chrono::duration_cast<std::chrono::seconds>(when.time_since_epoch()).count();
}

json::object status_json(const Status& status) {
  json::object object{{"code", code_name(status.code())}, {"message", status.message()}};
  if (status.vendor_code() != 0) {
    object["vendor_code"] =
        fmt::format("0x{:08x}", static_cast<std::uint32_t>(status.vendor_code()));
  }
  return object;
}

// What a request may ask of a model, known before it is loaded.
void add_choices(json::object& object, const pictures::ServedPictures& model) {
  json::array sizes;
  for (const auto& variant : model.package.variants) sizes.emplace_back(variant.id);
  object["sizes"] = std::move(sizes);
  object["steps"] = json::array(model.step_counts.begin(), model.step_counts.end());
}

json::object model_json(const fleet::ModelHealth& model, const PictureModels& pictures) {
  const auto painter = std::ranges::find_if(
      pictures, [&](const auto& served) { return served->name == model.name; });
  const bool paints = painter != pictures.end();
  json::object object{{"name", model.name},
                      {"kind", paints ? "picture" : "chat"},
                      {"state", state_name(model.state)},
                      {"queued", model.jobs.queued},
                      {"running", model.jobs.running}};
  if (paints) add_choices(object, **painter);
  if (model.state == fleet::ModelState::kFailed) object["error"] = status_json(model.status);
  if (model.state == fleet::ModelState::kLoading) {
    object["files_done"] = model.loading.files_done;
    object["files_total"] = model.loading.files_total;
  }
  if (model.loaded.card_bytes != 0) {
    object["card_bytes"] = model.loaded.card_bytes;
    object["load_ms"] = model.loaded.load_time.count();
  }
  if (model.loaded.layers != 0) {
    object["context_tokens"] = model.loaded.context_tokens;
    object["probe"] = model.loaded.probe;
  }
  return object;
}

json::object card_json(const fleet::Health& health) {
  json::object card{{"state", state_name(health.state)},
                    {"reason", health.reason},
                    {"since", unix_seconds(health.since)},
                    {"paused", health.paused},
                    {"pid", health.pid},
                    {"restarts", health.restarts},
                    {"reboots", health.reboots}};
  if (health.card) {
    card["kind"] = health.card->software_card ? "software card" : "card";
    card["library"] = health.card->library;
    card["device_id"] = health.card->device_id;
    card["soc"] = health.card->soc_name;
    card["runtime_version"] = health.card->runtime_version;
  }
  if (health.readings) {
    json::object readings{{"memory_total_bytes", health.readings->card_memory_total_bytes},
                          {"memory_free_bytes", health.readings->card_memory_free_bytes},
                          {"at", unix_seconds(health.readings_when)}};
    const auto add = [&readings](const char* name, const std::optional<double>& value) {
      if (value) readings[name] = *value;
    };
    add("temperature_celsius", health.readings->temperature_celsius);
    add("npu_percent", health.readings->npu_percent);
    add("cpu_percent", health.readings->cpu_percent);
    card["readings"] = std::move(readings);
  }
  json::array errors;
  for (const fleet::PastError& error : health.last_errors) {
    json::object entry = status_json(error.status);
    entry["at"] = unix_seconds(error.when);
    errors.push_back(std::move(entry));
  }
  card["last_errors"] = std::move(errors);
  return card;
}

json::object kv_cache_json(const jobs::Heartbeat& heartbeat) {
  return {{"cells_used", heartbeat.cells_used},
          {"cells_total", heartbeat.cells_total},
          {"banks", heartbeat.kv_banks},
          {"host_bytes", heartbeat.host_cache_bytes}};
}

std::vector<Sample> one(double value) { return {{"", value}}; }

}  // namespace

bool is_ready(const fleet::Health& health) {
  const bool works = health.state == fleet::CardState::kReady ||
                     (health.state == fleet::CardState::kHot && !health.paused);
  return works && std::any_of(health.models.begin(), health.models.end(), [](const auto& model) {
           return model.state == fleet::ModelState::kLoaded;
         });
}

std::string health_json(const fleet::Health& health, const fleet::Counters& counters,
                        const std::string& version, const PictureModels& pictures) {
  json::array models;
  for (const fleet::ModelHealth& model : health.models)
    models.push_back(model_json(model, pictures));
  const json::object body{{"status", is_ready(health) ? "ok" : state_name(health.state)},
                          {"version", version},
                          {"card", card_json(health)},
                          {"models", std::move(models)},
                          {"kv_cache", kv_cache_json(health.heartbeat)},
                          {"jobs",
                           {{"queued", health.queued},
                            {"running", health.running},
                            {"wait_ms", health.wait.count()},
                            {"done", counters.done},
                            {"failed", counters.failed},
                            {"cancelled", counters.cancelled},
                            {"replayed", counters.replayed}}}};
  return json::serialize(body);
}

AdminApi::AdminApi(fleet::Fleet& fleet, metrics::Registry& metrics, std::string version,
                   PictureModels pictures)
    : fleet_(fleet),
      metrics_(metrics),
      version_(std::move(version)),
      pictures_(std::move(pictures)) {
  register_card_figures();
}

void AdminApi::add_routes(http::Router& router) {
  using Shared = std::shared_ptr<http::Exchange>;
  const auto open = http::Access::kOpen;
  router.add(
      "GET", "/live",
      [](const Shared& exchange) {
        exchange->respond(http::json_response(200, R"({"status":"live"})"));
      },
      open);
  router.add(
      "GET", "/ready", [this](const Shared& exchange) { ready(exchange); }, open);
  router.add(
      "GET", "/health", [this](const Shared& exchange) { health(exchange); }, open);
  router.add("GET", "/metrics", [this](const Shared& exchange) {
    http::Response response{200, {}, metrics_.render()};
    http::set_header(response.headers, "Content-Type", "text/plain; version=0.0.4; charset=utf-8");
    exchange->respond(std::move(response));
  });
}

void AdminApi::ready(const std::shared_ptr<http::Exchange>& exchange) const {
  const fleet::Health health = fleet_.health();
  if (is_ready(health)) {
    return exchange->respond(http::json_response(200, R"({"status":"ready"})"));
  }
  http::Response response =
      http::json_response(503, json::serialize(json::object{{"status", state_name(health.state)},
                                                            {"reason", health.reason}}));
  http::set_header(response.headers, "Retry-After",
                   fmt::format("{}", fleet_.retry_after().count()));
  exchange->respond(std::move(response));
}

void AdminApi::health(const std::shared_ptr<http::Exchange>& exchange) const {
  const fleet::Health health = fleet_.health();
  exchange->respond(http::json_response(
      is_ready(health) ? 200 : 503, health_json(health, fleet_.counters(), version_, pictures_)));
}

void AdminApi::register_card_figures() {
  const auto gauge = [this](const char* name, const char* help, auto read) {
    metrics_.callback(Kind::kGauge, name, help, [this, read] { return read(fleet_.health()); });
  };
  const auto counter = [this](const char* name, const char* help,
                              std::int64_t fleet::Counters::*field) {
    metrics_.callback(Kind::kCounter, name, help,
                      [this, field] { return one(static_cast<double>(fleet_.counters().*field)); });
  };
  // The five names that gateways for inference servers read (Gateway API Inference Extension,
  // proposal 003).
  gauge("vllm:num_requests_waiting", "Jobs that wait.",
        [](const fleet::Health& h) { return one(h.queued + h.heartbeat.waiting); });
  gauge("vllm:num_requests_running", "Jobs that run.",
        [](const fleet::Health& h) { return one(h.heartbeat.running); });
  gauge("vllm:kv_cache_usage_perc", "Share of K/V cells in use, 0 to 1.",
        [](const fleet::Health& h) {
          return one(h.heartbeat.cells_total == 0
                         ? 0.0
                         : static_cast<double>(h.heartbeat.cells_used) / h.heartbeat.cells_total);
        });
  gauge("axle_queue_wait_seconds", "Until a request that came now would begin, estimated.",
        [](const fleet::Health& h) { return one(std::chrono::duration<double>(h.wait).count()); });
  gauge("axle_card_up", "1 while the card can answer.",
        [](const fleet::Health& h) { return one(is_ready(h) ? 1 : 0); });
  gauge("axle_card_temperature_celsius", "Temperature of the card.", [](const fleet::Health& h) {
    return h.readings && h.readings->temperature_celsius ? one(*h.readings->temperature_celsius)
                                                         : std::vector<Sample>{};
  });
  gauge("axle_card_memory_total_bytes", "Card memory for models.", [](const fleet::Health& h) {
    return h.readings ? one(static_cast<double>(h.readings->card_memory_total_bytes))
                      : std::vector<Sample>{};
  });
  gauge("axle_card_memory_free_bytes", "Card memory that is free.", [](const fleet::Health& h) {
    return h.readings ? one(static_cast<double>(h.readings->card_memory_free_bytes))
                      : std::vector<Sample>{};
  });
  counter("axle_card_restarts_total", "Card processes started again.", &fleet::Counters::restarts);
  counter("axle_card_reboots_total", "Restarts of the card itself.", &fleet::Counters::reboots);
  counter("axle_jobs_done_total", "Jobs completed.", &fleet::Counters::done);
  counter("axle_jobs_failed_total", "Jobs failed.", &fleet::Counters::failed);
  counter("axle_jobs_cancelled_total", "Jobs cancelled.", &fleet::Counters::cancelled);
  counter("axle_jobs_replayed_total", "Jobs handed to a new card process.",
          &fleet::Counters::replayed);
  counter("axle_jobs_refused_total", "Jobs not taken.", &fleet::Counters::refused);
}

}  // namespace axle::api
