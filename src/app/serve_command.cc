#include <fmt/format.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <memory>
#include <system_error>
#include <thread>
#include <utility>

#include "api/admin/health.h"
#include "api/openai/chat.h"
#include "api/openai/served_model.h"
#include "app/commands.h"
#include "app/interrupt.h"
#include "base/log.h"
#include "base/metrics.h"
#include "fleet/fleet.h"
#include "http/server.h"
#include "package/store.h"

namespace axle::app {
namespace {

constexpr std::chrono::seconds kStopGrace{20};
constexpr std::chrono::milliseconds kLookInterval{50};

// What serves: each member uses those above it, and they are destroyed from the bottom up.
struct Front {
  metrics::Registry metrics;
  std::unique_ptr<fleet::Fleet> fleet;
  std::unique_ptr<api::ModelRegistry> models;
  std::unique_ptr<api::ChatApi> chat;
  std::unique_ptr<api::AdminApi> admin;
  std::unique_ptr<http::Server> server;
};

struct ModelChoice {
  std::vector<jobs::LoadJob> jobs;
  std::vector<std::shared_ptr<const api::ServedModel>> served;
};

// Reads the words of one model. A model that was asked for by name must be fine; one that merely
// lies in the folder is left out with a warning.
Status add_model(const std::string& name, const std::filesystem::path& folder, bool asked_for,
                 ModelChoice& choice) {
  Result<std::shared_ptr<const api::ServedModel>> model =
      api::ServedModel::load(name, folder.string());
  if (!model.ok()) {
    const Status status = with_package_advice(model.status());
    if (asked_for) return status.with_context(fmt::format("model {}", name));
    AXLE_LOG_WARN("serve", "model {} is left out: {}", name, status.message());
    return {};
  }
  choice.jobs.push_back({name, folder.string()});
  choice.served.push_back(*std::move(model));
  return {};
}

Result<ModelChoice> choose_models(const Config& config) {
  const package::Store store(models_folder(config));
  ModelChoice choice;
  for (const std::string& name : config.models) {
    AXLE_TRY_ASSIGN(const std::filesystem::path folder, store.find(name));
    AXLE_TRY(add_model(name, folder, true, choice));
  }
  std::size_t found = config.models.size();
  if (config.models.empty()) {
    AXLE_TRY_ASSIGN(const std::vector<package::StoreEntry> entries, store.list());
    found = entries.size();
    for (const package::StoreEntry& entry : entries) {
      AXLE_TRY(add_model(entry.name, entry.folder, false, choice));
    }
  }
  if (choice.jobs.empty() && found != 0) {
    return corrupt(fmt::format("none of the {} model(s) in {} can be used; the lines above say why",
                               found, store.folder().string()));
  }
  if (choice.jobs.empty()) {
    return not_found(fmt::format("no model to serve in {}; make one with: axle import FILE.gguf",
                                 store.folder().string()));
  }
  return choice;
}

std::vector<std::string> card_command(const Config& config) {
  std::vector<std::string> command{own_executable().string(), "card", "--library", config.library};
  const std::filesystem::path softcard = softcard_library(config);
  if (!softcard.empty()) command.insert(command.end(), {"--softcard-library", softcard.string()});
  if (!config.axcl_config.empty())
    command.insert(command.end(), {"--axcl-config", config.axcl_config});
  if (config.device) command.insert(command.end(), {"--device", fmt::format("{}", *config.device)});
  command.insert(command.end(), {"--kv-banks", fmt::format("{}", config.kv_banks)});
  command.insert(command.end(), {"--host-cache-mib", fmt::format("{}", config.host_cache_mib)});
  command.insert(command.end(), {"--llm-order", config.llm_order, "--llm-probe", config.llm_probe,
                                 "--llm-cache", cache_folder(config).string()});
  return command;
}

// The environment carries what the card process must log like; flags could be seen by everybody.
void pass_log_options(const Config& config) {
  static constexpr std::array<const char*, 6> kLevels{"trace", "debug", "info",
                                                      "warn",  "error", "off"};
  ::setenv("AXLE_LOG_LEVEL", kLevels[static_cast<std::size_t>(config.log_level)], 1);
  ::setenv("AXLE_LOG_FORMAT", config.log_format == LogFormat::kJson ? "json" : "text", 1);
}

// What restarts a hung card. Only where the library is named as the vendor's and the card is the
// machine's first: a fault of the software card must never restart a real card, nor one card's
// fault another card.
std::vector<std::string> reboot_command(const Config& config) {
  std::error_code error;
  const bool wanted = config.library == "vendor" && !config.device && !config.smi.empty();
  if (!wanted || !std::filesystem::exists(config.smi, error)) return {};
  return {config.smi, "reboot", "-d", "0"};
}

Status start_fleet(const Config& config, const ModelChoice& choice, Front& front) {
  std::error_code error;
  if (!config.axcl_config.empty() && !std::filesystem::is_regular_file(config.axcl_config, error)) {
    return not_found(
        fmt::format("card.axcl_config is {}, which is no file; correct it or leave it "
                    "out",
                    config.axcl_config));
  }
  fleet::FleetOptions options;
  options.command = card_command(config);
  options.models = choice.jobs;
  options.queue_limit = config.queue_limit;
  options.running_limit = config.running_limit;
  options.reboot_command = reboot_command(config);
  pass_log_options(config);
  AXLE_TRY_ASSIGN(front.fleet, fleet::Fleet::start(std::move(options)));
  return {};
}

void count_http(metrics::Registry& registry, const std::unique_ptr<http::Server>& server) {
  const auto add = [&registry, &server](metrics::Kind kind, const char* name, const char* help,
                                        std::uint64_t http::ServerCounters::*field) {
    registry.callback(kind, name, help, [&server, field] {
      return std::vector<metrics::Sample>{
          {"", server ? static_cast<double>(server->counters().*field) : 0.0}};
    });
  };
  using Kind = metrics::Kind;
  add(Kind::kGauge, "axle_http_connections", "Open connections.",
      &http::ServerCounters::connections_open);
  add(Kind::kCounter, "axle_http_requests_total", "Requests.",
      &http::ServerCounters::requests_total);
  add(Kind::kCounter, "axle_http_refused_total", "Requests refused: too many.",
      &http::ServerCounters::requests_refused);
  add(Kind::kCounter, "axle_http_sent_bytes_total", "Bytes sent.",
      &http::ServerCounters::bytes_sent);
}

Status start_server(const Config& config, ModelChoice choice, Front& front) {
  front.models = std::make_unique<api::ModelRegistry>(std::move(choice.served));
  front.chat = std::make_unique<api::ChatApi>(
      *front.fleet, *front.models, front.metrics,
      api::ChatOptions{.ping_interval = std::chrono::seconds(config.ping_interval_s)});
  front.admin = std::make_unique<api::AdminApi>(*front.fleet, front.metrics, version_number());
  http::Router router;
  front.chat->add_routes(router);
  front.admin->add_routes(router);
  http::ServerOptions options;
  options.listeners = {{config.address, config.port}};
  options.max_body_bytes = std::size_t{config.max_body_mib} << 20;
  options.max_connections = config.max_connections;
  options.api_keys = config.api_keys;
  options.cors_origins = config.cors_origins;
  count_http(front.metrics, front.server);
  AXLE_TRY_ASSIGN(front.server, http::Server::start(options, std::move(router)));
  return {};
}

std::string url_of(const Config& config, const http::Server& server) {
  const bool any = config.address == "0.0.0.0" || config.address == "::";
  const bool v6 = config.address.find(':') != std::string::npos && !any;
  return fmt::format("http://{}{}{}:{}", v6 ? "[" : "", any ? "127.0.0.1" : config.address,
                     v6 ? "]" : "", server.port());
}

void say_ready(const Config& config, const Front& front) {
  const std::string url = url_of(config, *front.server);
  const fleet::Health health = front.fleet->health();
  const std::string library = health.card ? health.card->library : "";
  if (config.log_format == LogFormat::kJson) {  // Whoever reads it wants JSON lines only.
    AXLE_LOG_INFO("serve", "axle is ready on {} with {}, models {}", url, library,
                  front.models->known_names());
    return;
  }
  fmt::print(stderr,
             "\naxle is ready on {}\n  card   {}\n  models {}\n"
             "try it:\n  axle chat --url {}\n"
             "  curl {}/v1/chat/completions -d "
             "'{{\"messages\":[{{\"role\":\"user\",\"content\":\"Hello!\"}}]}}'\n"
             "  any OpenAI client with the base URL {}/v1\n\n",
             url, library, front.models->known_names(), url, url, url);
}

// Follows the card until the first signal; says once when it is ready.
void watch(const Config& config, const Front& front, const InterruptSource& interrupt) {
  while (!interrupt.token().stop_requested()) {
    if (api::is_ready(front.fleet->health())) {
      say_ready(config, front);
      return interrupt.wait();
    }
    std::this_thread::sleep_for(kLookInterval);
  }
}

}  // namespace

Status run_serve(const Config& config) {
  const InterruptSource interrupt;
  AXLE_LOG_INFO("serve", "{} starts", version_text());
  AXLE_TRY_ASSIGN(ModelChoice choice, choose_models(config));
  Front front;
  AXLE_TRY(start_fleet(config, choice, front));
  AXLE_TRY(start_server(config, std::move(choice), front));
  AXLE_LOG_INFO("serve", "listening on {}", url_of(config, *front.server));
  watch(config, front, interrupt);
  AXLE_LOG_INFO("serve",
                "stopping; running answers have {} s to finish, a second signal ends at once",
                kStopGrace.count());
  front.server->stop(kStopGrace);
  front.fleet->stop(std::chrono::seconds(2));
  AXLE_LOG_INFO("serve", "stopped");
  return {};
}

}  // namespace axle::app
