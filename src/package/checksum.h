#pragma once

#include <filesystem>
#include <string>

namespace axle::package {

// What tells the weights of a package from others': the SHA-256, in hexadecimal, of the lines
// "checksum name" of its engines, by name, as its import recorded them. Reads the record only.
// Empty where there is no record of engines, or none that can be read.
std::string recorded_sha256(const std::filesystem::path& folder);

}  // namespace axle::package
