#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <vector>

#include "base/result.h"
#include "package/gguf.h"

namespace axle::package {

// An open GGUF file whose tensors are read in pieces. Nothing is mapped, so that a file which is
// shortened or lies on a failing disk gives an error, not a signal.
//
// Threading: immutable after open(); read() may be called by several threads.
class GgufFile {
 public:
  // Errors: as Gguf::parse(); kNotFound, kUnavailable, kInvalidArgument of the file system;
  //         kUnsupported a description longer than 256 MiB.
  static Result<GgufFile> open(const std::filesystem::path& path);

  GgufFile(GgufFile&& other) noexcept;
  GgufFile& operator=(GgufFile&& other) noexcept;
  ~GgufFile();

  const Gguf& gguf() const { return *gguf_; }
  const std::filesystem::path& path() const { return path_; }
  std::uint64_t size_bytes() const { return size_bytes_; }

  // Fills `to` from `offset` of the file.
  // Errors: kCorrupt the file ends early (it was shortened meanwhile); kUnavailable a read error.
  Status read(std::uint64_t offset, std::span<std::byte> to) const;

  // Errors: kCorrupt another program wrote to the file since open().
  Status check_unchanged() const;

 private:
  GgufFile() = default;
  int fd_ = -1;
  std::uint64_t size_bytes_ = 0;
  std::int64_t modified_ns_ = 0;
  std::filesystem::path path_;
  std::vector<std::byte> head_;  // What gguf_ points into.
  std::unique_ptr<Gguf> gguf_;
};

}  // namespace axle::package
