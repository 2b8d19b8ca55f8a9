#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>

#include "base/status.h"

// Private to this room: writing a big protobuf message piece by piece.
namespace axle::axmodel {

// A length-delimited tag (one byte below field 16) and its length, always in five bytes so that
// every offset is known before anything is written.
inline constexpr std::size_t kPrefixBytes = 6;
void append_prefix(std::string& out, std::uint32_t field, std::size_t length);

// A file that appears under its name only when commit() was reached.
// Errors of all: kExhausted  no space left; kUnavailable  the file system's, with the reason.
class NewFile {
 public:
  explicit NewFile(const std::filesystem::path& path);
  NewFile(const NewFile&) = delete;
  NewFile& operator=(const NewFile&) = delete;
  ~NewFile();

  Status open();
  Status append(std::span<const std::byte> bytes);
  Status append(const std::string& bytes) { return append(std::as_bytes(std::span(bytes))); }
  // Leaves a hole of so many bytes, which reads as zeros.
  Status skip(std::size_t bytes);
  Status commit();

 private:
  std::filesystem::path path_;
  std::filesystem::path partial_;
  int descriptor_ = -1;
};

}  // namespace axle::axmodel
