#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <csignal>
#include <stop_token>
#include <system_error>
#include <utility>

#include "app/commands.h"
#include "app/import_pictures.h"
#include "app/interrupt.h"
#include "app/progress.h"
#include "package/import.h"
#include "package/shape_import.h"

namespace axle::app {
namespace {

// "SmolLM2-135M-Instruct.Q4_1.gguf" -> "smollm2-135m-instruct": without the quantisation, lower
// case.
std::string name_from_file(const std::filesystem::path& file) {
  std::string name = file.stem().string();
  for (const char* separator : {".", "-", "_"}) {
    const std::size_t at = name.rfind(separator);
    if (at == std::string::npos || at + 2 >= name.size()) continue;
    const char first = name[at + 1];
    const bool quantisation = (first == 'Q' || first == 'q' || first == 'F' || first == 'f') &&
                              std::isdigit(static_cast<unsigned char>(name[at + 2])) != 0;
    if (quantisation) name.resize(at);
  }
  std::transform(name.begin(), name.end(), name.begin(), [](char c) {
    return static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  });
  return name;
}

Result<package::WeightFormat> weight_format(const std::string& name) {
  if (name.empty() || name == "q8_0") return package::WeightFormat::kQ8_0;
  if (name == "q4_0") return package::WeightFormat::kQ4_0;
  if (name == "keep") return package::WeightFormat::kKeep;
  return invalid_argument(fmt::format("--weights is \"{}\"; use q8_0, q4_0 or keep", name));
}

std::string numbers_text(const std::vector<std::size_t>& numbers) {
  return fmt::format("{}", fmt::join(numbers, ", "));
}

// Formats before and after, summed over all matrices.
void print_changes(const package::ImportReport& report) {
  std::vector<std::pair<std::string, package::WeightChange>> sums;
  for (const package::WeightChange& change : report.changes) {
    const std::string key = change.before + " -> " + change.after;
    auto sum = std::find_if(sums.begin(), sums.end(),
                            [&key](const auto& entry) { return entry.first == key; });
    if (sum == sums.end()) {
      sums.emplace_back(key, change);
      continue;
    }
    sum->second.bytes_before += change.bytes_before;
    sum->second.bytes_after += change.bytes_after;
    sum->second.rms_error = std::max(sum->second.rms_error, change.rms_error);
    sum->second.max_error = std::max(sum->second.max_error, change.max_error);
  }
  for (const auto& [key, sum] : sums) {
    fmt::print("  weights {}: {} -> {}; largest error {:.4f} of a tensor's rms (mean {:.5f})\n",
               key, size_text(sum.bytes_before), size_text(sum.bytes_after), sum.max_error,
               sum.rms_error);
  }
}

void print_report(const package::ImportReport& report, const std::string& name) {
  if (report.already_there) {
    fmt::print("{} is already there: {}\n", name, report.folder.string());
    return;
  }
  fmt::print("imported {}: {}, {} layers\n", name, report.architecture, report.layers);
  fmt::print("  context {} tokens, prefill chunks of {} with histories {}\n", report.cells,
             report.chunk, numbers_text(report.ladder));
  print_changes(report);
  for (const std::string& note : report.notes) fmt::print("  note: {}\n", note);
  if (report.bytes_before == 0) {
    fmt::print("  {} in size, a few MiB of it on the disk, in {}\n", size_text(report.bytes_after),
               report.folder.string());
    return;
  }
  fmt::print("  {} -> {} in {}\n", size_text(report.bytes_before), size_text(report.bytes_after),
             report.folder.string());
}

// The models folder and those above it that had to be made; removed again unless kept, so that a
// failed import leaves nothing behind.
class MadeFolders {
 public:
  explicit MadeFolders(std::filesystem::path folder) : folder_(std::move(folder)) {}
  ~MadeFolders() {
    std::error_code error;
    for (const std::filesystem::path& made : made_) {
      if (!std::filesystem::remove(made, error)) return;  // Others have put something there.
    }
  }
  MadeFolders(const MadeFolders&) = delete;
  MadeFolders& operator=(const MadeFolders&) = delete;

  Status make() {
    std::error_code error;
    for (std::filesystem::path part = folder_; !std::filesystem::exists(part, error);
         part = part.parent_path()) {
      made_.push_back(part);
    }
    std::filesystem::create_directories(folder_, error);
    if (!error) return {};
    return unavailable(fmt::format("cannot create {}: {}; choose another folder with --models",
                                   folder_.string(), error.message()));
  }
  void keep() { made_.clear(); }

