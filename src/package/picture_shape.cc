#include <fmt/format.h>

#include <cmath>
#include <utility>
#include <vector>

#include "axmodel/model.h"
#include "base/file.h"
#include "package/import_output.h"
#include "package/lcm_schedule.h"
#include "package/npy.h"
#include "package/package.h"
#include "package/picture_config.h"
#include "package/picture_import.h"
#include "package/picture_package.h"
#include "package/staging.h"
#include "text/clip_vocabulary.h"
#include "text/utf8.h"

namespace axle::package {
namespace {

namespace fs = std::filesystem;
using axmodel::DataType;
using axmodel::TensorInfo;

constexpr std::size_t kSide = 512;
constexpr std::size_t kTimeWidth = 1280;
constexpr std::int64_t kWeightRow = 1000;

// One engine of SD 1.5 for 512x512. Source of the weights: OnnxStream's README (123 M, 854 M and
// 49 M); the encoder's 34 M are those of the VAE without its decoder (diffusers, AutoencoderKL).
// Source of the times: AXERA-TECH/axcl-pi5-examples, a card on a Raspberry Pi 5.
struct EngineShape {
  const char* name;
  std::vector<TensorInfo> inputs;
  TensorInfo output;
  std::int64_t million_weights;
  const char* milliseconds;
};

std::vector<EngineShape> engine_shapes() {
  const std::vector<std::int64_t> latents = {1, 4, 64, 64};
  const std::vector<std::int64_t> picture = {1, 3, 512, 512};
  const TensorInfo text = {"encoder_hidden_states", DataType::kFloat, {1, 77, 768}};
  return {
      {"text_encoder",
       {{"input_ids", DataType::kInt32, {1, 77}}},
       {"last_hidden_state", DataType::kFloat, {1, 77, 768}},
       123,
       "9.8"},
      {"unet",
       {{"sample", DataType::kFloat, latents},
        {"time_row", DataType::kFloat, {1, kTimeWidth}},
        text},
       {"noise_pred", DataType::kFloat, latents},
       854,
       "434"},
      {"vae_decoder",
       {{"x", DataType::kFloat, latents}},
       {"image", DataType::kFloat, picture},
       49,
       "914"},
      {"vae_encoder",
       {{"image_sample", DataType::kFloat, picture}},
       {"latent_sample", DataType::kFloat, {1, 8, 64, 64}},
       34,
       "459"},
  };
}

Status write_engine(const EngineShape& shape, const fs::path& folder) {
  axmodel::Model model;
  model.producer = axmodel::kProducer;
  model.graph_name = shape.name;
  model.op_domain = axmodel::kDomain;
  model.op_type = "Shape";
  model.groups = {{.inputs = shape.inputs, .outputs = {shape.output}}};
  model.weights.push_back(
      {"weights", "f16", {shape.million_weights * 1000000 / kWeightRow, kWeightRow}, {}});
  model.metadata["axle.fixed_ms"] = shape.milliseconds;
  return axmodel::write_without_weights(model, folder / fmt::format("{}.axmodel", shape.name));
}

// Rows that differ, where true ones would say nothing.
std::string made_up_rows(const std::vector<int>& steps) {
  NpyTable table{.rows = steps.size(), .columns = kTimeWidth, .numbers = {}};
  for (const int step : steps) {
    for (std::size_t i = 0; i < kTimeWidth; ++i) {
      table.numbers.push_back(std::cos(static_cast<float>(step) * static_cast<float>(i)));
    }
  }
  return npy_file(table);
}

Status write_files(const std::string& name, const std::vector<int>& steps, const fs::path& folder) {
  for (const EngineShape& shape : engine_shapes()) AXLE_TRY(write_engine(shape, folder));
  AXLE_TRY(write_file_atomically(folder / "time_rows.npy", made_up_rows(steps)));
  const text::ClipFiles tokenizer = text::clip_files({});
  AXLE_TRY(write_file_atomically(folder / "vocab.json", tokenizer.vocabulary));
  AXLE_TRY(write_file_atomically(folder / "merges.txt", tokenizer.merges));
  return write_file_atomically(folder / kPictureConfigFile,
                               to_json({.model_name = name, .time_steps = steps}));
}

}  // namespace

Result<PictureImportReport> import_picture_shape(const PictureImportOptions& options) {
  PictureImportReport report;
  report.folder = clean_output_path(options.output);
  const std::string name = options.name.empty() ? report.folder.filename().string() : options.name;
  if (text::find_invalid_utf8(name)) return invalid_argument("the name is not UTF-8");
  report.width = kSide;
  report.height = kSide;
  report.time_steps = lcm_timesteps(4);
  report.notes.emplace_back(kNoWeightsNote);
  ImportRecord record;
  record.options = fmt::format("shape=sd15 no weights name={}", name);
  record.source_sha256 = sha256_hex(std::as_bytes(std::span(record.options)));
  AXLE_TRY_ASSIGN(const Existing existing, look_at_output(report.folder, record, options.replace));
  report.already_there = existing == Existing::kSame;
  if (!report.already_there) {
    AXLE_TRY_ASSIGN(Staging staging, Staging::create(report.folder));
    AXLE_TRY(write_files(name, report.time_steps, staging.folder()));
    AXLE_TRY_ASSIGN(record.files, record_files(staging.folder(), Recorded::kTexts));
    AXLE_TRY(write_file_atomically(staging.folder() / kRecordFile, to_json(record)));
    AXLE_TRY(PicturePackage::open(staging.folder()).status());
    AXLE_TRY(staging.publish());
  }
  report.bytes_after = folder_bytes(report.folder);
  return report;
}

}  // namespace axle::package
