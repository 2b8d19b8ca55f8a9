#include "package/import_output.h"

#include <fmt/format.h>

#include <string>
#include <system_error>
#include <utility>

#include "base/file.h"
#include "package/locate.h"
#include "package/package.h"
#include "package/picture_package.h"

namespace axle::package {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kMaxRecordBytes = std::size_t{1} << 20;

// The record of the package at `folder`; an empty one where there is none.
ImportRecord read_record(const fs::path& folder) {
  const Result<std::string> text = read_file(folder / kRecordFile, kMaxRecordBytes);
  if (!text.ok()) return {};
  Result<ImportRecord> record = parse_import_record(*text);
  return record.ok() ? *std::move(record) : ImportRecord();
}

}  // namespace

fs::path clean_output_path(const fs::path& path) {
  std::error_code error;
  const fs::path absolute = fs::absolute(path, error).lexically_normal();
  return absolute.has_filename() ? absolute : absolute.parent_path();
}

Result<Existing> look_at_output(const fs::path& output, const ImportRecord& wanted,
                                bool may_replace) {
  std::error_code error;
  if (!fs::exists(fs::symlink_status(output, error))) return Existing::kNone;
  if (!fs::is_directory(output, error)) {
    return invalid_argument(fmt::format("{} exists and is not a folder", output.string()));
  }
  const ImportRecord found = read_record(output);
  if (found.source_sha256 == wanted.source_sha256 && found.options == wanted.options) {
    const bool usable = looks_like_pictures(output) ? PicturePackage::open(output).ok()
                                                    : Package::open(output).ok();
    return usable ? Existing::kSame : Existing::kReplace;
  }
  if (may_replace && looks_like_package(output)) return Existing::kReplace;
  if (!found.source_sha256.empty()) {
    return invalid_argument(fmt::format(
        "{} exists, imported from another file or with other options ({}; now {}): remove it, "
        "replace it or choose another name",
        output.string(), found.options, wanted.options));
  }
  return invalid_argument(
      fmt::format("{} exists and was not made by an import: choose another name", output.string()));
}

Result<std::vector<FileRecord>> record_files(const fs::path& folder, Recorded which) {
  std::vector<FileRecord> records;
  for (const fs::path& path : list_files(folder, 0)) {
    const bool big = path.extension() == ".axmodel" || path.extension() == ".bin";
    if (big && which == Recorded::kTexts) continue;
    AXLE_TRY_ASSIGN(const MappedFile file, MappedFile::open(path));
    records.push_back({path.filename().string(), file.bytes().size(), sha256_hex(file.bytes())});
  }
  return records;
}

std::uint64_t folder_bytes(const fs::path& folder) {
  std::uint64_t sum = 0;
  for (const fs::path& path : list_files(folder, 0)) {
    std::error_code error;
    const std::uintmax_t size = fs::file_size(path, error);
    if (!error) sum += size;
  }
  return sum;
}

}  // namespace axle::package
