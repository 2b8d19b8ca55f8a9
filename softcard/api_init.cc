#include <cstdarg>
#include <cstdio>
#include <string>

#include "softcard/runtime.h"

// Start and end, log, versions.

using namespace axle::softcard;

namespace {

constexpr std::int32_t kMajor = 3;
constexpr std::int32_t kMinor = 10;
constexpr std::int32_t kPatch = 2;
// The runtime whose behaviour this library has.
constexpr const char* kFullVersion = "V3.10.2_20251215140224";
constexpr const char* kSoftCardVersion = "0.1.0";

LogLevel to_level(std::int32_t level) {
  return level >= 0 && level <= 6 ? static_cast<LogLevel>(level) : LogLevel::kInfo;
}

}  // namespace

axclError axclInit(const char* config) {
  return guarded(kDeviceOpen, [&] { return Runtime::instance().start(config); });
}

axclError axclFinalize() {
  return guarded(kOk, [] { return Runtime::instance().stop(); });
}

axclError axclSetLogLevel(std::int32_t level) {
  set_log_level(to_level(level));
  return kOk;
}

void axclAppLog(std::int32_t level, const char* function, const char* /*file*/, std::uint32_t line,
                const char* format, ...) {
  if (format == nullptr || !log_wanted(to_level(level))) return;
  char text[1024];
  va_list arguments;
  va_start(arguments, format);
  const int length = std::vsnprintf(text, sizeof text, format, arguments);
  va_end(arguments);
  if (length < 0) return;
  guarded(kOk, [&] {
    write_log(to_level(level), {"app", function != nullptr ? function : "", static_cast<int>(line)},
              text);
    return kOk;
  });
}

axclError axclrtGetVersion(std::int32_t* major, std::int32_t* minor, std::int32_t* patch) {
  if (major != nullptr) *major = kMajor;
  if (minor != nullptr) *minor = kMinor;
  if (patch != nullptr) *patch = kPatch;
  return kOk;
}

const char* axclrtGetFullVersion() { return kFullVersion; }

const char* axclrtGetSocName() {
  const char* name = "UNKNOWN";
  guarded(kOk, [&name] {
    if (!Runtime::instance().cards().empty()) name = "AX650N";
    return kOk;
  });
  return name;
}

const char* axle_softcard_version() { return kSoftCardVersion; }
