#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <stop_token>
#include <string>
#include <vector>

#include "base/result.h"
#include "package/import.h"

namespace axle::package {

struct PictureImportOptions {
  std::filesystem::path source = {};  // A folder, see import_pictures().
  std::filesystem::path output = {};  // The folder that the package becomes; its parent must exist.
  std::string name = {};  // "model_name" of pictures.json; empty: the name of the folder.
  // Of the pictures, where the graphs leave it open; multiples of 64, 64 to 2048.
  std::size_t width = 512;
  std::size_t height = 512;
  bool replace = false;  // An existing folder of another origin is replaced instead of refused.
  std::function<void(const ImportProgress&)> progress = {};  // Called on the importing thread.
  std::stop_token cancel = {};
};

struct PictureImportReport {
  std::filesystem::path folder;
  bool already_there = false;  // The same import was done before; nothing was written.
  std::size_t width = 0;
  std::size_t height = 0;
  std::vector<int> time_steps;  // Of the time rows, the noisiest first.
  std::uint64_t bytes_before = 0;
  std::uint64_t bytes_after = 0;
  std::vector<std::string> notes;  // In words, what the user should know.
};

// True where import_pictures() would take `folder`: it has a U-Net as an ONNX file. Cheap.
bool looks_like_onnx_pictures(const std::filesystem::path& folder);

// Makes a package for the software card of an SD 1.5 pipeline in ONNX: text encoder, U-Net, VAE
// decoder and, where there is one, VAE encoder, each as <part>/model.onnx (as Hugging Face's
// optimum exports them) or <part>.onnx, with tokenizer/vocab.json and merges.txt (or without the
// folder). A U-Net that takes a timestep is cut behind its time embedding, whose rows are computed
// for the LCM schedules of 1 to 8 steps; one that takes time rows needs them in time_rows.npy, of
// the timesteps in pictures.json, else 999, 759, 499 and 259. All or nothing, as import_gguf().
//
// Errors: kInvalidArgument  a size that cannot be; the folder exists already and holds something
//                           else.
//         kNotFound         a part is missing (where it was looked for), or no parent folder.
//         kCorrupt          a graph that cannot be read, or contradicts another (both sides).
//         kUnsupported      graphs of another kind of model: tensors or a time embedding that SD
//                           1.5 does not have (which).
//         kExhausted        not enough space on the disk: both numbers.
//         kUnavailable      another import of the same name is running; the disk fails.
//         kCancelled        `cancel` was requested.
Result<PictureImportReport> import_pictures(const PictureImportOptions& options);

// Makes a package of SD 1.5's true sizes for 512x512 without weights, for benchmarks on the
// software card with `skip_arithmetic`: at the card's pace its engines take the times that were
// measured on a card (U-Net 434 ms, VAE decoder 914 ms, VAE encoder 459 ms, text encoder 9.8 ms).
// The weights count as 16 bits each. Takes `output`, `name` and `replace` of the options.
// Errors: as import_pictures().
Result<PictureImportReport> import_picture_shape(const PictureImportOptions& options);

}  // namespace axle::package
