#include "package/staging.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

namespace axle::package {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kEnd = ".importing";
constexpr int kMaxTries = 16;

Status system_status(int error, std::string_view what, const fs::path& path) {
  const std::string text =
      fmt::format("cannot {} {}: {}", what, path.string(), std::strerror(error));
  if (error == ENOSPC || error == EDQUOT) return exhausted(text);
  return unavailable(text);
}

bool is_staging_name(std::string_view name) {
  return name.size() > kEnd.size() + 1 && name.front() == '.' && name.ends_with(kEnd);
}

// Opens a folder and locks it; -1 when it is gone or locked by another process (errno says which).
int open_locked(const fs::path& folder) {
  const int fd = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  if (fd < 0) return -1;
  if (::flock(fd, LOCK_EX | LOCK_NB) != 0) {
    const int error = errno;
    ::close(fd);
    errno = error;
    return -1;
  }
  struct stat opened {};
  struct stat named {};
  if (::fstat(fd, &opened) != 0 || ::stat(folder.c_str(), &named) != 0 ||
      opened.st_ino != named.st_ino || opened.st_dev != named.st_dev) {
    ::close(fd);  // It was renamed or replaced between the two calls.
    errno = ENOENT;
    return -1;
  }
  return fd;
}

void remove_abandoned(const fs::path& parent, const fs::path& except) {
  std::error_code error;
  std::vector<fs::path> found;
  fs::directory_iterator entry(parent, error);
  for (; !error && entry != fs::directory_iterator(); entry.increment(error)) {
    if (is_staging_name(entry->path().filename().string())) found.push_back(entry->path());
  }
  for (const fs::path& folder : found) {
    if (folder == except) continue;
    const int fd = open_locked(folder);
    if (fd < 0) continue;
    fs::remove_all(folder, error);
    ::close(fd);
  }
}

Status clear(const fs::path& folder) {
  std::error_code error;
  std::vector<fs::path> found;
  fs::directory_iterator entry(folder, error);
  for (; !error && entry != fs::directory_iterator(); entry.increment(error)) {
    found.push_back(entry->path());
  }
  for (const fs::path& path : found) {
    if (!error) fs::remove_all(path, error);
  }
  return error ? system_status(error.value(), "clear", folder) : Status();
}

Status sync_folder(const fs::path& folder) {
  const int fd = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  const int result = fd < 0 ? -1 : ::fsync(fd);
  const int error = errno;
  if (fd >= 0) ::close(fd);
  // Some file systems cannot sync folders; they keep the order of renames by themselves.
  if (result != 0 && error != EINVAL) return system_status(error, "sync", folder);
  return {};
}

// Exchanges two names. Where the file system cannot, the old folder is moved away first.
Status exchange(const fs::path& folder, const fs::path& target) {
  if (::renameat2(AT_FDCWD, folder.c_str(), AT_FDCWD, target.c_str(), RENAME_EXCHANGE) == 0) {
    return {};
  }
  if (errno != EINVAL && errno != ENOSYS) return system_status(errno, "replace", target);
  const fs::path away =
      folder.parent_path() / fmt::format(".{}-old{}", target.filename().string(), kEnd);
  std::error_code error;
  fs::rename(target, away, error);
  if (!error) fs::rename(folder, target, error);
  if (!error) fs::rename(away, folder, error);
  return error ? system_status(error.value(), "replace", target) : Status();
}

}  // namespace

Staging::Staging(fs::path target, fs::path folder, int fd)
    : target_(std::move(target)), folder_(std::move(folder)), fd_(fd) {}

Staging::Staging(Staging&& other) noexcept
    : target_(std::move(other.target_)),
      folder_(std::exchange(other.folder_, {})),
      fd_(std::exchange(other.fd_, -1)) {}

Staging::~Staging() {
  std::error_code error;
  if (!folder_.empty()) fs::remove_all(folder_, error);
  if (fd_ >= 0) ::close(fd_);
}

Result<Staging> Staging::create(const fs::path& target) {
  const std::string name = target.filename().string();
  if (name.empty() || name.front() == '.') {
    return invalid_argument(fmt::format("'{}' is no name for a package folder", target.string()));
  }
  const fs::path parent = target.parent_path();
  std::error_code error;
  if (!fs::is_directory(parent, error)) {
    return not_found(fmt::format("no such folder: {}", parent.string()));
  }
  const fs::path folder = parent / fmt::format(".{}{}", name, kEnd);
  remove_abandoned(parent, folder);
  for (int i = 0; i < kMaxTries; ++i) {
    if (::mkdir(folder.c_str(), 0755) != 0 && errno != EEXIST) {
      return system_status(errno, "create", folder);
    }
    const int fd = open_locked(folder);
    if (fd >= 0) {
      Staging staging(target, folder, fd);
      AXLE_TRY(clear(folder));
      return staging;
    }
    if (errno == EWOULDBLOCK) {
      return unavailable(
          fmt::format("another process is importing {}; wait until it is done", target.string()));
    }
    if (errno != ENOENT) return system_status(errno, "open", folder);
  }
  return unavailable(fmt::format("cannot create {}: it vanishes again and again", folder.string()));
}

Status Staging::publish() {
  AXLE_TRY(sync_folder(folder_));
  std::error_code error;
  if (::renameat2(AT_FDCWD, folder_.c_str(), AT_FDCWD, target_.c_str(), RENAME_NOREPLACE) == 0) {
    folder_.clear();
  } else if (fs::exists(target_, error)) {
    AXLE_TRY(exchange(folder_, target_));  // The old content is now at folder_.
  } else {
    fs::rename(folder_, target_, error);  // A file system without the flag.
    if (error) return system_status(error.value(), "rename", folder_);
    folder_.clear();
  }
  return sync_folder(target_.parent_path());
}

Status check_space(std::uint64_t needed, std::uint64_t available, const fs::path& folder) {
  if (needed <= available) return {};
  constexpr double kMib = 1024.0 * 1024.0;
  return exhausted(fmt::format("not enough space in {}: {:.1f} MiB needed, {:.1f} MiB available",
                               folder.string(), static_cast<double>(needed) / kMib,
                               static_cast<double>(available) / kMib));
}

}  // namespace axle::package
