#include "base/file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <openssl/sha.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

namespace axle {
namespace {

Status errno_status(int error, std::string_view what, const std::filesystem::path& path) {
  const std::string text =
      fmt::format("cannot {} {}: {}", what, path.string(), std::strerror(error));
  if (error == ENOENT || error == ENOTDIR) return not_found(text);
  if (error == ENOSPC || error == EDQUOT || error == EFBIG) return exhausted(text);
  return unavailable(text);
}

// Closes a descriptor at the end of a scope.
class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int get() const { return fd_; }

 private:
  int fd_;
};

Status write_all(int fd, std::string_view content, const std::filesystem::path& path) {
  while (!content.empty()) {
    const ssize_t written = ::write(fd, content.data(), content.size());
    if (written < 0) {
      if (errno == EINTR) continue;
      return errno_status(errno, "write", path);
    }
    content.remove_prefix(static_cast<std::size_t>(written));
  }
  if (::fsync(fd) != 0) return errno_status(errno, "sync", path);
  return {};
}

}  // namespace

Result<MappedFile> MappedFile::open(const std::filesystem::path& path) {
  const Descriptor fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (fd.get() < 0) return errno_status(errno, "open", path);
  struct stat info {};
  if (::fstat(fd.get(), &info) != 0) return errno_status(errno, "read", path);
  if (!S_ISREG(info.st_mode)) {
    return invalid_argument(fmt::format("{} is not a regular file", path.string()));
  }
  const auto size = static_cast<std::size_t>(info.st_size);
  if (size == 0) return MappedFile(nullptr, 0);
  void* data = ::mmap(nullptr, size, PROT_READ, MAP_PRIVATE, fd.get(), 0);
  if (data == MAP_FAILED) return errno_status(errno, "map", path);
  return MappedFile(static_cast<const std::byte*>(data), size);
}

MappedFile::MappedFile(MappedFile&& other) noexcept
    : data_(std::exchange(other.data_, nullptr)),
      size_bytes_(std::exchange(other.size_bytes_, 0)) {}

MappedFile& MappedFile::operator=(MappedFile&& other) noexcept {
  std::swap(data_, other.data_);
  std::swap(size_bytes_, other.size_bytes_);
  return *this;
}

MappedFile::~MappedFile() {
  if (data_ != nullptr) ::munmap(const_cast<std::byte*>(data_), size_bytes_);
}

void MappedFile::release_pages() const {
  // Advice only: where it is not taken, the pages stay until the system wants them.
  if (data_ != nullptr) (void)::madvise(const_cast<std::byte*>(data_), size_bytes_, MADV_DONTNEED);
}

Result<std::string> read_file(const std::filesystem::path& path, std::size_t limit_bytes) {
  AXLE_TRY_ASSIGN(const MappedFile file, MappedFile::open(path));
  if (file.bytes().size() > limit_bytes) {
    return exhausted(fmt::format("{} has {} bytes, at most {} are read", path.string(),
                                 file.bytes().size(), limit_bytes));
  }
  return std::string(reinterpret_cast<const char*>(file.bytes().data()), file.bytes().size());
}

Status write_file_atomically(const std::filesystem::path& path, std::string_view content) {
  std::string temporary = path.string() + ".XXXXXX";
  const Descriptor fd(::mkostemp(temporary.data(), O_CLOEXEC));
  if (fd.get() < 0) return errno_status(errno, "create a file beside", path);
  Status status = write_all(fd.get(), content, path);
  if (status.ok() && ::fchmod(fd.get(), 0644) != 0) status = errno_status(errno, "chmod", path);
  if (status.ok() && ::rename(temporary.c_str(), path.c_str()) != 0) {
    status = errno_status(errno, "replace", path);
  }
  if (!status.ok()) ::unlink(temporary.c_str());
  return status;
}

std::string sha256_hex(std::span<const std::byte> data) {
  std::array<unsigned char, SHA256_DIGEST_LENGTH> digest{};
  ::SHA256(reinterpret_cast<const unsigned char*>(data.data()), data.size(), digest.data());
  std::string hex;
  for (const unsigned char byte : digest) hex += fmt::format("{:02x}", byte);
  return hex;
}

}  // namespace axle