 private:
  std::filesystem::path folder_;
  std::vector<std::filesystem::path> made_;  // The innermost first.
};

// The import of a GGUF file.
Result<package::ImportReport> import_file(const ImportArguments& arguments,
                                          const std::filesystem::path& output) {
  package::ImportOptions options;
  options.gguf = arguments.file;
  options.name = output.filename().string();
  options.output = output;
  AXLE_TRY_ASSIGN(options.weights, weight_format(arguments.weights));
  options.cells = arguments.cells.value_or(static_cast<std::uint32_t>(options.cells));
  options.chunk = arguments.chunk.value_or(static_cast<std::uint32_t>(options.chunk));
  options.ladder = arguments.ladder;
  options.sampling.temperature = arguments.temperature;
  options.sampling.top_p = arguments.top_p;
  options.replace = arguments.replace;
  const InterruptSource interrupt;
  options.cancel = interrupt.token();
  ProgressBar bar("import");
  options.progress = [&bar](const package::ImportProgress& progress) {
    bar.update(progress.bytes_done, progress.bytes_total, progress.step);
  };
  return package::import_gguf(options);
}

// A package of a known shape, with other cells, chunks or histories where they are given.
Result<package::ImportReport> make_shape(const ImportArguments& arguments,
                                         const std::filesystem::path& output) {
  AXLE_TRY_ASSIGN(package::ModelShape shape, package::find_model_shape(arguments.shape));
  shape.cells = arguments.cells.value_or(static_cast<std::uint32_t>(shape.cells));
  shape.chunk = arguments.chunk.value_or(static_cast<std::uint32_t>(shape.chunk));
  if (!arguments.ladder.empty()) shape.ladder = arguments.ladder;
  // Fewer cells than the model's usual ones: its histories beyond them go.
  if (arguments.ladder.empty()) {
    std::erase_if(shape.ladder, [&shape](std::size_t history) { return history > shape.cells; });
  }
  return package::import_shape({.shape = std::move(shape),
                                .output = output,
                                .name = output.filename().string(),
                                .replace = arguments.replace});
}

std::string package_name(const ImportArguments& arguments) {
  if (!arguments.name.empty()) return arguments.name;
  if (!arguments.shape.empty()) return arguments.shape + "-shape";
  // A folder's name may end with a slash, and may have points in it.
  if (asks_for_pictures(arguments)) {
    const std::filesystem::path folder = std::filesystem::absolute(arguments.file);
    const std::filesystem::path clean = folder.lexically_normal();
    return clean.has_filename() ? clean.filename() : clean.parent_path().filename();
  }
  return name_from_file(arguments.file);
}

// What a person can do about a failed import, where the failure does not say it.
Status with_advice(const Status& status) {
  std::string_view advice;
  if (status.code() == Code::kCorrupt) advice = "fetch the file again";
  if (status.code() == Code::kExhausted)
    advice = "free some, or choose another folder with --models";
  if (advice.empty()) return status;
  return {status.code(), fmt::format("{}; {}", status.message(), advice), status.vendor_code()};
}

}  // namespace

Status run_import(const Config& config, const ImportArguments& arguments) {
  if (arguments.file.empty() == arguments.shape.empty()) {
    return invalid_argument(
        "import needs a GGUF file, a folder of ONNX files, or --shape and a name of a shape");
  }
  if (!arguments.shape.empty() && !arguments.weights.empty()) {
    return invalid_argument(
        fmt::format("--weights {} goes with a GGUF file, but --shape {} makes a package without "
                    "weights, of the size that q8_0 takes; leave --weights out",
                    arguments.weights, arguments.shape));
  }
  const std::string name = package_name(arguments);
  if (name.empty() || name.find('/') != std::string::npos || name.front() == '.') {
    return invalid_argument(
        fmt::format("\"{}\" cannot be the name of a model; give another with --name", name));
  }
  const std::filesystem::path folder = models_folder(config);
  MadeFolders made(folder);
  AXLE_TRY(made.make());
  if (asks_for_pictures(arguments)) {
    AXLE_TRY(with_advice(import_pictures(arguments, folder / name)));
    made.keep();
    return {};
  }
  const Result<package::ImportReport> report = arguments.shape.empty()
                                                   ? import_file(arguments, folder / name)
                                                   : make_shape(arguments, folder / name);
  if (!report.ok()) return with_advice(report.status());
  made.keep();
  print_report(*report, name);
  return {};
}

}  // namespace axle::app
