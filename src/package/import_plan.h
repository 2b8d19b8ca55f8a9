#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "axmodel/layer.h"
#include "base/result.h"
#include "package/config.h"
#include "package/gguf.h"
#include "package/import.h"

// What an import will write, decided before anything is written. Not part of the room's interface.
namespace axle::package {

struct PlannedWeight {
  const GgufTensor* tensor = nullptr;
  std::string name;                 // In the engine.
  std::vector<std::int64_t> shape;  // In the engine.
  const GgmlFormat* format = nullptr;
  std::uint64_t target_bytes() const;
};

struct ImportPlan {
  axmodel::LayerSpec layer;
  axmodel::HeadSpec head;
  std::vector<std::vector<PlannedWeight>> layers;
  std::vector<PlannedWeight> head_weights;
  const GgufTensor* embedding = nullptr;
  const GgufTensor* rope_factors = nullptr;  // Still to be read into `layer`; may be null.
  std::vector<axmodel::Group> groups;        // Of every layer.
  std::vector<axmodel::Group> head_groups;
  std::size_t cells = 0;
  std::size_t chunk = 0;
  std::vector<std::size_t> ladder;
  TextConfig text;
  std::string tokenizer_json;
  std::string options;  // For ImportRecord.
  std::vector<std::string> notes;

  std::string layer_template() const;
  std::string post_file() const;
  // Bytes of engines and embedding on the disk, about; and of tensors read to make them.
  std::uint64_t output_bytes() const;
  std::uint64_t input_bytes() const;
};

// Errors: kInvalidArgument  numbers of cells, rows, threads or groups out of their range (which).
Status check_import_options(const ImportOptions& options);

// Decides. Pointers in the result point into `gguf`.
//
// Errors: as import_gguf() for options and everything that the file describes.
Result<ImportPlan> plan_import(const Gguf& gguf, const ImportOptions& options);

// The text side: tokenizer, template, end tokens. `vocab_size` is the number of logits.
Status plan_text(const Gguf& gguf, std::size_t vocab_size, ImportPlan& plan);

}  // namespace axle::package
