#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"

// NumPy's files of one array, as far as picture packages use them. Not part of the room's
// interface. Source: NumPy, numpy/lib/format.py (versions 1.0 to 3.0).
namespace axle::package {

// A table of floats, row-major.
struct NpyTable {
  std::size_t rows = 0;
  std::size_t columns = 0;
  std::vector<float> numbers;

  std::span<const float> row(std::size_t index) const {
    return std::span(numbers).subspan(index * columns, columns);
  }
};

// Reads a file of shape (rows, columns) of little-endian 32-bit floats in C order.
// Errors: kCorrupt      not such a file, a header that cannot be read, too few or too many bytes.
//         kUnsupported  another element type, order or number of dimensions (which).
Result<NpyTable> parse_npy(std::span<const std::byte> bytes);

// The same as a file of version 1.0.
std::string npy_file(const NpyTable& table);

}  // namespace axle::package
