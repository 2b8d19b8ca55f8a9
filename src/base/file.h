#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>

#include "base/result.h"

namespace axle {

// A whole file mapped for reading. The bytes stay valid while the object lives; a file that another
// process shortens meanwhile raises SIGBUS on access, as with any mapping.
//
// Threading: immutable after open().
class MappedFile {
 public:
  // Errors: kNotFound  no such file. kInvalidArgument  not a regular file. kUnavailable  not
  // readable.
  static Result<MappedFile> open(const std::filesystem::path& path);

  MappedFile(MappedFile&& other) noexcept;
  MappedFile& operator=(MappedFile&& other) noexcept;
  ~MappedFile();

  std::span<const std::byte> bytes() const { return {data_, size_bytes_}; }
  // Gives the memory of the pages back; they are read from the file again when they are used.
  void release_pages() const;

 private:
  MappedFile(const std::byte* data, std::size_t size_bytes)
      : data_(data), size_bytes_(size_bytes) {}
  const std::byte* data_ = nullptr;
  std::size_t size_bytes_ = 0;
};

// The whole file as text. Errors: as MappedFile::open; kExhausted above `limit_bytes`.
Result<std::string> read_file(const std::filesystem::path& path,
                              std::size_t limit_bytes = std::size_t{64} << 20);

// Replaces `path` by `content`, all or nothing: written beside it, synced, renamed.
// Errors: kExhausted  no space. kUnavailable  cannot be written (with the system's reason).
Status write_file_atomically(const std::filesystem::path& path, std::string_view content);

// Lower-case hexadecimal SHA-256 of `data`.
std::string sha256_hex(std::span<const std::byte> data);

}  // namespace axle
