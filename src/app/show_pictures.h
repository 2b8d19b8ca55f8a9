#pragma once

#include <filesystem>
#include <string>

#include "base/status.h"

namespace axle::app {

// One line for `axle ls`.
std::string pictures_line(const std::filesystem::path& folder);

// What `axle show` prints of a picture package. `verify`: reads every file whole.
// Errors: as package::PicturePackage::open() and verify().
Status show_pictures(const std::filesystem::path& folder, bool verify);

}  // namespace axle::app
