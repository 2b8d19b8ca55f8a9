#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "package/gguf_file.h"
#include "package/import.h"
#include "package/import_plan.h"
#include "package/transcode.h"

// Turns tensors of a GGUF file into the weights and tables of a package. Not part of the room's
// interface.
namespace axle::package {

// Counts bytes for the progress and watches for the cancel request.
class ImportMeter {
 public:
  ImportMeter(const ImportOptions& options, std::uint64_t total) : options_(options) {
    progress_.bytes_total = total;
  }
  void begin(std::string step);
  // Errors: kCancelled.
  Status advance(std::uint64_t bytes);
  const std::stop_token& cancel() const { return options_.cancel; }

 private:
  const ImportOptions& options_;
  ImportProgress progress_;
};

// Some rows of a tensor.
struct RowRange {
  std::uint64_t first = 0;
  std::uint64_t count = 0;
};

// Lifetime: file and meter outlive it.
class Converter {
 public:
  Converter(const GgufFile& file, std::size_t threads, ImportMeter& meter)
      : file_(file), threads_(threads), meter_(meter) {}

  // Reads rows and stores them as `format` in `target`, which has exactly their size.
  // Errors: kCorrupt  numbers that are not finite, a file that was shortened; kUnavailable
  //         kCancelled.
  Status rows(const GgufTensor& tensor, RowRange range, const GgmlFormat& format,
              std::span<std::byte> target, TranscodeError& error);

  // One weight; `change` tells what happened to it.
  Status weight(const PlannedWeight& weight, std::vector<std::byte>& target, WeightChange& change);

  // Writes all rows of `tensor` as bf16 to a new file, synced.
  // Errors: as rows(); kExhausted  the disk is full.
  Status table(const GgufTensor& tensor, const std::filesystem::path& path, WeightChange& change);

 private:
  const GgufFile& file_;
  std::size_t threads_;
  ImportMeter& meter_;
};

// SHA-256 of the whole file as lower-case hexadecimal. Errors: as GgufFile::read(), kCancelled.
Result<std::string> hash_file(const GgufFile& file, ImportMeter& meter);

}  // namespace axle::package
