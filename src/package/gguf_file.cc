#include "package/gguf_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

namespace axle::package {
namespace {

constexpr std::uint64_t kFirstHeadBytes = std::uint64_t{4} << 20;
constexpr std::uint64_t kMaxHeadBytes = std::uint64_t{256} << 20;

std::int64_t modified_ns(const struct stat& info) {
  return std::int64_t{info.st_mtim.tv_sec} * 1'000'000'000 + info.st_mtim.tv_nsec;
}

}  // namespace

Result<GgufFile> GgufFile::open(const std::filesystem::path& path) {
  GgufFile file;
  file.path_ = path;
  file.fd_ = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (file.fd_ < 0) {
    const std::string text = fmt::format("cannot open {}: {}", path.string(), std::strerror(errno));
    return errno == ENOENT || errno == ENOTDIR ? not_found(text) : unavailable(text);
  }
  struct stat info {};
  if (::fstat(file.fd_, &info) != 0 || !S_ISREG(info.st_mode)) {
    return invalid_argument(fmt::format("{} is not a regular file", path.string()));
  }
  file.size_bytes_ = static_cast<std::uint64_t>(info.st_size);
  file.modified_ns_ = modified_ns(info);

  for (std::uint64_t wanted = kFirstHeadBytes; wanted <= kMaxHeadBytes; wanted *= 4) {
    file.head_.resize(static_cast<std::size_t>(std::min(wanted, file.size_bytes_)));
    AXLE_TRY(file.read(0, file.head_));
    Result<Gguf> gguf = Gguf::parse(file.head_, file.size_bytes_);
    if (gguf.ok()) {
      file.gguf_ = std::make_unique<Gguf>(*std::move(gguf));
      return file;
    }
    if (gguf.status().code() != Code::kExhausted) {
      return gguf.status().with_context(path.string());
    }
  }
  return unsupported(fmt::format("{}: the description of the model is longer than {} MiB",
                                 path.string(), kMaxHeadBytes >> 20));
}

GgufFile::GgufFile(GgufFile&& other) noexcept
    : fd_(std::exchange(other.fd_, -1)),
      size_bytes_(other.size_bytes_),
      modified_ns_(other.modified_ns_),
      path_(std::move(other.path_)),
      head_(std::move(other.head_)),
      gguf_(std::move(other.gguf_)) {}

GgufFile& GgufFile::operator=(GgufFile&& other) noexcept {
  std::swap(fd_, other.fd_);
  std::swap(size_bytes_, other.size_bytes_);
  std::swap(modified_ns_, other.modified_ns_);
  std::swap(path_, other.path_);
  std::swap(head_, other.head_);
  std::swap(gguf_, other.gguf_);
  return *this;
}

GgufFile::~GgufFile() {
  if (fd_ >= 0) ::close(fd_);
}

Status GgufFile::read(std::uint64_t offset, std::span<std::byte> to) const {
  while (!to.empty()) {
    const ssize_t got = ::pread(fd_, to.data(), to.size(), static_cast<off_t>(offset));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) {
      return unavailable(
          fmt::format("cannot read {} at {}: {}", path_.string(), offset, std::strerror(errno)));
    }
    if (got == 0) {
      return corrupt(fmt::format("{} was shortened while it was read: {} more bytes wanted at {}",
                                 path_.string(), to.size(), offset));
    }
    offset += static_cast<std::uint64_t>(got);
    to = to.subspan(static_cast<std::size_t>(got));
  }
  return {};
}

Status GgufFile::check_unchanged() const {
  struct stat info {};
  if (::fstat(fd_, &info) != 0) {
    return unavailable(fmt::format("cannot read {}: {}", path_.string(), std::strerror(errno)));
  }
  if (static_cast<std::uint64_t>(info.st_size) != size_bytes_ ||
      modified_ns(info) != modified_ns_) {
    return corrupt(fmt::format("{} was changed while it was read: {} bytes at first, now {}",
                               path_.string(), size_bytes_, info.st_size));
  }
  return {};
}

}  // namespace axle::package
