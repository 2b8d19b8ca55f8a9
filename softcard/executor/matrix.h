#pragma once

#include <cstddef>
#include <cstdint>

#include "axmodel/model.h"
#include "base/result.h"
#include "softcard/executor/aligned.h"

// Matrices of quantised weights, multiplied by rows of quantised activations.
//
// Every product is batch-invariant by construction: the 32 products of a block are added as
// integers (exact in any order), and the blocks of one output are added to one float in the order
// of the columns. No result depends on how many rows run, on which thread, or on the instruction
// set used for the integers.
namespace axle::softcard {

inline constexpr std::size_t kBlock = 32;      // Numbers that share a scale, in every format here.
inline constexpr std::size_t kGroupRows = 16;  // Matrix rows that are interleaved.
inline constexpr std::size_t kTileRows = 8;    // Activation rows that one tile can take.

// Rows of activations as signed bytes, a scale for each block of 32.
struct Activations {
  std::int8_t* values = nullptr;  // [rows, columns]
  float* scales = nullptr;        // [rows, columns / 32]
  float* offsets = nullptr;       // [rows, columns / 32]: scale * sum of the block's values.
  std::int32_t* sums = nullptr;   // [rows, columns / 32]: sum of the block's values.
  std::size_t columns = 0;

  // Bytes that `rows` rows of `columns` numbers need, a multiple of 64.
  static std::size_t bytes(std::size_t rows, std::size_t columns);
  // Lays the arrays out in `memory` of bytes() bytes at a multiple of 64.
  static Activations in(std::byte* memory, std::size_t rows, std::size_t columns);
};

// Quantises one row of `activations.columns` floats into row `row`.
void quantise_row(const float* from, std::size_t row, const Activations& activations);

// A matrix y = W x, repacked for this processor: 16 rows side by side, so that one vector of
// activations meets 16 outputs at once.
//
// Threading: immutable after create().
class Matrix {
 public:
  // Reads a weight of shape [rows, columns]; formats q8_0, q4_0, q4_1, q5_0, q5_1.
  // Errors: kUnsupported  another format: its products would not be batch-invariant here.
  // Throws std::bad_alloc.
  static Result<Matrix> create(const axmodel::Weight& weight);

  std::size_t rows() const { return rows_; }
  std::size_t columns() const { return columns_; }
  std::size_t groups() const { return (rows_ + kGroupRows - 1) / kGroupRows; }
  std::size_t memory_bytes() const;

  // One tile: outputs [16 * group, 16 * group + 16) for `count` (1 to kTileRows) activation rows
  // from `row`. out[i][j] is output 16 * group + j of row `row + i`; outputs past rows() are 0.
  void multiply(std::size_t group, const Activations& x, std::size_t row, std::size_t count,
                float (*out)[kGroupRows]) const;

 private:
  friend struct Kernel;
  Matrix() = default;

  std::size_t rows_ = 0;
  std::size_t columns_ = 0;
  bool packed_nibbles_ = false;  // Two numbers to a byte.
  bool has_minimum_ = false;     // w = scale * q + minimum, else w = scale * (q - bias_).
  std::int32_t bias_ = 0;
  // [group][block][step][16 rows][4 columns] bytes, 8 steps to a block; with nibbles 4 steps, whose
  // low halves are step 2s and whose high halves are step 2s + 1.
  AlignedArray<std::uint8_t> quants_;
  AlignedArray<std::uint16_t> scales_;    // [group][block][16 rows], IEEE half.
  AlignedArray<std::uint16_t> minimums_;  // As scales_; empty without minimums.
};

// "avx512-vnni", "avx-vnni", "avx2", "neon-dotprod" or "portable": the integer kernels in use.
const char* matrix_kernel_name();

}  // namespace axle::softcard
