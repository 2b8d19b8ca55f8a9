#include "package/shape_import.h"

#include <fmt/format.h>

#include <algorithm>
#include <fstream>
#include <system_error>
#include <utility>

#include "axmodel/model.h"
#include "base/bf16.h"
#include "base/file.h"
#include "package/byte_vocabulary.h"
#include "package/config.h"
#include "package/import_output.h"
#include "package/import_plan.h"
#include "package/package.h"
#include "package/staging.h"
#include "package/text_parts.h"
#include "text/utf8.h"

namespace axle::package {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kQwen3Vocab = 151936;

// What the three models share. Source: config.json of Qwen/Qwen3-0.6B, -1.7B and -4B on
// huggingface.co (April 2025).
axmodel::LayerSpec qwen3_layer(std::int64_t hidden, std::int64_t heads, std::int64_t ffn) {
  axmodel::LayerSpec spec;
  spec.architecture = "qwen3";
  spec.hidden = hidden;
  spec.heads = heads;
  spec.kv_heads = 8;
  spec.head_dim = 128;
  spec.ffn = ffn;
  spec.rms_eps = 1e-6f;
  spec.rope_theta = 1e6f;
  spec.rope_kind = "neox";
  spec.max_position = 40960;
  return spec;
}

std::vector<std::size_t> steps(std::size_t step, std::size_t last) {
  std::vector<std::size_t> ladder;
  for (std::size_t history = 0; history <= last; history += step) ladder.push_back(history);
  return ladder;
}

// Sizes of the models as above; cells and ladders of the packages that the vendor published.
std::vector<ModelShape> make_shapes() {
  std::vector<ModelShape> shapes;
  // Source: the log of Qwen3-0.6B in Pulsar2's documentation, appendix "build_llm".
  shapes.push_back({.name = "qwen3-0.6b",
                    .layer = qwen3_layer(1024, 16, 3072),
                    .layers = 28,
                    .vocab = kQwen3Vocab,
                    .cells = 2559,
                    .chunk = 128,
                    .ladder = steps(512, 2048)});
  // Source: the flags of the package in m5stack/StackFlow. They name fewer cells (1023) than the
  // ladder reaches; here it has those of the 0.6B, whose ladder ends at the same history.
  shapes.push_back({.name = "qwen3-1.7b",
                    .layer = qwen3_layer(2048, 16, 6144),
                    .layers = 28,
                    .vocab = kQwen3Vocab,
                    .cells = 2559,
                    .chunk = 128,
                    .ladder = steps(128, 2048)});
  // Source: AXERA-TECH's Qwen3-VL-4B (C128 P1152 CTX2047), whose language model has the same
  // layers; the groups of the published Qwen3-4B are not written down anywhere.
  shapes.push_back({.name = "qwen3-4b",
                    .layer = qwen3_layer(2560, 32, 9728),
                    .layers = 36,
                    .vocab = kQwen3Vocab,
                    .cells = 2047,
                    .chunk = 128,
                    .ladder = steps(128, 1152)});
  return shapes;
}

// A file of zeros that takes no room.
Status make_hole(const fs::path& path, std::uint64_t bytes) {
  std::error_code error;
  if (!std::ofstream(path)) return unavailable(fmt::format("cannot create {}", path.string()));
  fs::resize_file(path, bytes, error);
  if (!error) return {};
  return unavailable(
      fmt::format("cannot make {} of {} bytes: {}", path.string(), bytes, error.message()));
}

std::string options_text(const ModelShape& shape, std::string_view name) {
  const axmodel::LayerSpec& layer = shape.layer;
  return fmt::format(
      "shape={} no weights, layers={} hidden={} heads={}/{}x{} ffn={} vocab={} cells={} chunk={} "
      "ladder={} name={}",
      shape.name, shape.layers, layer.hidden, layer.heads, layer.kv_heads, layer.head_dim,
      layer.ffn, shape.vocab, shape.cells, shape.chunk, fmt::join(shape.ladder, ","), name);
}

// Writes the files of a package without weights into `folder`.
class ShapeWriter {
 public:
  ShapeWriter(const ModelShape& shape, fs::path folder)
      : shape_(shape), folder_(std::move(folder)) {}

  Status write(const std::string& model_name) {
    AXLE_TRY(write_layers());
    AXLE_TRY(write_head());
    AXLE_TRY(make_hole(folder_ / kEmbeddingFile, shape_.vocab * hidden() * sizeof(Bf16)));
    AXLE_TRY(write_config(model_name));
    return write_texts();
  }

 private:
  std::size_t hidden() const { return static_cast<std::size_t>(shape_.layer.hidden); }
  std::string layer_template() const {
    return fmt::format("{}_p{}_l%d_together.axmodel", shape_.layer.architecture, shape_.chunk);
  }
  std::string post_file() const { return shape_.layer.architecture + "_post.axmodel"; }

  // Matrices in q8_0, vectors in float, as import_gguf() makes them.
  static void add_weights(const std::vector<axmodel::WeightSpec>& specs, axmodel::Model& model) {
    for (const axmodel::WeightSpec& spec : specs) {
      model.weights.push_back({spec.name, spec.shape.size() == 1 ? "f32" : "q8_0", spec.shape, {}});
    }
  }

