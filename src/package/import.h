#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "base/result.h"
#include "package/sampling_advice.h"

namespace axle::package {

// What the matrices of a model become. All are formats whose kernels on the software card give a
// row the same bits whatever rows are beside it (docs/decisions, batch invariance).
enum class WeightFormat : std::uint8_t {
  kQ8_0,  // 8.5 bits a weight; loses next to nothing.
  kQ4_0,  // 4.5 bits a weight; faster, less exact.
  kKeep,  // Q8_0, Q4_0, Q4_1 and Q5_1 stay as they are; anything else becomes Q8_0.
};

struct ImportProgress {
  std::string step;  // "layer 3 of 30", "embedding", ...: for people.
  std::uint64_t bytes_done = 0;
  std::uint64_t bytes_total = 0;  // Bytes of the source to read, hashing included.
};

struct ImportOptions {
  std::filesystem::path gguf;
  std::filesystem::path output;  // The folder that the package becomes; its parent must exist.
  std::string name;              // "model_name" of config.json; empty: the name of the folder.
  std::size_t cells = 2047;      // T; lowered to the model's context where that is shorter.
  std::size_t chunk = 128;       // n: rows of a prefill chunk.
  // Rows of further, smaller chunks (each < chunk, > 1). Each gets the histories 0 and T: for short
  // prompts and for a few conversations that decode together.
  std::vector<std::size_t> small_chunks;
  // Rows of the head's groups beside the one of one row, rising: several conversations' next tokens
  // in one run. Empty: a head like the vendor's.
  std::vector<std::size_t> head_rows = {2, 4, 8};
  // Histories of the prefill groups of `chunk` rows, rising, each <= T. Empty: default_ladder().
  std::vector<std::size_t> ladder;
  WeightFormat weights = WeightFormat::kQ8_0;
  SamplingAdvice sampling;  // What a GGUF file does not say.
  std::size_t threads = 2;
  bool replace = false;  // An existing folder of another origin is replaced instead of refused.
  std::function<void(const ImportProgress&)> progress;  // Called on the importing thread.
  std::stop_token cancel;
};

// How a group of tensors changed. Errors are relative to the root mean square of the tensor before
// the change.
struct WeightChange {
  std::string tensor;  // Name in the GGUF file.
  std::string before;  // Formats as ggml names them.
  std::string after;
  std::uint64_t bytes_before = 0;
  std::uint64_t bytes_after = 0;
  double rms_error = 0;
  double max_error = 0;
};

struct ImportReport {
  std::filesystem::path folder;
  bool already_there = false;  // The same import was done before; nothing was written.
  std::string source_sha256;
  std::string architecture;
  std::size_t layers = 0;
  std::size_t cells = 0;
  std::size_t chunk = 0;
  std::vector<std::size_t> ladder;
  std::uint64_t bytes_before = 0;     // The source.
  std::uint64_t bytes_after = 0;      // All files of the package.
  std::vector<WeightChange> changes;  // One per matrix; empty when already there.
  std::vector<std::string> notes;     // In words, what the user should know.
};

// The histories of prefill groups for T cells and chunks of n rows: 0, n, 2n, 4n, ... below T - n,
// then T. The steps double because a chunk costs more with more history columns and a group costs
// a set of buffers; the last one is T itself so that a chunk sees every cell, which is what lets
// rows of several conversations share one chunk.
std::vector<std::size_t> default_ladder(std::size_t cells, std::size_t chunk);

// Makes a package of a GGUF model of the llama, qwen2 or qwen3 architecture. All or nothing: the
// folder is built beside its place under another name, synced and renamed. The same file and
// options give the same bytes; what an import that was killed left behind is removed by the next.
//
// Errors: kInvalidArgument  options that cannot be (which, and the allowed range); the folder
//                           exists already and holds something else.
//         kNotFound         no such file, or no parent folder.
//         kCorrupt          the GGUF is damaged or changed while it was read.
//         kUnsupported      architecture, tensor, quantisation, RoPE scaling or tokenizer that
//                           axle cannot run (which).
//         kExhausted        not enough space on the disk: both numbers.
//         kUnavailable      another import of the same name is running; the disk fails.
//         kCancelled        `cancel` was requested.
Result<ImportReport> import_gguf(const ImportOptions& options);

}  // namespace axle::package
