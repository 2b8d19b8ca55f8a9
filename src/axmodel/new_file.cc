#include "axmodel/new_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string_view>

namespace axle::axmodel {
namespace {

Status system_error(std::string_view what, const std::filesystem::path& path, int error) {
  std::string message = fmt::format("{} {}: {}", what, path.string(), std::strerror(error));
  if (error == ENOSPC || error == EDQUOT) return exhausted(std::move(message));
  return unavailable(std::move(message));
}

}  // namespace

void append_prefix(std::string& out, std::uint32_t field, std::size_t length) {
  constexpr std::uint32_t kLengthDelimited = 2;
  out.push_back(static_cast<char>(field << 3 | kLengthDelimited));
  for (int byte = 0; byte < 4; ++byte) {
    out.push_back(static_cast<char>((length >> (7 * byte) & 0x7f) | 0x80));
  }
  out.push_back(static_cast<char>(length >> 28 & 0x7f));
}

NewFile::NewFile(const std::filesystem::path& path)
    : path_(path), partial_(path.string() + fmt::format(".partial-{}", ::getpid())) {}

NewFile::~NewFile() {
  if (descriptor_ < 0) return;
  ::close(descriptor_);
  ::unlink(partial_.c_str());
}

Status NewFile::open() {
  descriptor_ = ::open(partial_.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  if (descriptor_ < 0) return system_error("cannot create", partial_, errno);
  return {};
}

Status NewFile::append(std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(descriptor_, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return system_error("cannot write", partial_, errno);
    bytes = bytes.subspan(static_cast<std::size_t>(written));
  }
  return {};
}

Status NewFile::skip(std::size_t bytes) {
  const off_t end = ::lseek(descriptor_, static_cast<off_t>(bytes), SEEK_CUR);
  if (end < 0 || ::ftruncate(descriptor_, end) != 0)
    return system_error("cannot write", partial_, errno);
  return {};
}

Status NewFile::commit() {
  if (::fsync(descriptor_) != 0) return system_error("cannot sync", partial_, errno);
  if (::rename(partial_.c_str(), path_.c_str()) != 0)
    return system_error("cannot create", path_, errno);
  ::close(descriptor_);
  descriptor_ = -1;
  const std::filesystem::path folder = path_.has_parent_path() ? path_.parent_path() : ".";
  const int directory = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (directory >= 0) {
    ::fsync(directory);  // Some file systems refuse; the file itself is safe already.
    ::close(directory);
  }
  return {};
}

}  // namespace axle::axmodel
