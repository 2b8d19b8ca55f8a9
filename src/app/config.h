#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/log.h"
#include "base/result.h"

namespace axle::app {

// Everything an operator can set, with its default. One table (settings()) ties each member to its
// key in the configuration file, its environment variable and its flag.
struct Config {
  std::string address = "127.0.0.1";
  std::uint16_t port = 8000;
  std::vector<std::string> api_keys;
  std::vector<std::string> cors_origins = {"*"};
  std::uint32_t max_body_mib = 64;
  std::uint32_t max_connections = 10'000;
  std::uint32_t ping_interval_s = 15;

  std::filesystem::path models_folder;  // Empty: Store::default_folder().
  std::vector<std::string> models;      // Names of packages to load; empty: all in the folder.

  std::string library = "auto";    // "auto", "vendor", "softcard" or a path.
  std::filesystem::path softcard;  // Empty: the one that was built or installed with this program.
  std::optional<std::int32_t> device;          // PCIe bus number; absent: the first card.
  std::string axcl_config;                     // Path of the vendor's axcl.json.
  std::string smi = "/usr/bin/axcl/axcl-smi";  // Restarts a hung card; empty: never.

  std::uint32_t kv_banks = 4;
  std::uint32_t host_cache_mib = 512;
  std::string llm_order = "auto";   // "auto", "chained" or "vendor".
  std::string llm_probe = "auto";   // "auto", "always" or "off".
  std::filesystem::path llm_cache;  // Empty: cache_folder() decides.

  // Of Automatic1111's interface; 0: none. Absent: the usual one, 7860, where it is free.
  std::optional<std::uint16_t> pictures_port;
  std::string pictures_fetch = "off";  // "off", "public" or "any": pictures from http addresses.

  std::uint32_t queue_limit = 256;
  std::uint32_t running_limit = 32;

  LogLevel log_level = LogLevel::kInfo;
  LogFormat log_format = LogFormat::kText;
  bool log_prompts = false;

  friend bool operator==(const Config&, const Config&) = default;
};

// One thing that can be set, in three places.
struct Setting {
  std::string_view key;    // In the file: "server.port".
  std::string_view env;    // "AXLE_PORT".
  std::string_view flag;   // "--port".
  std::string_view value;  // What its help calls the value: "PORT".
  std::string_view help;
  bool list = false;  // May be given several times, or separated by commas in the environment.
  // Reads the values (one, unless `list`). Errors: kInvalidArgument with what is allowed.
  Status (*set)(Config& config, const std::vector<std::string>& values);
};
const std::vector<Setting>& settings();

// Values of flags as the command line gave them: flag -> values.
using FlagValues = std::map<std::string, std::vector<std::string>, std::less<>>;

// Defaults, then the file, then the environment, then the flags: the later one wins.
// `file` empty: $AXLE_CONFIG, else /etc/axle/axle.toml if it is there, else none.
//
// Errors: kNotFound         a file that was named is not there.
//         kInvalidArgument  a value that cannot be (where it was set, what is allowed), an unknown
//         key or
//                           broken TOML (with the line).
Result<Config> load_config(const std::filesystem::path& file, const FlagValues& flags);

// The same for a text of TOML alone, over `config`; `name` is for error texts.
Status apply_toml(std::string_view text, std::string_view name, Config& config);

}  // namespace axle::app
