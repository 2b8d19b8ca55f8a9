#include "package/locate.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <map>
#include <set>
#include <string_view>
#include <utility>

#include "base/file.h"

namespace axle::package {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kLayerEnd = "_together.axmodel";
constexpr std::string_view kPostEnd = "_post.axmodel";
constexpr std::size_t kMaxConfigBytes = std::size_t{1} << 20;
constexpr std::size_t kMaxListed = 5;

bool is_file(const fs::path& path) {
  std::error_code error;
  return fs::is_regular_file(path, error);
}

// A layer file's name in parts.
struct LayerName {
  std::string prefix;  // "qwen3_p128"
  std::size_t index = 0;
};

std::optional<LayerName> parse_layer_name(std::string_view name) {
  if (!name.ends_with(kLayerEnd)) return std::nullopt;
  name.remove_suffix(kLayerEnd.size());
  const std::size_t at = name.rfind("_l");
  if (at == std::string_view::npos || at == 0) return std::nullopt;
  const std::string_view digits = name.substr(at + 2);
  LayerName layer{std::string(name.substr(0, at)), 0};
  const auto [end, error] =
      std::from_chars(digits.data(), digits.data() + digits.size(), layer.index);
  if (error != std::errc() || end != digits.data() + digits.size()) return std::nullopt;
  return layer;
}

// "qwen3" of "qwen3_p128": what stands before the last "_p<digits>".
std::string family_of(std::string_view prefix) {
  const std::size_t at = prefix.rfind("_p");
  if (at == std::string_view::npos) return std::string(prefix);
  const std::string_view digits = prefix.substr(at + 2);
  const bool number = !digits.empty() && std::all_of(digits.begin(), digits.end(),
                                                     [](char c) { return c >= '0' && c <= '9'; });
  return std::string(number ? prefix.substr(0, at) : prefix);
}

// "a, b, c and 12 more" for messages.
std::string some_of(const std::vector<std::string>& names) {
  const std::size_t shown = std::min(names.size(), kMaxListed);
  const std::vector<std::string> first(names.begin(),
                                       names.begin() + static_cast<std::ptrdiff_t>(shown));
  std::string text = fmt::to_string(fmt::join(first, ", "));
  if (names.size() > shown) text += fmt::format(" and {} more", names.size() - shown);
  return text;
}

Status check_present(const PackageFiles& files) {
  std::vector<std::string> missing;
  for (const fs::path& path : files.layers) {
    if (!is_file(path)) missing.push_back(path.filename().string());
  }
  if (!missing.empty()) {
    return not_found(fmt::format("{} of {} layer files are missing in {}: {}", missing.size(),
                                 files.layers.size(), files.folder.string(), some_of(missing)));
  }
  for (const auto& [path, what] :
       {std::pair{&files.post, "the head"}, std::pair{&files.embedding, "the embedding table"},
        std::pair{&files.tokenizer, "the tokenizer"}}) {
    if (!is_file(*path)) {
      return not_found(fmt::format("{} is missing: no file {}", what, path->string()));
    }
  }
  return {};
}

// A layer set of the older layouts: all files of one prefix in one folder.
struct LayerSet {
  fs::path folder;
  std::string prefix;
  std::set<std::size_t> indices;
};

// Errors: kNotFound  no layer at all; kCorrupt  several sets.
Result<LayerSet> find_layers(const fs::path& folder, const std::vector<fs::path>& files) {
  std::map<std::pair<fs::path, std::string>, std::set<std::size_t>> sets;
  for (const fs::path& file : files) {
    const std::optional<LayerName> layer = parse_layer_name(file.filename().string());
    if (layer) sets[{file.parent_path(), layer->prefix}].insert(layer->index);
  }
  if (sets.empty()) {
    return not_found(fmt::format(
        "{} is not a model package: it has neither a config.json of the vendor's runtime nor files "
        "named <model>_p<n>_l<i>_together.axmodel",
        folder.string()));
  }
  if (sets.size() > 1) {
    std::vector<std::string> names;
    for (const auto& [key, indices] : sets) names.push_back((key.first / key.second).string());
    return corrupt(fmt::format("{} holds the layers of {} models, wanted one: {}", folder.string(),
                               sets.size(), some_of(names)));
  }
  const auto& [key, indices] = *sets.begin();
  return LayerSet{key.first, key.second, indices};
}

// The first file whose name passes `test`, else `expected`, the name that messages then show.
template <typename Test>
fs::path pick(const std::vector<fs::path>& files, Test test, fs::path expected) {
  const auto found = std::find_if(files.begin(), files.end(), [&test](const fs::path& file) {
    return test(file.filename().string());
  });
  return found == files.end() ? std::move(expected) : *found;
}

bool contains(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}

fs::path find_tokenizer(const fs::path& folder, const std::vector<fs::path>& files) {
  const fs::path text = pick(
      files,
      [](const std::string& name) { return contains(name, "tokenizer") && name.ends_with(".txt"); },
      folder / "tokenizer.json");
  return pick(
      files, [](const std::string& name) { return name == "tokenizer.json"; }, text);
}

PackageFiles files_of_config(const fs::path& folder, const VendorConfig& config) {
  PackageFiles files;
  for (std::size_t i = 0; i < config.layer_count; ++i) {
    files.layers.push_back(folder / layer_file_name(config.layer_template, i));
  }
  const std::string first = files.layers[0].filename().string();
  const std::optional<LayerName> layer = parse_layer_name(first);
  if (layer) files.family = family_of(layer->prefix);
  files.post = folder / config.post_file;
  files.embedding = folder / config.embedding_file;
  std::error_code error;
  const fs::path named = folder / config.tokenizer_file;
  if (config.tokenizer_file.empty()) {
    files.tokenizer = find_tokenizer(folder, list_files(folder, 1));
  } else if (fs::is_directory(named, error)) {
    files.tokenizer = named / "tokenizer.json";
  } else {
    files.tokenizer = named;
  }
  return files;
}

Result<PackageFiles> files_by_name(const fs::path& folder) {
  const std::vector<fs::path> all = list_files(folder, 1);
  AXLE_TRY_ASSIGN(const LayerSet set, find_layers(folder, all));
  PackageFiles files;
  files.family = family_of(set.prefix);
  const std::size_t last = *set.indices.rbegin();
  if (last >= set.indices.size() * 2 + 64) {
    return corrupt(fmt::format("{} has {} layer files but one is number {}", folder.string(),
                               set.indices.size(), last));
  }
  for (std::size_t i = 0; i <= last; ++i) {
    files.layers.push_back(set.folder / fmt::format("{}_l{}{}", set.prefix, i, kLayerEnd));
  }
  files.post = pick(
      all, [](const std::string& name) { return name.ends_with(kPostEnd); },
      set.folder / fmt::format("{}{}", files.family, kPostEnd));
  files.embedding = pick(
      all,
      [](const std::string& name) {
        return contains(name, "embed_tokens") && contains(name, "bfloat16") &&
               name.ends_with(".bin");
      },
      set.folder / "model.embed_tokens.weight.bfloat16.bin");
  files.tokenizer = find_tokenizer(folder, all);
  return files;
}

// The vendor's config of the folder, if it has one.
Result<std::optional<VendorConfig>> read_config(const fs::path& folder) {
  const fs::path path = folder / "config.json";
  if (!is_file(path)) return std::optional<VendorConfig>();
  AXLE_TRY_ASSIGN(const std::string text, read_file(path, kMaxConfigBytes));
  Result<std::optional<VendorConfig>> config = parse_vendor_config(text);
  if (!config.ok()) return config.status().with_context(path.string());
  return config;
}

}  // namespace

