#pragma once

#include <cstddef>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "axmodel/layer.h"
#include "base/result.h"
#include "package/import.h"

namespace axle::package {

// All sizes of a model, without its weights.
struct ModelShape {
  std::string name;
  axmodel::LayerSpec layer;
  std::size_t layers = 0;
  std::size_t vocab = 0;
  std::size_t cells = 0;            // T.
  std::size_t chunk = 0;            // n: rows of a prefill chunk.
  std::vector<std::size_t> ladder;  // Histories of the prefill groups, rising, each <= T.
};

// The shapes that axle knows: "qwen3-0.6b", "qwen3-1.7b", "qwen3-4b".
const std::vector<ModelShape>& model_shapes();

// Errors: kInvalidArgument  no such shape (the known names).
Result<ModelShape> find_model_shape(std::string_view name);

struct ShapeImportOptions {
  ModelShape shape;
  std::filesystem::path output;  // The folder that the package becomes; its parent must exist.
  std::string name;              // "model_name" of config.json; empty: the name of the folder.
  bool replace = false;          // An existing package is replaced instead of refused.
};

// Makes a package of true sizes without weights, for benchmarks on the software card with
// `skip_arithmetic`: the matrices are holes of the size that q8_0 takes, the head has one row as
// the vendor's, the embedding table is a hole, the tokenizer is made up (make_byte_vocabulary) with
// the ChatML template. On a disk whose file system knows holes it takes some MiB. All or nothing,
// as import_gguf().
//
// Errors: kInvalidArgument  sizes that cannot be (which); the folder exists already and holds
//                           something else.
//         kNotFound         no parent folder.
//         kExhausted        not enough space on the disk.
//         kUnavailable      another import of the same name is running; the disk fails.
Result<ImportReport> import_shape(const ShapeImportOptions& options);

}  // namespace axle::package
