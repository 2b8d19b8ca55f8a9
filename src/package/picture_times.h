#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "package/picture_config.h"
#include "package/picture_files.h"
#include "package/picture_package.h"

// The time rows of a picture package. Not part of the room's interface.
namespace axle::package {

// Reads the time files of one size. `width` is E, the length of a row. Rows of zeros are left out
// (the vendor's file for pictures from pictures ends with two); `notes` says which.
// Errors: kCorrupt      a damaged file, rows of another length, more or fewer rows than timesteps,
//                       a number that is not finite, no row at all, the two files contradict.
//         kUnsupported  another element type.
//         And those of MappedFile::open().
Result<TimeRows> read_time_rows(const PictureVariantFiles& files, const PictureConfig& config,
                                std::size_t width, std::vector<std::string>& notes);

// True where both have the same timesteps, and rows that differ by rounding only.
bool same_rows(const TimeRows& a, const TimeRows& b);

}  // namespace axle::package
