#pragma once

#include <filesystem>

#include "base/status.h"

// The files of a package against what its import wrote about them (axle.json). Packages without a
// record pass. Not part of the room's interface.
namespace axle::package {

// Compares the sizes of the big files with the record. Texts may be edited by their owner.
// Errors: kCorrupt  a file of another size, a record that cannot be read.
Status check_recorded_sizes(const std::filesystem::path& folder);

// Compares all files with the checksums of the record.
// Errors: kCorrupt  a file that has changed; and those of MappedFile::open().
Status check_recorded_hashes(const std::filesystem::path& folder);

}  // namespace axle::package
