#include "softcard/host_config.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json.hpp>
#include <boost/json/src.hpp>
#include <charconv>
#include <filesystem>
#include <new>

#include "base/file.h"

namespace axle::softcard {
namespace {

namespace json = boost::json;

constexpr std::uint64_t kSmallestDmaBuffer = 0x100000;

Status read_host_log(const json::object& root, HostConfig& config) {
  const json::value* log = root.if_contains("log");
  if (log == nullptr) return {};
  if (!log->is_object()) return invalid_argument("\"log\" must be an object");
  const json::value* host = log->get_object().if_contains("host");
  if (host == nullptr) return {};
  if (!host->is_object()) return invalid_argument("\"log\".\"host\" must be an object");
  if (const json::value* path = host->get_object().if_contains("path")) {
    if (!path->is_string()) return invalid_argument("\"path\" of the host log must be a text");
    config.log_path = std::string(path->get_string());
  }
  if (const json::value* level = host->get_object().if_contains("level")) {
    if (!level->is_int64()) return invalid_argument("\"level\" of the host log must be a number");
    config.log_level =
        static_cast<std::int32_t>(std::clamp<std::int64_t>(level->get_int64(), 0, 6));
  }
  return {};
}

Status read_dma_buffer(const json::object& root, HostConfig& config) {
  const json::value* size = root.if_contains("dma buf size");
  if (size == nullptr) return {};
  if (!size->is_string()) return invalid_argument("\"dma buf size\" must be a text, e.g. 0x400000");
  std::string_view digits = size->get_string();
  int base = 10;
  if (digits.substr(0, 2) == "0x") {
    digits.remove_prefix(2);
    base = 16;
  }
  std::uint64_t value = 0;
  const auto [end, error] =
      std::from_chars(digits.data(), digits.data() + digits.size(), value, base);
  if (digits.empty() || error != std::errc() || end != digits.data() + digits.size()) {
    return invalid_argument("\"dma buf size\" must be a number in a text, e.g. \"0x400000\"");
  }
  config.dma_buffer_bytes = std::max(value, kSmallestDmaBuffer);
  return {};
}

}  // namespace

Result<HostConfig> parse_host_config(std::string_view text) {
  json::error_code error;
  const json::value root = json::parse({text.data(), text.size()}, error);
  if (error) return invalid_argument(fmt::format("not JSON: {}", error.message()));
  if (!root.is_object()) return invalid_argument("the outermost value must be an object");
  HostConfig config;
  AXLE_TRY(read_host_log(root.get_object(), config));
  AXLE_TRY(read_dma_buffer(root.get_object(), config));
  return config;
}

Result<HostConfig> load_host_config(const char* path) {
  std::error_code ignored;
  if (path == nullptr || *path == '\0' || !std::filesystem::exists(path, ignored)) {
    return HostConfig{};
  }
  AXLE_TRY_ASSIGN(const std::string text, read_file(path, std::size_t{1} << 20));
  Result<HostConfig> config = parse_host_config(text);
  if (!config.ok()) return config.status().with_context(path);
  return config;
}

}  // namespace axle::softcard
