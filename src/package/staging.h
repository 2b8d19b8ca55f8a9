#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

#include "base/result.h"

// A folder that appears whole or not at all. Not part of the room's interface.
namespace axle::package {

// Where a package is built before it gets its name: ".<name>.importing" beside its place, locked
// while the process lives. What a killed process left there is cleared by the next create().
//
// Threading: not synchronised.
class Staging {
 public:
  // Also removes abandoned staging folders of other names beside it.
  // Errors: kInvalidArgument  a target without a proper name; kNotFound  no parent folder;
  //         kUnavailable      another process builds the same package; the file system's errors.
  static Result<Staging> create(const std::filesystem::path& target);

  Staging(Staging&& other) noexcept;
  Staging& operator=(Staging&&) = delete;
  ~Staging();  // Removes the folder unless it was published.

  const std::filesystem::path& folder() const { return folder_; }

  // Gives the folder its name, all at once; what was there is replaced. Synced to the disk.
  // Errors: kUnavailable  the file system refuses.
  Status publish();

 private:
  Staging(std::filesystem::path target, std::filesystem::path folder, int fd);
  std::filesystem::path target_;
  std::filesystem::path folder_;  // Empty once published.
  int fd_ = -1;                   // Holds the lock.
};

// Errors: kExhausted unless `available` bytes are enough for `needed`.
Status check_space(std::uint64_t needed, std::uint64_t available,
                   const std::filesystem::path& folder);

}  // namespace axle::package