std::uint64_t size_of(const fs::path& path) {
  std::error_code error;
  const std::uintmax_t size = fs::file_size(path, error);
  return error ? 0 : size;
}

std::vector<fs::path> list_files(const fs::path& folder, int depth) {
  std::vector<fs::path> files;
  std::error_code error;
  fs::directory_iterator entry(folder, error);
  for (; !error && entry != fs::directory_iterator(); entry.increment(error)) {
    std::error_code ignored;
    if (entry->is_regular_file(ignored)) {
      files.push_back(entry->path());
    } else if (depth > 0 && entry->is_directory(ignored)) {
      const std::vector<fs::path> below = list_files(entry->path(), depth - 1);
      files.insert(files.end(), below.begin(), below.end());
    }
  }
  std::sort(files.begin(), files.end());
  return files;
}

bool looks_like_package(const fs::path& folder) {
  const std::vector<fs::path> files = list_files(folder, 0);
  return std::any_of(files.begin(), files.end(), [](const fs::path& file) {
    return file.filename() == "config.json" || file.extension() == ".axmodel";
  });
}

Result<PackageFiles> locate_package(const fs::path& folder) {
  std::error_code error;
  const fs::file_status status = fs::status(folder, error);
  if (status.type() == fs::file_type::not_found) {
    return not_found(fmt::format("no such folder: {}", folder.string()));
  }
  if (!fs::is_directory(status)) {
    return invalid_argument(fmt::format("{} is not a folder", folder.string()));
  }
  fs::path absolute = fs::absolute(folder, error).lexically_normal();
  if (!absolute.has_filename()) absolute = absolute.parent_path();  // "name/"
  AXLE_TRY_ASSIGN(const std::optional<VendorConfig> config, read_config(absolute));
  PackageFiles files;
  if (config) {
    files = files_of_config(absolute, *config);
  } else {
    AXLE_TRY_ASSIGN(files, files_by_name(absolute));
  }
  files.config = config;
  files.folder = absolute;
  AXLE_TRY(check_present(files));
  return files;
}

}  // namespace axle::package
