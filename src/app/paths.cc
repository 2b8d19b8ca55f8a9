#include <fmt/format.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <string_view>
#include <system_error>

#include "app/commands.h"
#include "package/store.h"

#ifndef AXLE_VERSION
#error "AXLE_VERSION is set by CMake"
#endif

namespace axle::app {

namespace fs = std::filesystem;

Status with_package_advice(const Status& status) {
  const bool broken = status.code() == Code::kCorrupt || status.code() == Code::kNotFound;
  if (!broken) return status;
  return {status.code(), status.message() + "; import or copy the model again",
          status.vendor_code()};
}

std::string version_number() { return AXLE_VERSION; }

std::string version_text() {
#if defined(__clang__)
  constexpr std::string_view compiler = "clang " __clang_version__;
#else
  constexpr std::string_view compiler = "g++ " __VERSION__;
#endif
  return fmt::format("axle {} ({})", version_number(), compiler);
}

fs::path own_executable() {
  std::error_code error;
  return fs::read_symlink("/proc/self/exe", error);
}

fs::path softcard_library(const Config& config) {
  if (!config.softcard.empty()) return fs::absolute(config.softcard);
  const fs::path folder = own_executable().parent_path();
  // Build tree: bin/axle and lib/libaxcl_rt.so. Installation: bin/axle and
  // <libdir>/axle/softcard/libaxcl_rt.so.
  for (const fs::path& candidate :
       {folder / "../lib/libaxcl_rt.so", folder / AXLE_SOFTCARD_FOLDER / "libaxcl_rt.so"}) {
    std::error_code error;
    const fs::path found = fs::canonical(candidate, error);
    if (!error) return found;
  }
  return {};
}

fs::path models_folder(const Config& config) {
  return fs::absolute(config.models_folder.empty() ? package::Store::default_folder()
                                                   : config.models_folder);
}

fs::path cache_folder(const Config& config) {
  if (!config.llm_cache.empty()) return fs::absolute(config.llm_cache);
  const auto is_set = [](const char* value) { return value != nullptr && *value != '\0'; };
  if (const char* cache = std::getenv("XDG_CACHE_HOME"); is_set(cache))
    return fs::path(cache) / "axle";
  if (const char* home = std::getenv("HOME"); is_set(home))
    return fs::path(home) / ".cache" / "axle";
  return "/var/cache/axle";
}

}  // namespace axle::app
