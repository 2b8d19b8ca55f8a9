#include <fmt/format.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <filesystem>
#include <memory>
#include <system_error>
#include <thread>
#include <utility>

#include "api/admin/health.h"
#include "api/automatic1111/api.h"
#include "api/latest/latest.h"
#include "api/openai/chat.h"
#include "api/openai/images.h"
#include "api/sdcpp/sdcpp.h"
#include "api/web/web_files.h"
#include "api/web/web_page.h"
#include "app/commands.h"
#include "app/interrupt.h"
#include "app/model_choice.h"
#include "app/source_rules.h"
#include "base/log.h"
#include "base/metrics.h"
#include "fleet/fleet.h"
#include "http/server.h"
#include "pictures/studio.h"

namespace axle::app {
namespace {

constexpr std::chrono::seconds kStopGrace{20};
constexpr std::chrono::milliseconds kLookInterval{50};
// Source: AUTOMATIC1111/stable-diffusion-webui, --api.
constexpr std::uint16_t kAutomatic1111Port = 7860;

// What serves: each member uses those above it, and they are destroyed from the bottom up.
struct Front {
  metrics::Registry metrics;
  std::unique_ptr<fleet::Fleet> fleet;
  std::unique_ptr<api::ModelRegistry> models;
  std::unique_ptr<pictures::Studio> studio;
  std::unique_ptr<api::ChatApi> chat;
  std::unique_ptr<api::ImagesApi> images;
  std::unique_ptr<api::Automatic1111Api> automatic1111;
  std::unique_ptr<api::LatestApi> latest;
  std::unique_ptr<api::sdcpp::SdcppApi> sdcpp;
  std::unique_ptr<api::AdminApi> admin;
  std::unique_ptr<api::WebPage> page;
  std::unique_ptr<http::Server> server;
};

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

// The interfaces of pictures. Without a picture model they say that there is none.
void make_picture_interfaces(const Config& config, Front& front) {
  const pictures::SourceRules sources = source_rules(config);
  api::ImagesOptions images{.ping_interval = std::chrono::seconds(config.ping_interval_s),
                            .sources = sources};
  for (const auto& model : front.models->all()) images.chat_models.push_back(model->name);
  front.images = std::make_unique<api::ImagesApi>(*front.studio, std::move(images));
  const bool everywhere = config.address != "127.0.0.1" && config.address != "localhost";
  front.automatic1111 = std::make_unique<api::Automatic1111Api>(
      *front.studio,
      api::Automatic1111Options{.port = config.pictures_port.value_or(kAutomatic1111Port),
                                .listens = everywhere,
                                .has_passwords = !config.api_keys.empty(),
                                .sources = sources});
  front.sdcpp = std::make_unique<api::sdcpp::SdcppApi>(*front.studio, sources);
  front.latest = std::make_unique<api::LatestApi>(front.studio->feed());
}

// The routes of everything that is served.
http::Router make_routes(const Config& config, ModelChoice choice, Front& front) {
  front.models = std::make_unique<api::ModelRegistry>(std::move(choice.texts));
  front.studio = std::make_unique<pictures::Studio>(*front.fleet, std::move(choice.pictures),
                                                    front.metrics, "axle " + version_number());
  front.chat = std::make_unique<api::ChatApi>(
      *front.fleet, *front.models, front.metrics,
      api::ChatOptions{.ping_interval = std::chrono::seconds(config.ping_interval_s),
                       .picture_models = front.studio->models()});
  make_picture_interfaces(config, front);
  front.admin = std::make_unique<api::AdminApi>(*front.fleet, front.metrics, version_number(),
                                                front.studio->models());
  front.page = std::make_unique<api::WebPage>(api::web_files(), version_number());
  http::Router router;
  front.chat->add_routes(router);
  front.images->add_routes(router);
  front.automatic1111->add_routes(router);
  front.sdcpp->add_routes(router);
  front.latest->add_routes(router);
  front.admin->add_routes(router);
  front.page->add_routes(router);
  return router;
}

http::ServerOptions server_options(const Config& config) {
  http::ServerOptions options;
  options.listeners = {{config.address, config.port}};
  options.max_body_bytes = std::size_t{config.max_body_mib} << 20;
  options.max_connections = config.max_connections;
  options.api_keys = config.api_keys;
  options.cors_origins = config.cors_origins;
  return options;
}

// Where programs look for A1111. Whoever asked for no port by name gets the usual one if it is
// free; a server on any free port is one of several, and leaves it alone.
Result<std::unique_ptr<http::Server>> listen(const Config& config, bool has_pictures,
                                             const http::Router& router) {
  http::ServerOptions options = server_options(config);
  const bool by_itself = !config.pictures_port && config.port != 0 && has_pictures;
  const std::uint16_t port = config.pictures_port.value_or(by_itself ? kAutomatic1111Port : 0);
  if (port == 0 || port == config.port) return http::Server::start(options, router);
  options.listeners.push_back({config.address, port});
  Result<std::unique_ptr<http::Server>> server = http::Server::start(options, router);
  if (server.ok() || !by_itself) return server;
  options.listeners.pop_back();
  AXLE_TRY_ASSIGN(auto without, http::Server::start(options, router));
  AXLE_LOG_WARN("serve", "not on port {}, where programs look for Automatic1111: {}", port,
                server.status().message());
  return without;
}

Status start_server(const Config& config, ModelChoice choice, Front& front) {
  const bool has_pictures = !choice.pictures.empty();
  const http::Router router = make_routes(config, std::move(choice), front);
  count_http(front.metrics, front.server);
  AXLE_TRY_ASSIGN(front.server, listen(config, has_pictures, router));
  return {};
}

std::string url_of(const Config& config, const http::Server& server) {
  const bool any = config.address == "0.0.0.0" || config.address == "::";
  const bool v6 = config.address.find(':') != std::string::npos && !any;
  return fmt::format("http://{}{}{}:{}", v6 ? "[" : "", any ? "127.0.0.1" : config.address,
                     v6 ? "]" : "", server.port());
}

std::string things_to_try(const std::string& url, const Front& front) {
  std::string text = api::web_files().empty() ? "" : fmt::format("  {}/ in a browser\n", url);
  if (!front.models->all().empty()) {
    text += fmt::format(
        "  axle chat --url {}\n"
        "  curl {}/v1/chat/completions -d "
        "'{{\"messages\":[{{\"role\":\"user\",\"content\":\"Hello!\"}}]}}'\n",
        url, url);
  }
  if (!front.studio->models().empty()) {
    text += fmt::format("  axle image \"red apple\" --url {}\n", url);
    if (front.server->port(1) != 0)
      text += fmt::format("  any Automatic1111 client on port {}\n", front.server->port(1));
  }
  return text + fmt::format("  any OpenAI client with the base URL {}/v1\n", url);
}

void say_ready(const Config& config, const Front& front, const std::string& names) {
  const std::string url = url_of(config, *front.server);
  const fleet::Health health = front.fleet->health();
  const std::string library = health.card ? health.card->library : "";
  if (config.log_format == LogFormat::kJson) {  // Whoever reads it wants JSON lines only.
    AXLE_LOG_INFO("serve", "axle is ready on {} with {}, models {}", url, library, names);
    return;
  }
  fmt::print(stderr, "\naxle is ready on {}\n  card   {}\n  models {}\ntry it:\n{}\n", url, library,
             names, things_to_try(url, front));
}

// Follows the card until the first signal; says once when it is ready.
void watch(const Config& config, const Front& front, const std::string& names,
           const InterruptSource& interrupt) {
  while (!interrupt.token().stop_requested()) {
    if (api::is_ready(front.fleet->health())) {
      say_ready(config, front, names);
      return interrupt.wait();
    }
    std::this_thread::sleep_for(kLookInterval);
  }
}

}  // namespace

Status run_serve(const Config& config) {
  const InterruptSource interrupt;
  // Who reads the log, or a server that a picture is fetched from, may go away at any moment.
  ::signal(SIGPIPE, SIG_IGN);
  AXLE_LOG_INFO("serve", "{} starts", version_text());
  AXLE_TRY_ASSIGN(ModelChoice choice, choose_models(config));
  const std::string names = choice.names();
  Front front;
  AXLE_TRY(start_fleet(config, choice, front));
  AXLE_TRY(start_server(config, std::move(choice), front));
  AXLE_LOG_INFO("serve", "listening on {}", url_of(config, *front.server));
  watch(config, front, names, interrupt);
  AXLE_LOG_INFO("serve",
                "stopping; running answers have {} s to finish, a second signal ends at once",
                kStopGrace.count());
  front.server->stop(kStopGrace);
  front.fleet->stop(std::chrono::seconds(2));
  AXLE_LOG_INFO("serve", "stopped");
  return {};
}

}  // namespace axle::app
