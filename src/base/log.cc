#include "base/log.h"

#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/spdlog.h>

#include <array>
#include <atomic>
#include <memory>
#include <utility>

namespace axle {
namespace {

constexpr std::array<std::pair<std::string_view, LogLevel>, 6> kLevels{{{"trace", LogLevel::kTrace},
                                                                        {"debug", LogLevel::kDebug},
                                                                        {"info", LogLevel::kInfo},
                                                                        {"warn", LogLevel::kWarn},
                                                                        {"error", LogLevel::kError},
                                                                        {"off", LogLevel::kOff}}};

std::atomic<LogLevel> g_level{LogLevel::kInfo};
std::atomic<LogFormat> g_format{LogFormat::kText};
std::atomic<bool> g_prompts{false};

// One process, one log: spdlog keeps the sink, this keeps the process name beside it.
struct Log {
  std::shared_ptr<spdlog::logger> logger;  // spdlog hands loggers out as shared_ptr.
  std::string process;
};

Log& the_log() {
  // Leaked on purpose: threads may log while the process ends.
  static Log* log = new Log{spdlog::stderr_color_mt("axle"), {}};
  return *log;
}

spdlog::level::level_enum to_spdlog(LogLevel level) {
  switch (level) {
    case LogLevel::kTrace:
      return spdlog::level::trace;
    case LogLevel::kDebug:
      return spdlog::level::debug;
    case LogLevel::kInfo:
      return spdlog::level::info;
    case LogLevel::kWarn:
      return spdlog::level::warn;
    case LogLevel::kError:
      return spdlog::level::err;
    case LogLevel::kOff:
      return spdlog::level::off;
  }
  return spdlog::level::info;
}

// A JSON string literal of `text`; bytes above 0x7f pass as they are.
std::string json_string(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (byte < 0x20) {
      out += fmt::format("\\u{:04x}", byte);
    } else {
      out += c;
    }
  }
  return out + "\"";
}

}  // namespace

Status parse_log_level(std::string_view name, LogLevel& level) {
  for (const auto& [known, value] : kLevels) {
    if (known == name) {
      level = value;
      return {};
    }
  }
  return invalid_argument(
      fmt::format("unknown log level \"{}\"; use trace, debug, info, warn, error or off", name));
}

void init_logging(const LogOptions& options) {
  g_level = options.level;
  g_format = options.format;
  g_prompts = options.prompts;
  Log& log = the_log();
  log.process = options.process;
  log.logger->set_level(spdlog::level::trace);
  log.logger->flush_on(spdlog::level::trace);
  const std::string process = options.process.empty() ? "" : " [" + options.process + "]";
  log.logger->set_pattern(options.format == LogFormat::kJson
                              ? "%v"
                              : "%Y-%m-%d %H:%M:%S.%e %^%-5!l%$" + process + " %v");
}

bool log_enabled(LogLevel level) { return level >= g_level.load(std::memory_order_relaxed); }

bool log_prompts() { return g_prompts.load(std::memory_order_relaxed); }

void log_line(LogLevel level, std::string_view room, std::string_view text) {
  Log& log = the_log();
  if (g_format.load(std::memory_order_relaxed) == LogFormat::kText) {
    log.logger->log(to_spdlog(level), "{}: {}", room, text);
    return;
  }
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(now).count();
  const auto level_name = kLevels.at(static_cast<std::size_t>(level)).first;
  log.logger->log(
      to_spdlog(level), R"({{"time":{}.{:03},"level":"{}","process":{},"room":"{}","text":{}}})",
      ms / 1000, ms % 1000, level_name, json_string(log.process), room, json_string(text));
}

}  // namespace axle
