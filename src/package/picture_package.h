#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "package/package.h"

// Picture packages: latent diffusion models of the SD 1.5 kind with LCM steps. Source of layouts,
// tensors and time rows: AXERA-TECH/sd1.5-lcm.axera (launcher.py and model_convert).
namespace axle::package {

// Pixels on a side of one latent number.
inline constexpr std::size_t kLatentPixels = 8;

// The engines of one picture size. Tensors are float, row-major, with one picture a run; the token
// numbers are 32-bit integers. `h` and `w` are height and width divided by kLatentPixels.
struct PictureVariant {
  std::string id;  // "512x512": width x height.
  std::size_t width = 0;
  std::size_t height = 0;
  // input_ids [1, L] -> [1, L, D]
  std::filesystem::path text_encoder;
  // latents [1, 4, h, w], time row [1, E], text [1, L, D] -> predicted noise [1, 4, h, w]
  std::filesystem::path unet;
  // latents / 0.18215 [1, 4, h, w] -> picture [1, 3, height, width], -1 to 1
  std::filesystem::path vae_decoder;
  // picture [1, 3, height, width], -1 to 1 -> means and log-variances [1, 8, h, w]. None: this size
  // cannot start from a picture.
  std::optional<std::filesystem::path> vae_encoder;
  // What the inputs of the U-Net are called; their order differs between files. All other engines
  // have one input. The result is always output 0.
  std::string unet_latents;
  std::string unet_time_row;
  std::string unet_text;
  MemoryNeed memory;  // Of all its engines; an engine that sizes share counts in each.

  std::size_t latent_width() const { return width / kLatentPixels; }
  std::size_t latent_height() const { return height / kLatentPixels; }
};

// Rows of the U-Net's time input by their timestep (999 is pure noise), the noisiest first:
// SiLU(time_embedding(timestep)), E numbers each. A schedule may use these timesteps only.
using TimeRows = std::map<int, std::vector<float>, std::greater<>>;

// How a picture looks without the VAE: red, green and blue (-1 to 1) of each of the four numbers of
// a latent point, then what is added to them.
using PreviewRows = std::array<std::array<float, 3>, 5>;

// Everything known about a picture package. Plain data; paths are absolute.
struct PicturePackageInfo {
  std::string name;        // Name of the folder.
  std::string model_name;  // pictures.json "model_name", else the name of the folder.
  std::filesystem::path folder;
  Producer producer = Producer::kAxle;
  std::string toolchain;                 // Of the U-Net, e.g. "Pulsar2 5.1", for logs.
  bool has_weights = true;               // False: sizes only, for benchmarks.
  std::vector<PictureVariant> variants;  // Never empty; the smallest first.
  std::filesystem::path vocabulary;      // CLIP's vocab.json: token -> number.
  std::filesystem::path merges;          // CLIP's merges.txt.
  std::size_t text_length = 0;           // L: tokens that the text encoder takes.
  std::size_t text_width = 0;            // D.
  std::size_t time_width = 0;            // E.
  TimeRows time_rows;                    // Never empty.
  std::optional<PreviewRows> preview;    // None: that of SD 1.x.
  std::uint64_t size_bytes = 0;          // Of all files that are named above.
  std::vector<std::string> notes;        // What is odd but does not stop it from working.

  // Null where there is no such size.
  const PictureVariant* find_variant(std::size_t width, std::size_t height) const;
};

// A folder with the engines of a picture model, as the vendor publishes it and as import_pictures()
// writes it: text_encoder/*.axmodel (or *text_encoder*.axmodel), unet.axmodel, vae_decoder.axmodel,
// vae_encoder.axmodel where there is one, time rows (time_input_txt2img.npy, time_input.npy or
// time_rows.npy), tokenizer/vocab.json and merges.txt (or without the folder). Several sizes of one
// model lie in folders below, whose names hold "models" or are a size ("512x512"); what they share
// (text encoder, tokenizer, time rows) may lie once beside them. An optional pictures.json names
// the model and the timesteps of the rows; without it four rows are those of 999, 759, 499, 259.
//
// Threading: immutable; share freely.
class PicturePackage {
 public:
  // Reads only what describes the model and checks that all parts fit together.
  // Errors: kNotFound         the folder or a file of it is missing (which, and where it was
  //                           looked for).
  //         kInvalidArgument  `folder` is a file.
  //         kCorrupt          a part is damaged or contradicts another: file, tensor, wanted and
  //                           found.
  //         kUnsupported      an ordinary ONNX file with other types than the card takes.
  static Result<PicturePackage> open(const std::filesystem::path& folder);

  const PicturePackageInfo& info() const { return *info_; }

  // The long check: every file against the checksums of its import, where it has them.
  // Errors: as open(); kCorrupt  a file that has changed.
  Status verify() const;

 private:
  explicit PicturePackage(PicturePackageInfo info);
  std::shared_ptr<const PicturePackageInfo> info_;  // Shared: packages are copied into jobs.
};

// True where `folder` looks like a picture package: it, or a folder of a size below it, has an
// engine named unet*.axmodel. Cheap.
bool looks_like_pictures(const std::filesystem::path& folder);

}  // namespace axle::package
