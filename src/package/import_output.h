#pragma once

#include <cstdint>
#include <filesystem>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "package/config.h"

// The folder that an import makes: its fixed names, its record, and what stood there before. Not
// part of the room's interface.
namespace axle::package {

inline constexpr std::string_view kEmbeddingFile = "model.embed_tokens.weight.bfloat16.bin";
inline constexpr std::string_view kRecordFile = "axle.json";

// Absolute, without a slash at its end.
std::filesystem::path clean_output_path(const std::filesystem::path& path);

enum class Existing : std::uint8_t { kNone, kSame, kReplace };

// What stands at the output path; kSame where `wanted` was made there before and can be opened.
// Errors: kInvalidArgument  something that must not be replaced.
Result<Existing> look_at_output(const std::filesystem::path& output, const ImportRecord& wanted,
                                bool may_replace);

enum class Recorded : std::uint8_t {
  kAll,    // Every file.
  kTexts,  // Not the engines and the table: where these are holes, hashing zeros proves nothing.
};

// Sizes and checksums of the files in `folder`. Errors: as MappedFile::open().
Result<std::vector<FileRecord>> record_files(const std::filesystem::path& folder, Recorded which);

// Bytes of all files of `folder`, as their sizes say.
std::uint64_t folder_bytes(const std::filesystem::path& folder);

}  // namespace axle::package
