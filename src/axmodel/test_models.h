#pragma once

#include <filesystem>
#include <map>
#include <random>
#include <string>
#include <vector>

#include "axmodel/layer.h"
#include "base/file.h"

// A small complete layer for tests, with the storage of its weights.
namespace axle::axmodel::testing {

inline LayerSpec small_spec() {
  LayerSpec spec;
  spec.architecture = "llama";
  spec.hidden = 64;
  spec.heads = 4;
  spec.kv_heads = 2;
  spec.head_dim = 16;
  spec.ffn = 96;
  spec.rms_eps = 1e-5f;
  spec.rope_theta = 100000.0f;
  spec.max_position = 128;
  return spec;
}

struct OwnedModel {
  Model model;
  std::map<std::string, std::vector<std::byte>> storage;

  void add_weight(const std::string& name, const std::string& format,
                  std::vector<std::int64_t> shape) {
    std::vector<std::byte>& data = storage[name];
    data.resize(*weight_bytes(format, shape));
    std::minstd_rand random(static_cast<std::uint32_t>(data.size()));
    for (std::byte& value : data) value = static_cast<std::byte>(random() >> 8);
    model.weights.push_back({name, format, std::move(shape), data});
  }
};

inline OwnedModel small_layer(const LayerSpec& spec = small_spec()) {
  OwnedModel owned;
  owned.model = layer_model(spec);
  owned.model.producer_version = "0.1.0";
  owned.model.groups = {layer_group(spec, 1, 31), layer_group(spec, 8, 0),
                        layer_group(spec, 8, 16)};
  for (const WeightSpec& weight : layer_weights(spec)) {
    owned.add_weight(weight.name, weight.shape.size() == 1 ? "f32" : "q8_0", weight.shape);
  }
  return owned;
}

// A folder of its own below the system's temporary folder, removed at the end.
class TemporaryFolder {
 public:
  TemporaryFolder() {
    std::string pattern = (std::filesystem::temp_directory_path() / "axmodel-XXXXXX").string();
    path_ = ::mkdtemp(pattern.data());
  }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  ~TemporaryFolder() { std::filesystem::remove_all(path_); }
  std::filesystem::path file(const std::string& name) const { return path_ / name; }
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

}  // namespace axle::axmodel::testing
