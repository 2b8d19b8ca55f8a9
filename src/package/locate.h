#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "package/config.h"

// Finds the files of a package. Not part of the room's interface.
namespace axle::package {

// The parts of a package, every path checked to be a regular file.
struct PackageFiles {
  std::filesystem::path folder;
  std::optional<VendorConfig> config;  // Absent in the older layouts.
  std::string family;                  // "qwen3" of "qwen3_p128_l%d_together.axmodel"; may be "".
  std::vector<std::filesystem::path> layers;
  std::filesystem::path post;
  std::filesystem::path embedding;
  std::filesystem::path tokenizer;
};

// With a config.json of the vendor's runtime the files are those that it names. Without one they
// are recognised by name, in `folder` or one level below: <prefix>_p<n>_l<i>_together.axmodel,
// <prefix>_post.axmodel, *embed_tokens*.bin, tokenizer.json or *tokenizer*.txt.
//
// Errors: kNotFound  the folder, or which parts are missing. kInvalidArgument  not a folder.
//         kCorrupt   an unreadable config.json, or two sets of layers. Those of
//                    parse_vendor_config().
Result<PackageFiles> locate_package(const std::filesystem::path& folder);

// True when `folder` looks like a package: it has a config.json or an engine file. Cheap.
bool looks_like_package(const std::filesystem::path& folder);

// Bytes of a file; 0 where it cannot be read.
std::uint64_t size_of(const std::filesystem::path& path);

// The regular files below `folder` (one level deep at most), sorted. Empty where it cannot be read.
std::vector<std::filesystem::path> list_files(const std::filesystem::path& folder, int depth);

}  // namespace axle::package