  Status write_layers() {
    axmodel::Model model = axmodel::layer_model(shape_.layer);
    model.groups.push_back(
        axmodel::layer_group(shape_.layer, 1, static_cast<std::int64_t>(shape_.cells)));
    for (const std::size_t history : shape_.ladder) {
      model.groups.push_back(axmodel::layer_group(shape_.layer,
                                                  static_cast<std::int64_t>(shape_.chunk),
                                                  static_cast<std::int64_t>(history)));
    }
    add_weights(axmodel::layer_weights(shape_.layer), model);
    for (std::size_t i = 0; i < shape_.layers; ++i) {
      AXLE_TRY(
          axmodel::write_without_weights(model, folder_ / layer_file_name(layer_template(), i)));
    }
    return {};
  }

  Status write_head() {
    const axmodel::HeadSpec head{.hidden = shape_.layer.hidden,
                                 .vocab = static_cast<std::int64_t>(shape_.vocab),
                                 .rms_eps = shape_.layer.rms_eps};
    axmodel::Model model = axmodel::head_model(head);
    model.groups.push_back(axmodel::head_group(head));
    add_weights(axmodel::head_weights(head), model);
    return axmodel::write_without_weights(model, folder_ / post_file());
  }

  Status write_config(const std::string& model_name) {
    VendorConfig config;
    config.model_name = model_name;
    config.tokenizer_type = "HuggingFace";
    config.tokenizer_file = "tokenizer.json";
    config.layer_template = layer_template();
    config.layer_count = shape_.layers;
    config.post_file = post_file();
    config.embedding_file = kEmbeddingFile;
    config.vocab_size = shape_.vocab;
    config.hidden = hidden();
    config.no_weights = true;
    return write_file_atomically(folder_ / "config.json", vendor_config_json(config));
  }

  Status write_texts() {
    AXLE_TRY_ASSIGN(const text::Tokenizer tokenizer, make_byte_vocabulary(shape_.vocab));
    TextConfig text;
    text.chat_template = known_chat_template("qwen");  // ChatML.
    text.eos_text = "<|im_end|>";
    text.add_bos = false;
    text.end_tokens = end_tokens_by_name(tokenizer, text.eos_text);
    AXLE_TRY(write_file_atomically(folder_ / "tokenizer.json", tokenizer.to_json()));
    AXLE_TRY(write_file_atomically(folder_ / "tokenizer_config.json", tokenizer_config_json(text)));
    return write_file_atomically(folder_ / "generation_config.json", generation_config_json(text));
  }

  const ModelShape& shape_;
  fs::path folder_;
};

Status check_shape(const ShapeImportOptions& options, const std::string& name) {
  if (text::find_invalid_utf8(name)) return invalid_argument("the name is not UTF-8");
  const ModelShape& shape = options.shape;
  if (shape.layers == 0 || shape.ladder.empty()) {
    return invalid_argument("a shape needs layers and at least one history in its ladder");
  }
  ImportOptions sizes;
  sizes.cells = shape.cells;
  sizes.chunk = shape.chunk;
  sizes.ladder = shape.ladder;
  sizes.head_rows.clear();
  return check_import_options(sizes);
}

}  // namespace

const std::vector<ModelShape>& model_shapes() {
  static const std::vector<ModelShape> shapes = make_shapes();
  return shapes;
}

Result<ModelShape> find_model_shape(std::string_view name) {
  std::vector<std::string_view> names;
  for (const ModelShape& shape : model_shapes()) {
    if (shape.name == name) return shape;
    names.emplace_back(shape.name);
  }
  return invalid_argument(
      fmt::format("no shape is called \"{}\"; known are {}", name, fmt::join(names, ", ")));
}

Result<ImportReport> import_shape(const ShapeImportOptions& options) {
  const ModelShape& shape = options.shape;
  ImportReport report;
  report.folder = clean_output_path(options.output);
  const std::string name = options.name.empty() ? report.folder.filename().string() : options.name;
  AXLE_TRY(check_shape(options, name));
  ImportRecord record;
  record.options = options_text(shape, name);
  record.source_sha256 = sha256_hex(std::as_bytes(std::span(record.options)));
  report.source_sha256 = record.source_sha256;
  report.architecture = shape.layer.architecture;
  report.layers = shape.layers;
  report.cells = shape.cells;
  report.chunk = shape.chunk;
  report.ladder = shape.ladder;
  report.notes.emplace_back(kNoWeightsNote);
  AXLE_TRY_ASSIGN(const Existing existing, look_at_output(report.folder, record, options.replace));
  report.already_there = existing == Existing::kSame;
  if (!report.already_there) {
    AXLE_TRY_ASSIGN(Staging staging, Staging::create(report.folder));
    AXLE_TRY(ShapeWriter(shape, staging.folder()).write(name));
    AXLE_TRY_ASSIGN(record.files, record_files(staging.folder(), Recorded::kTexts));
    AXLE_TRY(write_file_atomically(staging.folder() / kRecordFile, to_json(record)));
    AXLE_TRY(Package::open(staging.folder()).status());
    AXLE_TRY(staging.publish());
  }
  report.bytes_after = folder_bytes(report.folder);
  return report;
}

}  // namespace axle::package
