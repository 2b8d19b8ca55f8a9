#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "package/package.h"
#include "text/chat_template.h"
#include "text/tokenizer.h"

namespace axle::api {

// Seconds since 1970 at which a file was last changed; 0 when that cannot be told.
std::int64_t modified_at(const std::filesystem::path& path);

// What the front knows of a model that it serves: its words, not its weights.
//
// Threading: immutable; used by all request threads.
struct ServedModel {
  std::string name;          // The `model` of requests.
  std::int64_t created = 0;  // Unix seconds; stable over restarts: the package's own age.
  package::Package package;
  text::Tokenizer tokenizer;
  text::ChatTemplate chat_template;
  std::int32_t context_tokens = 0;  // Prompt and answer together.
  bool thinks = false;              // Its template knows thoughts ("</think>").
  bool thinking_switch = false;     // Its template can turn them on and off ("enable_thinking").

  // Reads tokenizer and template of the package in `folder`.
  // Errors: those of Package::open and load_tokenizer; kUnsupported  the package has no chat
  // template.
  static Result<std::shared_ptr<const ServedModel>> load(const std::string& name,
                                                         const std::string& folder);
};

// The served models by name. shared_ptr: a request keeps its model while it runs.
//
// Threading: immutable after construction.
class ModelRegistry {
 public:
  explicit ModelRegistry(std::vector<std::shared_ptr<const ServedModel>> models);

  // The model that a request means: its exact name, "name:latest", or, when the request names none,
  // the only one there is. Null when there is no such model.
  std::shared_ptr<const ServedModel> find(std::string_view name) const;
  const std::vector<std::shared_ptr<const ServedModel>>& all() const { return models_; }
  // "a", "b": for error texts.
  std::string known_names() const;

 private:
  std::vector<std::shared_ptr<const ServedModel>> models_;
};

}  // namespace axle::api
