#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/result.h"

// Reader of GGUF files, versions 2 and 3, little-endian.
// Source: GGUF specification (ggml repository, docs/gguf.md).
namespace axle::package {

// Type numbers of metadata values, as in the file.
enum class GgufType : std::uint32_t {
  kUint8 = 0,
  kInt8 = 1,
  kUint16 = 2,
  kInt16 = 3,
  kUint32 = 4,
  kInt32 = 5,
  kFloat32 = 6,
  kBool = 7,
  kString = 8,
  kArray = 9,
  kUint64 = 10,
  kInt64 = 11,
  kFloat64 = 12,
};

// A storage format of tensor elements: blocks of `block_elements` numbers in `block_bytes` bytes.
struct GgmlFormat {
  std::uint32_t id = 0;   // ggml_type number of the file.
  std::string_view name;  // "f32", "q8_0", "q4_K", ... as ggml prints it.
  std::size_t block_elements = 1;
  std::size_t block_bytes = 0;
};

// The format of a ggml_type number; nullptr for numbers that are unknown or were withdrawn.
const GgmlFormat* find_ggml_format(std::uint32_t id);

// Elements of an array, still in the file's bytes: reading costs nothing until iterated.
struct GgufArray {
  GgufType element = GgufType::kUint8;  // Never kArray.
  std::uint64_t count = 0;
  std::span<const std::byte> bytes;  // Exactly the elements; for strings a u64 length before each.
};

using GgufValue =
    std::variant<std::uint64_t, std::int64_t, double, bool, std::string_view, GgufArray>;

struct GgufEntry {
  std::string_view key;
  GgufType type = GgufType::kUint8;
  GgufValue value;
};

struct GgufTensor {
  std::string_view name;
  const GgmlFormat* format = nullptr;  // Never null.
  std::vector<std::uint64_t> dims;     // dims[0] is the row length (fastest).
  std::uint64_t offset = 0;            // From the start of the file.
  std::uint64_t size_bytes = 0;        // Checked to lie within the file.
  std::uint64_t row_elements() const { return dims.empty() ? 1 : dims[0]; }
  std::uint64_t rows() const;
};

// The description part of a GGUF file. Holds views into the bytes it was parsed from: they must
// outlive it. A count in the file never makes the reader allocate more than a few times the bytes
// that are really there.
//
// Threading: immutable.
class Gguf {
 public:
  // `head` is the file, or its first bytes; `file_bytes` the size of the whole. Tensor data need
  // not be in `head`.
  //
  // Errors: kCorrupt      damaged: the offset, what was found and what was wanted.
  //         kUnsupported  version, byte order, a nested array or a tensor type that is not known.
  //         kExhausted    the description goes on beyond `head` though not beyond the file: call
  //                       again with more.
  static Result<Gguf> parse(std::span<const std::byte> head, std::uint64_t file_bytes);
  static Result<Gguf> parse(std::span<const std::byte> file) { return parse(file, file.size()); }

  std::uint32_t version() const { return version_; }
  std::uint64_t alignment() const { return alignment_; }
  std::uint64_t data_offset() const { return data_offset_; }
  std::span<const GgufEntry> entries() const { return entries_; }
  std::span<const GgufTensor> tensors() const { return tensors_; }

  // nullptr where there is none.
  const GgufEntry* find(std::string_view key) const;
  const GgufTensor* find_tensor(std::string_view name) const;

  // Typed access; an absent key is nullopt. Any integer type of the file is accepted for integers,
  // any number for get_float.
  //
  // Errors: kCorrupt  the key has another type, or is negative (get_unsigned).
  Result<std::optional<std::uint64_t>> get_unsigned(std::string_view key) const;
  Result<std::optional<double>> get_float(std::string_view key) const;
  Result<std::optional<bool>> get_bool(std::string_view key) const;
  Result<std::optional<std::string_view>> get_string(std::string_view key) const;
  Result<std::optional<std::vector<std::string_view>>> get_strings(std::string_view key) const;
  Result<std::optional<std::vector<std::int32_t>>> get_int32s(std::string_view key) const;
  Result<std::optional<std::vector<float>>> get_floats(std::string_view key) const;

 private:
  Gguf() = default;
  std::uint32_t version_ = 0;
  std::uint64_t alignment_ = 32;
  std::uint64_t data_offset_ = 0;
  std::vector<GgufEntry> entries_;    // Sorted by key.
  std::vector<GgufTensor> tensors_;   // In the order of the file.
  std::vector<std::size_t> by_name_;  // Indices of tensors_, sorted by name.
};

}  // namespace axle::package
