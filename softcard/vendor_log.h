#pragma once

#include <fmt/format.h>

#include <cstdint>
#include <string>
#include <string_view>

// The runtime's own log, in the vendor's form:
//   [2026-11-21 19:23:10.580][15145][E][device manager][init][60]: text
// Warnings and above go to standard output, everything at the set level to a file that is rotated.
// A log that cannot be written is no error: the lines are dropped.
//
// Threading: safe from any thread. Source: AXCL runtime V3.10.2 as observed.
namespace axle::softcard {

enum class LogLevel : std::int32_t { kTrace, kDebug, kInfo, kWarn, kError, kCritical, kOff };

struct LogSite {
  const char* module;
  const char* function;
  int line;
};

// Where the file log goes and how big its five files grow. Takes effect for the next line.
void set_log_file(const std::string& path, std::size_t rotate_bytes = std::size_t{5} << 20);
void set_log_level(LogLevel level);
// True when some sink would take a line of this level.
bool log_wanted(LogLevel level);
void write_log(LogLevel level, const LogSite& site, std::string_view text);

// "[time][thread][letter][module][function][line]: text" without the line break.
std::string format_log_line(LogLevel level, const LogSite& site, std::string_view text);

}  // namespace axle::softcard

#define SOFTCARD_LOG(level, module, ...)                                                           \
  do {                                                                                             \
    if (::axle::softcard::log_wanted(::axle::softcard::LogLevel::level)) {                         \
      ::axle::softcard::write_log(::axle::softcard::LogLevel::level, {module, __func__, __LINE__}, \
                                  ::fmt::format(__VA_ARGS__));                                     \
    }                                                                                              \
  } while (false)
