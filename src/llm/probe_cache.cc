#include "llm/probe_cache.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json.hpp>
#include <cmath>
#include <cstdlib>
#include <limits>
#include <span>
#include <system_error>
#include <utility>

#include "base/file.h"
#include "base/log.h"
#include "card/card.h"

namespace axle::llm {
namespace {

namespace fs = std::filesystem;
namespace json = boost::json;

// Files of other numbers are of other versions of this program, and count as none.
constexpr std::int64_t kFormat = 1;
constexpr std::size_t kLimitBytes = std::size_t{1} << 20;
constexpr const char* kRecordEnding = ".json";
constexpr const char* kLossesEnding = ".losses.json";

// Size and time of last change; "-" where there is no such file.
std::string stamp_of(const fs::path& path) {
  std::error_code error;
  const auto size = fs::file_size(path, error);
  if (error) return "-";
  const auto time = fs::last_write_time(path, error).time_since_epoch();
  return fmt::format("{} {}", size, std::chrono::nanoseconds(time).count());
}

std::string text_of(const char* variable) {
  const char* value = std::getenv(variable);
  return value == nullptr ? "" : value;
}

std::string hash_of(std::string_view text) {
  return sha256_hex(std::as_bytes(std::span(text.data(), text.size())));
}

// What the software card is told to be (docs/softcard.md, "Environment").
std::string softcard_profile() {
  const std::string profile = text_of("AXLE_SOFTCARD");
  return fmt::format(", profile {}", hash_of(profile + "\n" + stamp_of(profile) + "\n" +
                                             text_of("AXLE_SOFTCARD_THREADS"))
                                         .substr(0, 16));
}

json::object to_json(const ProbeKey& key) {
  return {{"card", key.card},
          {"software", key.software},
          {"setup", key.setup},
          {"folder", key.folder},
          {"files", key.files}};
}

json::object to_json(const ProbeReport& report) {
  json::object points;
  for (std::size_t i = 0; i < kProbePoints; ++i) {
    const Finding& finding = report.findings[i];
    json::object entry{{"verdict", verdict_name(finding.verdict)}};
    // JSON has no infinity: no number stands for it.
    if (std::isfinite(finding.ulps)) entry["ulps"] = finding.ulps;
    points[point_name(static_cast<ProbePoint>(i))] = std::move(entry);
  }
  return points;
}

// The readers throw std::exception where something is not as it should be.

std::string text_at(const json::value& value, const char* name) {
  return json::value_to<std::string>(value.at(name));
}

ProbeKey key_from(const json::value& value) {
  return {text_at(value, "card"), text_at(value, "software"), text_at(value, "setup"),
          text_at(value, "folder"), text_at(value, "files")};
}

Finding finding_at(const json::value& points, std::string_view name) {
  const json::object& entry = points.at(name).as_object();
  const std::string verdict = json::value_to<std::string>(entry.at("verdict"));
  Finding finding;
  finding.ulps = entry.contains("ulps") ? entry.at("ulps").to_number<double>()
                                        : std::numeric_limits<double>::infinity();
  for (const Verdict it :
       {Verdict::kUntested, Verdict::kExact, Verdict::kClose, Verdict::kRefused}) {
    if (verdict_name(it) != verdict) continue;
    finding.verdict = it;
    return finding;
  }
  throw std::invalid_argument("no verdict: " + verdict);
}

ProbeRecord record_from(const json::value& value) {
  if (value.at("format").to_number<std::int64_t>() != kFormat) {
    throw std::invalid_argument("another format");
  }
  ProbeRecord record;
  record.key = key_from(value);
  for (std::size_t i = 0; i < kProbePoints; ++i) {
    record.report.findings[i] =
        finding_at(value.at("points"), point_name(static_cast<ProbePoint>(i)));
  }
  for (const json::value& cost : value.at("costs").as_array()) {
    record.costs.push_back({cost.at("group").to_number<std::size_t>(),
                            cost.at("rows").to_number<std::size_t>(),
                            std::chrono::nanoseconds(cost.at("ns").to_number<std::int64_t>())});
  }
  return record;
}

// Nothing for a file that is not there or cannot be used; the next probe replaces it.
template <typename Read>
auto read_json(const fs::path& path, const Read& read)
    -> std::optional<decltype(read(json::value()))> {
  const Result<std::string> text = read_file(path, kLimitBytes);
  if (!text.ok()) {
    if (text.status().code() != Code::kNotFound) {
      AXLE_LOG_WARN("llm", "{}: {}; the card is probed again", path.string(),
                    text.status().message());
    }
    return std::nullopt;
  }
  try {
    return read(json::parse(*text));
  } catch (const std::exception& error) {
    AXLE_LOG_WARN("llm", "{} is left aside ({}); the card is probed again", path.string(),
                  error.what());
    return std::nullopt;
  }
}

}  // namespace

std::string hash_of_files(const package::Package& package) {
  const package::PackageInfo& info = package.info();
  std::vector<fs::path> files = info.layers;
  files.push_back(info.post);
  files.push_back(info.embedding);
  std::string text;
  for (const fs::path& file : files) {
    text += fmt::format("{} {}\n", file.filename().string(), stamp_of(file));
  }
  return hash_of(text);
}

Result<ProbeKey> probe_key(card::Card& card, const package::Package& package) {
  const card::Library& library = card.library();
  ProbeKey key;
  key.card = library.soc_name();
  key.software = library.full_version();
  const Result<card::Readings> readings = card.readings();
  if (readings.status().code() == Code::kCardLost) return readings.status();
  if (readings.ok()) {
    key.card += fmt::format(" {:016x}", readings->uid);
    key.software += ", firmware " + readings->firmware_version;
  }
  key.setup = "library " + stamp_of(library.path());
  if (library.kind() == card::LibraryKind::kSoftCard) key.setup += softcard_profile();
  key.folder = package.info().folder.string();
  key.files = hash_of_files(package);
  return key;
}

fs::path ProbeCache::file_of(const ProbeKey& key, const char* ending) const {
  return folder_ /
         fmt::format("probe-{}{}", hash_of(key.card + "\n" + key.folder).substr(0, 16), ending);
}

std::optional<ProbeRecord> ProbeCache::find(const ProbeKey& key) const {
  if (folder_.empty()) return std::nullopt;
  std::optional<ProbeRecord> record = read_json(file_of(key, kRecordEnding), record_from);
  return record && record->key == key ? std::move(record) : std::nullopt;
}

Status ProbeCache::keep(const ProbeRecord& record) const {
  if (folder_.empty()) return {};
  std::error_code error;
  fs::create_directories(folder_, error);  // What is wrong, the writing tells.
  json::object value = to_json(record.key);
  value["format"] = kFormat;
  value["points"] = to_json(record.report);
  json::array costs;
  for (const CostSample& cost : record.costs) {
    costs.push_back({{"group", cost.group}, {"rows", cost.rows}, {"ns", cost.time.count()}});
  }
  value["costs"] = std::move(costs);
  return write_file_atomically(file_of(record.key, kRecordEnding), json::serialize(value));
}

std::vector<ProbeRecord> ProbeCache::of_files(const std::string& folder,
                                              const std::string& files) const {
  std::vector<ProbeRecord> records;
  std::error_code error;
  for (fs::directory_iterator it(folder_, error); !error && it != fs::directory_iterator();
       it.increment(error)) {
    const std::string name = it->path().filename().string();
    if (!name.starts_with("probe-") || !name.ends_with(kRecordEnding) ||
        name.ends_with(kLossesEnding)) {
      continue;
    }
    std::optional<ProbeRecord> record = read_json(it->path(), record_from);
    if (record && record->key.folder == folder && record->key.files == files) {
      records.push_back(*std::move(record));
    }
  }
  std::ranges::sort(records, {}, [](const ProbeRecord& record) { return record.key.card; });
  return records;
}

ProbeCache::Losses ProbeCache::losses(const ProbeKey& key) const {
  if (folder_.empty()) return {};
  const auto read = [&](const json::value& value) {
    Losses losses{};
    if (!(key_from(value) == key)) return losses;  // Other software may have mended it.
    for (std::size_t i = 0; i < kProbePoints; ++i) {
      losses[i] = value.at("losses").at(point_name(static_cast<ProbePoint>(i))).to_number<int>();
    }
    return losses;
  };
  return read_json(file_of(key, kLossesEnding), read).value_or(Losses{});
}

Status ProbeCache::keep_losses(const ProbeKey& key, const Losses& losses) const {
  if (folder_.empty()) return {};
  std::error_code error;
  const fs::path file = file_of(key, kLossesEnding);
  if (std::ranges::count(losses, 0) == static_cast<std::ptrdiff_t>(losses.size())) {
    fs::remove(file, error);
    return {};
  }
  fs::create_directories(folder_, error);
  json::object counts;
  for (std::size_t i = 0; i < kProbePoints; ++i) {
    counts[point_name(static_cast<ProbePoint>(i))] = losses[i];
  }
  json::object value = to_json(key);
  value["losses"] = std::move(counts);
  return write_file_atomically(file, json::serialize(value));
}

}  // namespace axle::llm
