#include "package/picture_import.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <system_error>
#include <utility>

#include "base/file.h"
#include "package/import_output.h"
#include "package/lcm_schedule.h"
#include "package/npy.h"
#include "package/picture_config.h"
#include "package/picture_graphs.h"
#include "package/picture_package.h"
#include "package/staging.h"
#include "text/utf8.h"

namespace axle::package {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kSizeStep = 64;  // The U-Net halves latents of 8 pixels three times.
constexpr std::size_t kLargestSize = 2048;
constexpr std::size_t kMaxConfigBytes = std::size_t{1} << 20;

// LCM is meant for 1 to 8 steps. Source: Luo et al. 2023.
constexpr std::int32_t kMostSteps = 8;

constexpr const char* kLcmNote =
    "the U-Net must be one for LCM sampling, for example with the LCM-LoRA fused: others give "
    "blurred pictures";

Status check_options(const PictureImportOptions& options, const std::string& name) {
  if (text::find_invalid_utf8(name)) return invalid_argument("the name is not UTF-8");
  for (const std::size_t side : {options.width, options.height}) {
    if (side >= kSizeStep && side <= kLargestSize && side % kSizeStep == 0) continue;
    return invalid_argument(
        fmt::format("a picture of {}x{}: both must be multiples of {}, at most "
                    "{}",
                    options.width, options.height, kSizeStep, kLargestSize));
  }
  return {};
}

// One import, step by step.
class Import {
 public:
  Import(const PictureImportOptions& options, PipelineFiles files, PictureGraphs graphs)
      : options_(options),
        files_(std::move(files)),
        graphs_(std::move(graphs)),
        output_(clean_output_path(options.output)) {}

  Result<PictureImportReport> run() {
    report_.folder = output_;
    report_.width = graphs_.width;
    report_.height = graphs_.height;
    report_.bytes_before = graphs_.size_bytes();
    AXLE_TRY(read_config());
    AXLE_TRY(read_steps());
    AXLE_TRY(identify());
    AXLE_TRY_ASSIGN(const Existing existing, look_at_output(output_, record_, options_.replace));
    report_.already_there = existing == Existing::kSame;
    if (!report_.already_there) AXLE_TRY(build());
    report_.bytes_after = folder_bytes(output_);
    return std::move(report_);
  }

 private:
  std::string model_name() const {
    return options_.name.empty() ? output_.filename().string() : options_.name;
  }

  Status read_config() {
    if (!files_.config) return {};
    AXLE_TRY_ASSIGN(const std::string text, read_file(*files_.config, kMaxConfigBytes));
    Result<PictureConfig> config = parse_picture_config(text);
    if (!config.ok()) return config.status().with_context(files_.config->string());
    config_ = *std::move(config);
    return {};
  }

  // The timesteps of the rows.
  Status read_steps() {
    if (graphs_.embedding) {
      report_.time_steps = all_lcm_timesteps(kMostSteps);
      report_.notes.emplace_back(kLcmNote);
      return {};
    }
    if (!files_.time_rows) {
      return not_found(fmt::format("{} takes a time row, but there is no file {}",
                                   files_.unet.string(),
                                   (options_.source / "time_rows.npy").string()));
    }
    report_.time_steps = lcm_timesteps(4);
    if (!config_.time_steps.empty()) report_.time_steps = config_.time_steps;
    return {};
  }

  // What tells this import from another: the checksums of all that goes into it, and the options.
  Status identify() {
    std::vector<fs::path> sources = {files_.text_encoder, files_.unet, files_.vae_decoder,
                                     files_.vocabulary, files_.merges};
    for (const auto& optional : {files_.vae_encoder, files_.time_rows, files_.config}) {
      if (optional) sources.push_back(*optional);
    }
    std::string hashes;
    for (const fs::path& source : sources) {
      AXLE_TRY(step("checking " + source.filename().string()));
      AXLE_TRY_ASSIGN(const MappedFile file, MappedFile::open(source));
      hashes += sha256_hex(file.bytes());
    }
    record_.source_sha256 = sha256_hex(std::as_bytes(std::span(hashes)));
    record_.source_bytes = graphs_.size_bytes();
    record_.options =
        fmt::format("pictures {}x{} name={}", graphs_.width, graphs_.height, model_name());
    return {};
  }

