#include "app/model_choice.h"

#include <fmt/format.h>

#include <filesystem>
#include <string>
#include <utility>

#include "app/commands.h"
#include "base/log.h"
#include "package/picture_package.h"
#include "package/store.h"

namespace axle::app {
namespace {

Status load_model(const std::string& name, const std::filesystem::path& folder,
                  ModelChoice& choice) {
  if (package::looks_like_pictures(folder)) {
    AXLE_TRY_ASSIGN(auto pictures, pictures::ServedPictures::load(name, folder.string()));
    choice.pictures.push_back(std::move(pictures));
  } else {
    AXLE_TRY_ASSIGN(auto texts, api::ServedModel::load(name, folder.string()));
    choice.texts.push_back(std::move(texts));
  }
  choice.jobs.push_back({name, folder.string()});
  return {};
}

Status add_model(const std::string& name, const std::filesystem::path& folder, bool asked_for,
                 ModelChoice& choice) {
  const Status loaded = load_model(name, folder, choice);
  if (loaded.ok()) return {};
  const Status status = with_package_advice(loaded);
  if (asked_for) return status.with_context(fmt::format("model {}", name));
  AXLE_LOG_WARN("serve", "model {} is left out: {}", name, status.message());
  return {};
}

}  // namespace

std::string ModelChoice::names() const {
  std::string names;
  for (const jobs::LoadJob& job : jobs)
    names += fmt::format("{}\"{}\"", names.empty() ? "" : ", ", job.model);
  return names;
}

Result<ModelChoice> choose_models(const Config& config) {
  const package::Store store(models_folder(config));
  ModelChoice choice;
  for (const std::string& name : config.models) {
    AXLE_TRY_ASSIGN(const std::filesystem::path folder, store.find(name));
    AXLE_TRY(add_model(name, folder, true, choice));
  }
  std::size_t found = config.models.size();
  if (config.models.empty()) {
    AXLE_TRY_ASSIGN(const std::vector<package::StoreEntry> entries, store.list());
    found = entries.size();
    for (const package::StoreEntry& entry : entries) {
      AXLE_TRY(add_model(entry.name, entry.folder, false, choice));
    }
  }
  if (choice.jobs.empty() && found != 0) {
    return corrupt(fmt::format("none of the {} model(s) in {} can be used; the lines above say why",
                               found, store.folder().string()));
  }
  if (choice.jobs.empty()) {
    return not_found(
        fmt::format("no model to serve in {}; make one with: axle import FILE.gguf, or from an "
                    "SD 1.5 pipeline in ONNX with: axle import FOLDER",
                    store.folder().string()));
  }
  return choice;
}

}  // namespace axle::app
