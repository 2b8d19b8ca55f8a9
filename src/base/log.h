#pragma once

#include <fmt/format.h>

#include <string>
#include <string_view>

#include "base/status.h"

// Logging for people, JSON on request. Every line has a time, a level, a room and a text; prompts
// and generated text are never logged unless the operator asked (LogOptions::prompts).
//
//   AXLE_LOG_INFO("fleet", "card process {} started", pid);
//
// Threading: safe from any thread.
namespace axle {

enum class LogLevel : int { kTrace, kDebug, kInfo, kWarn, kError, kOff };
enum class LogFormat : int { kText, kJson };

struct LogOptions {
  LogLevel level = LogLevel::kInfo;
  LogFormat format = LogFormat::kText;
  std::string process;   // Shown in each line, e.g. "serve", "card 1"; empty: nothing.
  bool prompts = false;  // May prompts and answers appear in the log?
};

// "trace", "debug", "info", "warn", "error", "off". Errors: kInvalidArgument for other names.
Status parse_log_level(std::string_view name, LogLevel& level);

// Sets up standard error as the log of this process. Call once, early; without it the defaults
// hold.
void init_logging(const LogOptions& options);
bool log_enabled(LogLevel level);
// True when the operator allowed prompts in the log.
bool log_prompts();
void log_line(LogLevel level, std::string_view room, std::string_view text);

}  // namespace axle

#define AXLE_LOG(level, room, ...)                               \
  do {                                                           \
    if (::axle::log_enabled(level)) {                            \
      ::axle::log_line(level, room, ::fmt::format(__VA_ARGS__)); \
    }                                                            \
  } while (false)
#define AXLE_LOG_DEBUG(room, ...) AXLE_LOG(::axle::LogLevel::kDebug, room, __VA_ARGS__)
#define AXLE_LOG_INFO(room, ...) AXLE_LOG(::axle::LogLevel::kInfo, room, __VA_ARGS__)
#define AXLE_LOG_WARN(room, ...) AXLE_LOG(::axle::LogLevel::kWarn, room, __VA_ARGS__)
#define AXLE_LOG_ERROR(room, ...) AXLE_LOG(::axle::LogLevel::kError, room, __VA_ARGS__)
