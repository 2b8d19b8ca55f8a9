#include "package/store.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <cstdlib>
#include <system_error>
#include <utility>

#include "package/locate.h"
#include "package/picture_package.h"

namespace axle::package {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kLatest = ":latest";
constexpr int kMaxDepth = 2;  // "name" and "owner/name".

std::string lower(std::string_view text) {
  std::string result(text);
  std::transform(result.begin(), result.end(), result.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return result;
}

std::string environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

StoreEntry describe(const fs::path& folder, std::string name) {
  StoreEntry entry;
  entry.name = std::move(name);
  entry.folder = folder;
  entry.kind = kind_of_package(folder);
  for (const fs::path& file : list_files(folder, kMaxDepth)) {
    std::error_code error;
    const std::uintmax_t size = fs::file_size(file, error);
    if (!error) entry.size_bytes += size;
  }
  std::error_code error;
  entry.modified = fs::last_write_time(folder, error);
  return entry;
}

// Adds the packages in `folder`, whose own name is `prefix` ("" or "owner/").
Status collect(const fs::path& folder, const std::string& prefix, int depth,
               std::vector<StoreEntry>& entries) {
  std::error_code error;
  fs::directory_iterator entry(folder, error);
  for (; !error && entry != fs::directory_iterator(); entry.increment(error)) {
    std::error_code ignored;
    const std::string name = entry->path().filename().string();
    if (name.front() == '.' || !entry->is_directory(ignored)) continue;
    if (looks_like_package(entry->path()) || looks_like_pictures(entry->path())) {
      entries.push_back(describe(entry->path(), prefix + name));
    } else if (depth > 1) {
      // A folder that cannot be read holds no packages that could be used.
      static_cast<void>(collect(entry->path(), prefix + name + "/", depth - 1, entries));
    }
  }
  if (!error) return {};
  return unavailable(fmt::format("cannot read {}: {}", folder.string(), error.message()));
}

std::string names_of(const std::vector<const StoreEntry*>& entries) {
  std::vector<std::string_view> names;
  for (const StoreEntry* entry : entries) names.emplace_back(entry->name);
  return fmt::to_string(fmt::join(names, ", "));
}

template <typename Test>
std::vector<const StoreEntry*> matches(const std::vector<StoreEntry>& entries, Test test) {
  std::vector<const StoreEntry*> found;
  for (const StoreEntry& entry : entries) {
    if (test(entry)) found.push_back(&entry);
  }
  return found;
}

}  // namespace

PackageKind kind_of_package(const fs::path& folder) {
  return looks_like_pictures(folder) ? PackageKind::kPictures : PackageKind::kText;
}

Store::Store(fs::path folder) : folder_(std::move(folder)) {}

fs::path Store::default_folder() {
  if (const std::string models = environment("AXLE_MODELS"); !models.empty()) return models;
  if (const std::string data = environment("XDG_DATA_HOME"); !data.empty()) {
    return fs::path(data) / "axle" / "models";
  }
  if (const std::string home = environment("HOME"); !home.empty()) {
    return fs::path(home) / ".local" / "share" / "axle" / "models";
  }
  return "/var/lib/axle/models";
}

Result<std::vector<StoreEntry>> Store::list() const {
  std::vector<StoreEntry> entries;
  std::error_code error;
  const fs::file_status status = fs::status(folder_, error);
  if (status.type() == fs::file_type::not_found) return entries;
  if (error) {
    return unavailable(fmt::format("cannot read {}: {}", folder_.string(), error.message()));
  }
  if (!fs::is_directory(status)) {
    return invalid_argument(fmt::format("{} is not a folder", folder_.string()));
  }
  AXLE_TRY(collect(fs::absolute(folder_, error).lexically_normal(), "", kMaxDepth, entries));
  std::sort(entries.begin(), entries.end(),
            [](const StoreEntry& a, const StoreEntry& b) { return a.name < b.name; });
  return entries;
}

Result<fs::path> Store::find(std::string_view name) const {
  if (name.ends_with(kLatest)) name.remove_suffix(kLatest.size());
  if (name.empty()) return invalid_argument("the name of the model is empty");
  AXLE_TRY_ASSIGN(const std::vector<StoreEntry> entries, list());
  const std::string wanted = lower(name);
  auto found = matches(entries, [name](const StoreEntry& entry) { return entry.name == name; });
  if (found.empty()) {
    found = matches(entries, [&](const StoreEntry& entry) { return lower(entry.name) == wanted; });
  }
  if (found.empty()) {
    found = matches(entries,
                    [&](const StoreEntry& entry) { return lower(entry.name).starts_with(wanted); });
  }
  if (found.size() == 1) return found[0]->folder;
  if (found.size() > 1) {
    return invalid_argument(fmt::format("'{}' may mean several models: {}", name, names_of(found)));
  }
  const auto all = matches(entries, [](const StoreEntry&) { return true; });
  return not_found(fmt::format("no model '{}' in {}; there {}", name, folder_.string(),
                               all.empty() ? "is none" : "are: " + names_of(all)));
}

Status Store::remove(std::string_view name) const {
  AXLE_TRY_ASSIGN(const std::vector<StoreEntry> entries, list());
  const auto found =
      matches(entries, [name](const StoreEntry& entry) { return entry.name == name; });
  if (found.empty()) {
    return not_found(fmt::format("no model '{}' in {}", name, folder_.string()));
  }
  // Renamed first: nobody sees a package that lacks half of its files.
  const fs::path& folder = found[0]->folder;
  const fs::path doomed =
      folder.parent_path() / fmt::format(".{}-removed.importing", folder.filename().string());
  std::error_code error;
  fs::rename(folder, doomed, error);
  if (!error) fs::remove_all(doomed, error);
  if (!error) return {};
  return unavailable(fmt::format("cannot remove {}: {}", folder.string(), error.message()));
}

}  // namespace axle::package
