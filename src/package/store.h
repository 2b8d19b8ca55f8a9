#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace axle::package {

// What a package is for.
enum class PackageKind : std::uint8_t {
  kText,      // A language model: Package opens it.
  kPictures,  // A picture model: PicturePackage opens it.
};

// By the names of the files alone. Cheap.
PackageKind kind_of_package(const std::filesystem::path& folder);

// One package of a store, as a listing shows it.
struct StoreEntry {
  std::string name;              // Folder name, with '/' for packages one level down.
  std::filesystem::path folder;  // Absolute.
  PackageKind kind = PackageKind::kText;
  std::uintmax_t size_bytes = 0;
  std::filesystem::file_time_type modified;
};

// A folder of model packages.
//
// Threading: holds a path only; safe from any thread. Other processes may add and remove packages
// at any time.
class Store {
 public:
  explicit Store(std::filesystem::path folder);

  // $AXLE_MODELS, else $XDG_DATA_HOME/axle/models, else $HOME/.local/share/axle/models, else
  // /var/lib/axle/models. The folder need not exist.
  static std::filesystem::path default_folder();

  const std::filesystem::path& folder() const { return folder_; }

  // All packages, by name; a folder that does not exist is an empty store. What cannot be read and
  // the unfinished folders of imports are left out.
  // Errors: kUnavailable  the folder cannot be read; kInvalidArgument  it is a file.
  Result<std::vector<StoreEntry>> list() const;

  // The folder of the package that `name` means: its exact name, "name:latest", the same name in
  // another case, else the only one that begins with it.
  // Errors: kInvalidArgument  an empty name, or several begin with it (their names);
  //         kNotFound         no such package (the known names); and those of list().
  Result<std::filesystem::path> find(std::string_view name) const;

  // Removes a package for good. Takes the exact name only.
  // Errors: kNotFound  no such package; kUnavailable  files cannot be removed.
  Status remove(std::string_view name) const;

 private:
  std::filesystem::path folder_;
};

}  // namespace axle::package
