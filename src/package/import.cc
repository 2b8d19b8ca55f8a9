#include "package/import.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <utility>

#include "axmodel/model.h"
#include "base/file.h"
#include "package/config.h"
#include "package/converter.h"
#include "package/gguf_file.h"
#include "package/import_output.h"
#include "package/import_plan.h"
#include "package/package.h"
#include "package/staging.h"
#include "text/utf8.h"

namespace axle::package {
namespace {

namespace fs = std::filesystem;

// Writes the files of a package into `folder`.
class PackageWriter {
 public:
  PackageWriter(ImportPlan& plan, Converter& converter, ImportMeter& meter)
      : plan_(plan), converter_(converter), meter_(meter) {}

  Status write(const fs::path& folder, const std::string& model_name, ImportReport& report) {
    AXLE_TRY(read_rope_factors());
    for (std::size_t i = 0; i < plan_.layers.size(); ++i) {
      meter_.begin(fmt::format("layer {} of {}", i + 1, plan_.layers.size()));
      axmodel::Model model = axmodel::layer_model(plan_.layer);
      model.groups = plan_.groups;
      AXLE_TRY(write_engine(std::move(model), plan_.layers[i],
                            folder / layer_file_name(plan_.layer_template(), i), report));
    }
    meter_.begin("head");
    axmodel::Model head = axmodel::head_model(plan_.head);
    head.groups = plan_.head_groups;
    AXLE_TRY(write_engine(std::move(head), plan_.head_weights, folder / plan_.post_file(), report));
    meter_.begin("embedding");
    WeightChange change;
    AXLE_TRY(converter_.table(*plan_.embedding, folder / kEmbeddingFile, change));
    report.changes.push_back(std::move(change));
    return write_texts(folder, model_name);
  }

 private:
  Status read_rope_factors() {
    if (plan_.rope_factors == nullptr) return {};
    PlannedWeight weight{
        plan_.rope_factors, "rope_freqs", {plan_.layer.head_dim / 2}, find_ggml_format(0)};
    std::vector<std::byte> bytes;
    WeightChange change;
    AXLE_TRY(converter_.weight(weight, bytes, change));
    plan_.layer.rope_factors.resize(bytes.size() / sizeof(float));
    std::memcpy(plan_.layer.rope_factors.data(), bytes.data(), bytes.size());
    const bool positive =
        std::all_of(plan_.layer.rope_factors.begin(), plan_.layer.rope_factors.end(),
                    [](float f) { return f > 0; });
    return positive ? Status() : corrupt("tensor 'rope_freqs.weight' has factors not above 0");
  }

  Status write_engine(axmodel::Model model, const std::vector<PlannedWeight>& weights,
                      const fs::path& path, ImportReport& report) {
    std::vector<std::vector<std::byte>> data(weights.size());
    for (std::size_t i = 0; i < weights.size(); ++i) {
      WeightChange change;
      AXLE_TRY(converter_.weight(weights[i], data[i], change));
      if (weights[i].shape.size() > 1) report.changes.push_back(std::move(change));
      model.weights.push_back(
          {weights[i].name, std::string(weights[i].format->name), weights[i].shape, data[i]});
    }
    return axmodel::write(model, path);
  }

  Status write_texts(const fs::path& folder, const std::string& model_name) {
    VendorConfig config;
    config.model_name = model_name;
    config.tokenizer_type = "HuggingFace";
    config.tokenizer_file = "tokenizer.json";
    config.layer_template = plan_.layer_template();
    config.layer_count = plan_.layers.size();
    config.post_file = plan_.post_file();
    config.embedding_file = kEmbeddingFile;
    config.vocab_size = static_cast<std::size_t>(plan_.head.vocab);
    config.hidden = static_cast<std::size_t>(plan_.head.hidden);
    AXLE_TRY(write_file_atomically(folder / "config.json", vendor_config_json(config)));
    AXLE_TRY(write_file_atomically(folder / "tokenizer.json", plan_.tokenizer_json));
    AXLE_TRY(
        write_file_atomically(folder / "tokenizer_config.json", tokenizer_config_json(plan_.text)));
    return write_file_atomically(folder / "generation_config.json",
                                 generation_config_json(plan_.text));
  }

  ImportPlan& plan_;
  Converter& converter_;
  ImportMeter& meter_;
};

void fill_report(const ImportPlan& plan, ImportReport& report) {
  report.architecture = plan.layer.architecture;
  report.layers = plan.layers.size();
  report.cells = plan.cells;
  report.chunk = plan.chunk;
  report.ladder = plan.ladder;
  report.notes = plan.notes;
}

// One import, step by step.
class Import {
 public:
  Import(const ImportOptions& options, const GgufFile& file, ImportPlan& plan)
      : options_(options),
        file_(file),
        plan_(plan),
        meter_(options, file.size_bytes() + plan.input_bytes()),
        output_(clean_output_path(options.output)) {}

  Result<ImportReport> run() {
    fill_report(plan_, report_);
    report_.folder = output_;
    report_.bytes_before = file_.size_bytes();
    meter_.begin("checking the file");
    AXLE_TRY_ASSIGN(report_.source_sha256, hash_file(file_, meter_));
    record_.source_sha256 = report_.source_sha256;
    record_.source_bytes = file_.size_bytes();
    record_.options = fmt::format("{} name={}", plan_.options, model_name());
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

  Status build() {
    AXLE_TRY_ASSIGN(Staging staging, Staging::create(output_));
    std::error_code error;
    const fs::space_info space = fs::space(staging.folder(), error);
    if (!error) {
      AXLE_TRY(check_space(plan_.output_bytes(), space.available, output_.parent_path()));
    }
    Converter converter(file_, options_.threads, meter_);
    AXLE_TRY(
        PackageWriter(plan_, converter, meter_).write(staging.folder(), model_name(), report_));
    meter_.begin("checking the package");
    AXLE_TRY(file_.check_unchanged());
    AXLE_TRY_ASSIGN(record_.files, record_files(staging.folder(), Recorded::kAll));
    AXLE_TRY(write_file_atomically(staging.folder() / kRecordFile, to_json(record_)));
    AXLE_TRY(Package::open(staging.folder()).status());
    AXLE_TRY(meter_.advance(0));
    return staging.publish();
  }

  const ImportOptions& options_;
  const GgufFile& file_;
  ImportPlan& plan_;
  ImportMeter meter_;
  fs::path output_;
  ImportRecord record_;
  ImportReport report_;
};

}  // namespace

Result<ImportReport> import_gguf(const ImportOptions& options) {
  const std::string name = options.name.empty() ? options.output.filename().string() : options.name;
  if (text::find_invalid_utf8(name)) return invalid_argument("the name is not UTF-8");
  AXLE_TRY_ASSIGN(const GgufFile file, GgufFile::open(options.gguf));
  Result<ImportPlan> plan = plan_import(file.gguf(), options);
  if (!plan.ok()) {
    if (plan.status().code() == Code::kInvalidArgument) return plan.status();
    return plan.status().with_context(options.gguf.string());
  }
  return Import(options, file, *plan).run();
}

}  // namespace axle::package