  Status step(const std::string& what) {
    if (options_.cancel.stop_requested()) return cancelled("the import was stopped");
    if (options_.progress) options_.progress({what, steps_done_++, kSteps});
    return {};
  }

  Status build() {
    AXLE_TRY_ASSIGN(Staging staging, Staging::create(output_));
    std::error_code error;
    const fs::space_info space = fs::space(staging.folder(), error);
    if (!error) {
      AXLE_TRY(check_space(graphs_.size_bytes(), space.available, output_.parent_path()));
    }
    AXLE_TRY(write_engine(graphs_.text_encoder, staging.folder() / "text_encoder.axmodel"));
    AXLE_TRY(write_engine(graphs_.unet, staging.folder() / "unet.axmodel"));
    AXLE_TRY(write_engine(graphs_.vae_decoder, staging.folder() / "vae_decoder.axmodel"));
    if (graphs_.vae_encoder) {
      AXLE_TRY(write_engine(*graphs_.vae_encoder, staging.folder() / "vae_encoder.axmodel"));
    }
    AXLE_TRY(write_texts(staging.folder()));
    AXLE_TRY(step("checking the package"));
    AXLE_TRY_ASSIGN(record_.files, record_files(staging.folder(), Recorded::kAll));
    AXLE_TRY(write_file_atomically(staging.folder() / kRecordFile, to_json(record_)));
    AXLE_TRY(PicturePackage::open(staging.folder()).status());
    return staging.publish();
  }

  Status write_engine(PictureGraph& graph, const fs::path& path) {
    AXLE_TRY(step(path.stem().string()));
    AXLE_TRY_ASSIGN(const bool narrowed, graph.file.write(graph.engine, path));
    if (narrowed) {
      report_.notes.push_back(
          fmt::format("the weights of {} are stored with 16 bits: in 32 they "
                      "would pass 2 GiB",
                      path.stem().string()));
    }
    return {};
  }

  Status write_texts(const fs::path& folder) {
    for (const fs::path& source : {files_.vocabulary, files_.merges}) {
      AXLE_TRY_ASSIGN(const std::string text, read_file(source));
      AXLE_TRY(write_file_atomically(folder / source.filename(), text));
    }
    AXLE_TRY_ASSIGN(const std::string rows, time_rows());
    AXLE_TRY(write_file_atomically(folder / "time_rows.npy", rows));
    const PictureConfig config{
        .model_name = model_name(), .time_steps = report_.time_steps, .preview = config_.preview};
    return write_file_atomically(folder / kPictureConfigFile, to_json(config));
  }

  Result<std::string> time_rows() {
    if (!graphs_.embedding) return read_file(*files_.time_rows);
    NpyTable table{.rows = report_.time_steps.size(), .columns = graphs_.time_width, .numbers = {}};
    for (const int time : report_.time_steps) {
      const std::vector<float> row = graphs_.embedding->row(time);
      table.numbers.insert(table.numbers.end(), row.begin(), row.end());
    }
    return npy_file(table);
  }

  static constexpr std::uint64_t kSteps = 13;  // About: hashes, engines and the check.

  const PictureImportOptions& options_;
  PipelineFiles files_;
  PictureConfig config_;
  PictureGraphs graphs_;
  fs::path output_;
  ImportRecord record_;
  PictureImportReport report_;
  std::uint64_t steps_done_ = 0;
};

}  // namespace

Result<PictureImportReport> import_pictures(const PictureImportOptions& options) {
  const std::string name = options.name.empty() ? options.output.filename().string() : options.name;
  AXLE_TRY(check_options(options, name));
  AXLE_TRY_ASSIGN(PipelineFiles files, locate_pipeline(options.source));
  AXLE_TRY_ASSIGN(PictureGraphs graphs, open_graphs(files, options.width, options.height));
  return Import(options, std::move(files), std::move(graphs)).run();
}

}  // namespace axle::package
