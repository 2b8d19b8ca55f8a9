#include "package/package_record.h"

#include <fmt/format.h>

#include <map>
#include <span>
#include <string>

#include "base/file.h"
#include "package/checksum.h"
#include "package/config.h"
#include "package/import_output.h"
#include "package/locate.h"

namespace axle::package {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kMaxRecordBytes = std::size_t{1} << 20;

// Errors: kCorrupt  a record that cannot be read.
Result<ImportRecord> read_record(const fs::path& folder) {
  const fs::path path = folder / kRecordFile;
  std::error_code error;
  if (!fs::is_regular_file(path, error)) return ImportRecord();
  AXLE_TRY_ASSIGN(const std::string text, read_file(path, kMaxRecordBytes));
  Result<ImportRecord> record = parse_import_record(text);
  if (!record.ok()) return record.status().with_context(path.string());
  // Names are taken without folders: a record cannot lead out of the package.
  for (FileRecord& file : record->files) file.name = fs::path(file.name).filename().string();
  return record;
}

}  // namespace

Status check_recorded_sizes(const fs::path& folder) {
  AXLE_TRY_ASSIGN(const ImportRecord record, read_record(folder));
  for (const FileRecord& wanted : record.files) {
    const fs::path path = folder / wanted.name;
    const bool big = path.extension() == ".axmodel" || path.extension() == ".bin";
    if (const std::uint64_t found = size_of(path); big && found != wanted.size_bytes) {
      return corrupt(fmt::format("{}: it has {} bytes, wanted {} as it was imported", path.string(),
                                 found, wanted.size_bytes));
    }
  }
  return {};
}

std::string recorded_sha256(const fs::path& folder) {
  const Result<ImportRecord> record = read_record(folder);
  if (!record.ok()) return {};
  std::map<std::string, std::string> engines;
  for (const FileRecord& file : record->files) {
    if (file.name.ends_with(".axmodel")) engines[file.name] = file.sha256;
  }
  std::string lines;
  for (const auto& [name, checksum] : engines) lines += fmt::format("{} {}\n", checksum, name);
  return lines.empty() ? lines : sha256_hex(std::as_bytes(std::span(lines)));
}

Status check_recorded_hashes(const fs::path& folder) {
  AXLE_TRY_ASSIGN(const ImportRecord record, read_record(folder));
  for (const FileRecord& wanted : record.files) {
    const fs::path path = folder / wanted.name;
    AXLE_TRY_ASSIGN(const MappedFile file, MappedFile::open(path));
    if (const std::string found = sha256_hex(file.bytes()); found != wanted.sha256) {
      return corrupt(fmt::format("{}: its SHA-256 is {}, wanted {} as it was imported",
                                 path.string(), found, wanted.sha256));
    }
  }
  return {};
}

}  // namespace axle::package
