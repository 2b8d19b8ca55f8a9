#include "app/source_rules.h"

#include <semaphore>

#include "http/fetch.h"

namespace axle::app {
namespace {

constexpr int kFetchesAtATime = 2;

std::counting_semaphore<kFetchesAtATime>& places() {
  static std::counting_semaphore<kFetchesAtATime> free(kFetchesAtATime);
  return free;
}

Result<std::string> fetch_in_turn(const std::string& url, const http::FetchOptions& options) {
  if (!places().try_acquire())
    return exhausted("other pictures are being fetched from their addresses; try again");
  Result<std::string> file = http::fetch(url, options);
  places().release();
  return file;
}

}  // namespace

pictures::SourceRules source_rules(const Config& config) {
  pictures::SourceRules rules;
  rules.limits.max_bytes = std::size_t{config.max_body_mib} << 20;
  if (config.pictures_fetch == "off") return rules;
  http::FetchOptions options;
  options.allow_private = config.pictures_fetch == "any";
  rules.fetch = [options](const std::string& url) { return fetch_in_turn(url, options); };
  return rules;
}

}  // namespace axle::app
