#include "app/import_pictures.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <charconv>
#include <optional>
#include <string_view>
#include <system_error>

#include "app/interrupt.h"
#include "app/progress.h"
#include "package/picture_import.h"

namespace axle::app {
namespace {

constexpr std::string_view kShape = "sd15";

std::optional<std::size_t> number(std::string_view text) {
  std::size_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

// "768x1024": width and height.
Status read_size(std::string_view text, package::PictureImportOptions& options) {
  if (text.empty()) return {};
  const std::size_t at = text.find('x');
  const std::optional<std::size_t> width = number(text.substr(0, at));
  const std::optional<std::size_t> height =
      at == std::string_view::npos ? std::nullopt : number(text.substr(at + 1));
  if (!width || !height) {
    return invalid_argument(
        fmt::format("--size is \"{}\"; write width and height as 768x1024", text));
  }
  options.width = *width;
  options.height = *height;
  return {};
}

void print_report(const package::PictureImportReport& report) {
  const std::string name = report.folder.filename().string();
  if (report.already_there) {
    fmt::print("{} is already there: {}\n", name, report.folder.string());
    return;
  }
  fmt::print("imported {}: pictures of {}x{}\n", name, report.width, report.height);
  fmt::print("  time rows of {}\n", fmt::join(report.time_steps, ", "));
  for (const std::string& note : report.notes) fmt::print("  note: {}\n", note);
  if (report.bytes_before == 0) {
    fmt::print("  {} in size, less than a MiB of it on the disk, in {}\n",
               size_text(report.bytes_after), report.folder.string());
  } else {
    fmt::print("  {} -> {} in {}\n", size_text(report.bytes_before), size_text(report.bytes_after),
               report.folder.string());
  }
}

}  // namespace

bool asks_for_pictures(const ImportArguments& arguments) {
  std::error_code error;
  return arguments.shape == kShape || std::filesystem::is_directory(arguments.file, error);
}

Status import_pictures(const ImportArguments& arguments, const std::filesystem::path& output) {
  if (!arguments.weights.empty() || arguments.cells || arguments.chunk ||
      !arguments.ladder.empty()) {
    return invalid_argument(
        "--weights, --context, --chunk and --ladder are for language models; leave them out");
  }
  package::PictureImportOptions options;
  options.source = arguments.file;
  options.output = output;
  options.name = output.filename().string();
  options.replace = arguments.replace;
  AXLE_TRY(read_size(arguments.size, options));
  const InterruptSource interrupt;
  options.cancel = interrupt.token();
  Result<package::PictureImportReport> report = [&] {
    if (arguments.shape == kShape) return package::import_picture_shape(options);
    ProgressBar bar("import");
    options.progress = [&bar](const package::ImportProgress& progress) {
      bar.update(progress.bytes_done, progress.bytes_total, progress.step);
    };
    return package::import_pictures(options);
  }();
  if (!report.ok()) return report.status();
  print_report(*report);
  return {};
}

}  // namespace axle::app
