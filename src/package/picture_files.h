#pragma once

#include <filesystem>
#include <optional>
#include <vector>

#include "base/result.h"

// Finds the files of a picture package. Not part of the room's interface.
namespace axle::package {

// The engines of one size, every path checked to be a regular file.
struct PictureVariantFiles {
  std::filesystem::path folder;
  std::filesystem::path text_encoder;
  std::filesystem::path unet;
  std::filesystem::path vae_decoder;
  std::optional<std::filesystem::path> vae_encoder;
  // Of whole schedules, and of the shorter ones that start from a picture. One may be missing.
  std::optional<std::filesystem::path> time_rows;
  std::optional<std::filesystem::path> late_time_rows;
};

struct PictureFiles {
  std::filesystem::path folder;  // Absolute.
  std::vector<PictureVariantFiles> variants;
  std::filesystem::path vocabulary;
  std::filesystem::path merges;
  std::optional<std::filesystem::path> config;  // pictures.json
};

// Errors: kNotFound         the folder, or which part is missing and where it was looked for.
//         kInvalidArgument  not a folder.
//         kCorrupt          several files for one part.
Result<PictureFiles> locate_pictures(const std::filesystem::path& folder);

}  // namespace axle::package
