#include "app/config.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdlib>
#include <limits>
#include <utility>

#include "base/file.h"
#include "base/toml.h"

namespace axle::app {
namespace {

constexpr std::string_view kDefaultFile = "/etc/axle/axle.toml";

using Values = std::vector<std::string>;

Result<std::int64_t> whole_number(const std::string& text, std::int64_t low, std::int64_t high) {
  std::int64_t number = 0;
  const char* end = text.data() + text.size();
  const auto parsed = std::from_chars(text.data(), end, number);
  if (parsed.ec != std::errc() || parsed.ptr != end || number < low || number > high) {
    return invalid_argument(
        fmt::format("must be a whole number from {} to {}, found \"{}\"", low, high, text));
  }
  return number;
}

template <auto member, std::int64_t low, std::int64_t high>
Status set_number(Config& config, const Values& values) {
  AXLE_TRY_ASSIGN(const std::int64_t number, whole_number(values.front(), low, high));
  using Target = std::remove_reference_t<decltype(config.*member)>;
  if constexpr (requires { typename Target::value_type; }) {
    config.*member = static_cast<typename Target::value_type>(number);
  } else {
    config.*member = static_cast<Target>(number);
  }
  return {};
}

template <auto member>
Status set_text(Config& config, const Values& values) {
  config.*member = values.front();
  return {};
}

// An empty entry is a slip that matters: an empty key would be one that everybody has.
template <auto member>
Status set_list(Config& config, const Values& values) {
  if (std::any_of(values.begin(), values.end(), [](const auto& text) { return text.empty(); })) {
    return invalid_argument("must not hold an empty entry");
  }
  config.*member = values;
  return {};
}

Status set_log_level(Config& config, const Values& values) {
  return parse_log_level(values.front(), config.log_level);
}

Status set_log_format(Config& config, const Values& values) {
  if (values.front() != "text" && values.front() != "json") {
    return invalid_argument(
        fmt::format("must be \"text\" or \"json\", found \"{}\"", values.front()));
  }
  config.log_format = values.front() == "json" ? LogFormat::kJson : LogFormat::kText;
  return {};
}

Status set_log_prompts(Config& config, const Values& values) {
  if (values.front() != "true" && values.front() != "false") {
    return invalid_argument(fmt::format("must be true or false, found \"{}\"", values.front()));
  }
  config.log_prompts = values.front() == "true";
  return {};
}

// A word of a short list.
template <auto member, const auto& allowed>
Status set_choice(Config& config, const Values& values) {
  if (std::ranges::find(allowed, values.front()) == std::end(allowed)) {
    return invalid_argument(
        fmt::format("must be one of {}, found \"{}\"", fmt::join(allowed, ", "), values.front()));
  }
  config.*member = values.front();
  return {};
}
constexpr std::array<std::string_view, 3> kOrders{"auto", "chained", "vendor"};
constexpr std::array<std::string_view, 3> kProbes{"auto", "always", "off"};
constexpr std::array<std::string_view, 3> kFetches{"off", "public", "any"};

constexpr std::int64_t kMaxCount = 1'000'000;

// Nothing for tables, lists and dates, which no setting takes.
std::optional<std::string> value_text(const toml::node& node) {
  if (const auto text = node.value_exact<std::string>()) return *text;
  if (const auto number = node.value_exact<std::int64_t>()) return fmt::format("{}", *number);
  if (const auto real = node.value_exact<double>()) return fmt::format("{}", *real);
  if (const auto flag = node.value_exact<bool>()) return *flag ? "true" : "false";
  return std::nullopt;
}

const Setting* find_setting(std::string_view key) {
  for (const Setting& setting : settings()) {
    if (setting.key == key) return &setting;
  }
  return nullptr;
}

std::string known_keys() {
  std::string keys;
  for (const Setting& setting : settings()) {
    if (!keys.empty()) keys += ", ";
    keys += setting.key;
  }
  return keys;
}

// Applies one key of a file.
Status apply_node(const std::string& key, const toml::node& node, std::string_view name,
                  Config& config) {
  const std::string where = fmt::format("{}:{}: {}", name, node.source().begin.line, key);
  const Setting* setting = find_setting(key);
  if (setting == nullptr) {
    return invalid_argument(fmt::format("{}: unknown key; known are: {}", where, known_keys()));
  }
  Values values;
  const auto add = [&values](const toml::node& element) {
    std::optional<std::string> text = value_text(element);
    if (text) values.push_back(*std::move(text));
    return text.has_value();
  };
  const toml::array* array = node.as_array();
  const bool readable =
      array != nullptr ? std::all_of(array->cbegin(), array->cend(), add) : add(node);
  if (!readable) {
    return invalid_argument(
        fmt::format("{}: takes text, numbers, true or false; found something else", where));
  }
  if (!setting->list && values.size() != 1) {
    return invalid_argument(
        fmt::format("{}: takes one value, found a list of {}", where, values.size()));
  }
  return setting->set(config, values).with_context(where);
}

Status apply_table(const toml::table& table, const std::string& prefix, std::string_view name,
                   Config& config) {
  for (const auto& [key, node] : table) {
    const std::string path = prefix + std::string(key.str());
    if (const toml::table* inner = node.as_table()) {
      AXLE_TRY(apply_table(*inner, path + ".", name, config));
    } else {
      AXLE_TRY(apply_node(path, node, name, config));
    }
  }
  return {};
}

Values split_commas(std::string_view text) {
  Values values;
  while (!text.empty()) {
    const std::size_t comma = text.find(',');
    values.emplace_back(text.substr(0, comma));
    if (comma == std::string_view::npos) break;
    text.remove_prefix(comma + 1);
  }
  return values;
}

Status apply_environment(Config& config) {
  for (const Setting& setting : settings()) {
    const char* text = std::getenv(std::string(setting.env).c_str());
    if (text == nullptr || *text == '\0') continue;
    const Values values = setting.list ? split_commas(text) : Values{text};
    AXLE_TRY(setting.set(config, values).with_context(setting.env));
  }
  return {};
}

Status apply_flags(const FlagValues& flags, Config& config) {
  for (const Setting& setting : settings()) {
    const auto given = flags.find(setting.flag);
    if (given == flags.end() || given->second.empty()) continue;
    AXLE_TRY(setting.set(config, given->second).with_context(setting.flag));
  }
  return {};
}

Status apply_file(const std::filesystem::path& file, Config& config) {
  AXLE_TRY_ASSIGN(const std::string text, read_file(file));
  return apply_toml(text, file.string(), config);
}

}  // namespace

const std::vector<Setting>& settings() {
  static const std::vector<Setting> table{
      {"server.address", "AXLE_ADDRESS", "--address", "ADDRESS",
       "address to listen on; 0.0.0.0 or :: for every network", false, set_text<&Config::address>},
      {"server.port", "AXLE_PORT", "--port", "PORT", "port to listen on; 0 picks a free one", false,
       set_number<&Config::port, 0, 65535>},
      {"server.api_keys", "AXLE_API_KEYS", "--api-key", "KEY",
       "key that clients must send; may be repeated; none: everybody may call", true,
       set_list<&Config::api_keys>},
      {"server.cors_origins", "AXLE_CORS_ORIGINS", "--cors-origin", "ORIGIN",
       "web page origin that may read answers; may be repeated; default any", true,
       set_list<&Config::cors_origins>},
      {"server.max_body_mib", "AXLE_MAX_BODY_MIB", "--max-body-mib", "MIB", "largest request body",
       false, set_number<&Config::max_body_mib, 1, 4096>},
      {"server.max_connections", "AXLE_MAX_CONNECTIONS", "--max-connections", "COUNT",
       "open connections at once", false, set_number<&Config::max_connections, 1, kMaxCount>},
      {"server.ping_interval_s", "AXLE_PING_INTERVAL_S", "--ping-interval-s", "SECONDS",
       "silence after which a stream gets a comment line; 0: never", false,
       set_number<&Config::ping_interval_s, 0, 86400>},
      {"models.folder", "AXLE_MODELS", "--models", "FOLDER", "folder of the model packages", false,
       set_text<&Config::models_folder>},
      {"models.load", "AXLE_LOAD", "--load", "NAME",
       "package to load; may be repeated; none: all in the folder", true,
       set_list<&Config::models>},
      {"card.library", "AXLE_LIBRARY", "--library", "WHICH",
       "auto, vendor, softcard, or the path of a libaxcl_rt.so", false, set_text<&Config::library>},
      {"card.softcard", "AXLE_SOFTCARD_LIBRARY", "--softcard-library", "FILE",
       "libaxcl_rt.so of the software card", false, set_text<&Config::softcard>},
      {"card.device", "AXLE_DEVICE", "--device", "BUS",
       "PCIe bus number of the card; default: the first", false,
       set_number<&Config::device, 0, 255>},
      {"card.axcl_config", "AXLE_AXCL_CONFIG", "--axcl-config", "FILE", "the vendor's axcl.json",
       false, set_text<&Config::axcl_config>},
      {"card.smi", "AXLE_SMI", "--smi", "FILE",
       "axcl-smi, which restarts a card that hangs; \"\": never", false, set_text<&Config::smi>},
      {"memory.kv_banks", "AXLE_KV_BANKS", "--kv-banks", "COUNT",
       "sets of K/V cells that a model may take on the card when texts wait for cells", false,
       set_number<&Config::kv_banks, 1, 64>},
      {"memory.host_cache_mib", "AXLE_HOST_CACHE_MIB", "--host-cache-mib", "MIB",
       "host memory of each model for texts that had to leave the card; 0: none", false,
       set_number<&Config::host_cache_mib, 0, 1'000'000>},
      {"llm.order", "AXLE_LLM_ORDER", "--llm-order", "ORDER",
       "order of a step's calls: auto (as the probe of the card says), chained, or vendor", false,
       set_choice<&Config::llm_order, kOrders>},
      {"llm.probe", "AXLE_LLM_PROBE", "--llm-probe", "WHEN",
       "find out what the card does right: auto (where it is not known), always, or off", false,
       set_choice<&Config::llm_probe, kProbes>},
      {"llm.cache", "AXLE_LLM_CACHE", "--llm-cache", "FOLDER", "folder of what probes found", false,
       set_text<&Config::llm_cache>},
      {"pictures.port", "AXLE_PICTURES_PORT", "--pictures-port", "PORT",
       "second port, where programs look for Automatic1111; 0: none; default 7860 where it is free",
       false, set_number<&Config::pictures_port, 0, 65535>},
      {"pictures.fetch", "AXLE_PICTURES_FETCH", "--pictures-fetch", "WHICH",
       "may requests name pictures by http address? off, public (no address of a private network) "
       "or any",
       false, set_choice<&Config::pictures_fetch, kFetches>},
      {"queue.waiting", "AXLE_QUEUE_WAITING", "--queue-waiting", "COUNT",
       "requests that may wait beside those that run; more are answered 429", false,
       set_number<&Config::queue_limit, 1, kMaxCount>},
      {"queue.running", "AXLE_QUEUE_RUNNING", "--queue-running", "COUNT",
       "requests on the card at a time", false, set_number<&Config::running_limit, 1, 4096>},
      {"log.level", "AXLE_LOG_LEVEL", "--log-level", "LEVEL",
       "trace, debug, info, warn, error or off", false, set_log_level},
      {"log.format", "AXLE_LOG_FORMAT", "--log-format", "FORMAT", "text or json", false,
       set_log_format},
      {"log.prompts", "AXLE_LOG_PROMPTS", "--log-prompts", "BOOL",
       "may prompts appear in the log? true or false", false, set_log_prompts}};
  return table;
}

Status apply_toml(std::string_view text, std::string_view name, Config& config) {
  const toml::parse_result parsed = toml::parse(text, name);
  if (parsed) return apply_table(parsed.table(), "", name, config);
  return invalid_argument(fmt::format("{}:{}: {}", name, parsed.error().source().begin.line,
                                      parsed.error().description()));
}

Result<Config> load_config(const std::filesystem::path& file, const FlagValues& flags) {
  Config config;
  const char* named = std::getenv("AXLE_CONFIG");
  if (!file.empty()) {
    AXLE_TRY(apply_file(file, config));
  } else if (named != nullptr && *named != '\0') {
    AXLE_TRY(apply_file(named, config));
  } else if (std::filesystem::exists(kDefaultFile)) {
    AXLE_TRY(apply_file(kDefaultFile, config));
  }
  AXLE_TRY(apply_environment(config));
  AXLE_TRY(apply_flags(flags, config));
  return config;
}

}  // namespace axle::app
