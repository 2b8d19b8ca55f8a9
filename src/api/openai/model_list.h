#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "api/openai/served_model.h"
#include "pictures/served_pictures.h"

namespace axle::api {

// The models as GET /v1/models tells of them, language models first.
//
// Threading: immutable after construction.
class ModelList {
 public:
  ModelList(const ModelRegistry& chat,
            const std::vector<std::shared_ptr<const pictures::ServedPictures>>& pictures);

  // {"object":"list","data":[...]}
  std::string json() const;
  // One model by its name or "name:latest"; null where there is no such model.
  const std::string* find(std::string_view name) const;
  // Is it the name of a picture model?
  bool paints(std::string_view name) const;
  // "a", "b": all names, for error texts.
  std::string known_names() const;

 private:
  struct Entry {
    std::string name;
    std::string json;
    bool paints = false;
  };
  const Entry* entry(std::string_view name) const;

  std::vector<Entry> entries_;
};

}  // namespace axle::api
