#include "api/openai/served_model.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include <utility>

#include "package/tokenizer.h"

namespace axle::api {

std::int64_t modified_at(const std::filesystem::path& path) {
  struct stat info {};
  return ::stat(path.c_str(), &info) == 0 ? static_cast<std::int64_t>(info.st_mtime) : 0;
}

Result<std::shared_ptr<const ServedModel>> ServedModel::load(const std::string& name,
                                                             const std::string& folder) {
  AXLE_TRY_ASSIGN(package::Package package, package::Package::open(folder));
  if (package.chat_template().empty()) {
    return unsupported(
        fmt::format("model {}: the package has no chat template (tokenizer_config.json, "
                    "\"chat_template\"), so it cannot chat",
                    name));
  }
  AXLE_TRY_ASSIGN(text::Tokenizer tokenizer, package::load_tokenizer(package));
  AXLE_TRY_ASSIGN(text::ChatTemplate chat_template,
                  text::ChatTemplate::compile(package.chat_template()));
  const auto context = static_cast<std::int32_t>(std::min(package.cells(), package.max_position()));
  const bool thinks = package.chat_template().find("</think>") != std::string::npos;
  const bool thinking_switch = package.chat_template().find("enable_thinking") != std::string::npos;
  const std::int64_t created = modified_at(package.embedding_path());
  return std::shared_ptr<const ServedModel>(
      new ServedModel{name, created, std::move(package), std::move(tokenizer),
                      std::move(chat_template), context, thinks, thinking_switch});
}

ModelRegistry::ModelRegistry(std::vector<std::shared_ptr<const ServedModel>> models)
    : models_(std::move(models)) {}

std::shared_ptr<const ServedModel> ModelRegistry::find(std::string_view name) const {
  if (name.empty()) return models_.size() == 1 ? models_.front() : nullptr;
  for (const auto& model : models_) {
    if (model->name == name || model->name + ":latest" == name) return model;
  }
  return nullptr;
}

std::string ModelRegistry::known_names() const {
  std::string names;
  for (const auto& model : models_) {
    names += fmt::format("{}\"{}\"", names.empty() ? "" : ", ", model->name);
  }
  return names;
}

}  // namespace axle::api
