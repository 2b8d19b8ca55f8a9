#include "softcard/executor/matrix.h"

#include <fmt/format.h>

#include <array>
#include <cmath>
#include <cstring>
#include <optional>

#include "softcard/executor/matrix_kernels.h"

namespace axle::softcard {
namespace {

constexpr std::size_t kSteps = 8;       // Of four columns, in a block.
constexpr std::size_t kStepBytes = 64;  // 16 rows of four columns.

// How a block of a format lies in a file. Source: ggml 0.25.3, ggml-common.h.
struct BlockLayout {
  std::string_view format;
  std::size_t bytes;
  bool has_minimum;  // A second half after the scale.
  int bits;          // 8, 5 (four low bits and a word of high bits) or 4.
  std::int32_t bias;
};
constexpr std::array<BlockLayout, 5> kLayouts{{{"q8_0", 34, false, 8, 0},
                                               {"q4_0", 18, false, 4, 8},
                                               {"q4_1", 20, true, 4, 0},
                                               {"q5_0", 22, false, 5, 16},
                                               {"q5_1", 24, true, 5, 0}}};

const BlockLayout* find_layout(std::string_view format) {
  for (const BlockLayout& layout : kLayouts) {
    if (layout.format == format) return &layout;
  }
  return nullptr;
}

struct Block {
  std::uint16_t scale = 0;
  std::uint16_t minimum = 0;
  std::array<std::uint8_t, kBlock> values{};  // q8_0: the signed byte's bits.
};

Block read_block(const BlockLayout& layout, const std::byte* from) {
  Block block;
  std::memcpy(&block.scale, from, 2);
  from += 2;
  if (layout.has_minimum) {
    std::memcpy(&block.minimum, from, 2);
    from += 2;
  }
  if (layout.bits == 8) {
    std::memcpy(block.values.data(), from, kBlock);
    return block;
  }
  std::uint32_t high = 0;
  if (layout.bits == 5) {
    std::memcpy(&high, from, 4);
    from += 4;
  }
  for (std::size_t i = 0; i < kBlock / 2; ++i) {
    const auto pair = static_cast<std::uint32_t>(from[i]);
    block.values[i] = static_cast<std::uint8_t>((pair & 15u) | ((high >> i & 1u) << 4));
    block.values[i + 16] = static_cast<std::uint8_t>(pair >> 4 | ((high >> (i + 16) & 1u) << 4));
  }
  return block;
}

// Puts one row's block into the interleaved place that starts at `to`.
void spread(const Block& block, std::size_t row, bool nibbles, std::uint8_t flip,
            std::uint8_t* to) {
  for (std::size_t column = 0; column < kBlock; ++column) {
    const std::size_t step = column / 4;
    const auto value = static_cast<std::uint8_t>(block.values[column] ^ flip);
    const std::size_t place = 4 * row + column % 4;
    if (!nibbles) {
      to[step * kStepBytes + place] = value;
    } else {
      std::uint8_t& pair = to[step / 2 * kStepBytes + place];
      pair = static_cast<std::uint8_t>(pair | value << (step % 2 * 4));
    }
  }
}

}  // namespace

const char* matrix_kernel_name() { return kernel::kName; }

std::size_t Activations::bytes(std::size_t rows, std::size_t columns) {
  const std::size_t blocks = columns / kBlock;
  return (rows * columns + 63) / 64 * 64 + 3 * ((rows * blocks * 4 + 63) / 64 * 64);
}

Activations Activations::in(std::byte* memory, std::size_t rows, std::size_t columns) {
  const std::size_t value_bytes = (rows * columns + 63) / 64 * 64;
  const std::size_t block_bytes = (rows * (columns / kBlock) * 4 + 63) / 64 * 64;
  void* values = memory;
  void* scales = memory + value_bytes;
  void* offsets = memory + value_bytes + block_bytes;
  void* sums = memory + value_bytes + 2 * block_bytes;
  return {static_cast<std::int8_t*>(values), static_cast<float*>(scales),
          static_cast<float*>(offsets), static_cast<std::int32_t*>(sums), columns};
}

void quantise_row(const float* from, std::size_t row, const Activations& activations) {
  constexpr float kMagic = 12582912.0f;  // 1.5 * 2^23: adding it rounds to an integer.
  const std::size_t blocks = activations.columns / kBlock;
  std::int8_t* values = activations.values + row * activations.columns;
  for (std::size_t b = 0; b < blocks; ++b, from += kBlock, values += kBlock) {
    const VecF low = load<VecF>(from);
    const VecF high = load<VecF>(from + kLanes);
    const VecF sizes = max_lanes(max_lanes(low, -low), max_lanes(high, -high));
    const float largest = largest_lane(sizes);
    const float inverse = largest > 0.0f ? 127.0f / largest : 0.0f;
    const VecF rounded[2] = {fma(low, inverse, splat(kMagic)), fma(high, inverse, splat(kMagic))};
    VecI total{};
    for (std::size_t half = 0; half < 2; ++half) {
      // The low byte of the sum with 1.5 * 2^23 is the integer itself.
      const VecB bytes = __builtin_convertvector(load<VecI>(&rounded[half]), VecB);
      store(values + half * kLanes, bytes);
      total += __builtin_convertvector(bytes, VecI);
    }
    const std::int32_t sum = sum_lanes(total);
    const std::size_t at = row * blocks + b;
    activations.scales[at] = largest / 127.0f;
    activations.sums[at] = sum;
    activations.offsets[at] = activations.scales[at] * static_cast<float>(sum);
  }
}

Result<Matrix> Matrix::create(const axmodel::Weight& weight) {
  const BlockLayout* layout = find_layout(weight.format);
  if (layout == nullptr || weight.shape.size() != 2) {
    return unsupported(
        fmt::format("weight '{}' has the format {}; layers and heads run with q8_0, q4_0, q4_1, "
                    "q5_0 or q5_1 matrices",
                    weight.name, weight.format));
  }
  Matrix matrix;
  matrix.rows_ = static_cast<std::size_t>(weight.shape[0]);
  matrix.columns_ = static_cast<std::size_t>(weight.shape[1]);
  matrix.packed_nibbles_ = layout->bits == 4;
  matrix.has_minimum_ = layout->has_minimum;
  const bool flipped = kernel::kUnsignedWeights && layout->bits == 8;
  matrix.bias_ = flipped ? 128 : layout->bias;
  const std::size_t blocks = matrix.columns_ / kBlock;
  const std::size_t block_bytes = (matrix.packed_nibbles_ ? kSteps / 2 : kSteps) * kStepBytes;
  matrix.quants_ = AlignedArray<std::uint8_t>(matrix.groups() * blocks * block_bytes);
  matrix.scales_ = AlignedArray<std::uint16_t>(matrix.groups() * blocks * kGroupRows);
  if (layout->has_minimum) {
    matrix.minimums_ = AlignedArray<std::uint16_t>(matrix.groups() * blocks * kGroupRows);
  }
  const std::byte* from = weight.data.data();
  for (std::size_t row = 0; row < matrix.rows_; ++row) {
    for (std::size_t b = 0; b < blocks; ++b, from += layout->bytes) {
      const Block block = read_block(*layout, from);
      const std::size_t at = row / kGroupRows * blocks + b;
      spread(block, row % kGroupRows, matrix.packed_nibbles_, flipped ? 0x80 : 0,
             matrix.quants_.data() + at * block_bytes);
      matrix.scales_.data()[at * kGroupRows + row % kGroupRows] = block.scale;
      if (layout->has_minimum)
        matrix.minimums_.data()[at * kGroupRows + row % kGroupRows] = block.minimum;
    }
  }
  return matrix;
}

std::size_t Matrix::memory_bytes() const {
  return quants_.size_bytes() + scales_.size_bytes() + minimums_.size_bytes();
}

// The products themselves, for each tile height and storage.
struct Kernel {
  template <std::size_t kRows, bool kNibbles>
  static inline void add_block(const std::uint8_t* quants, const std::int8_t* const* x,
                               kernel::Sums* sums) {
    if constexpr (kNibbles) {
      for (std::size_t step = 0; step < kSteps; step += 2) {
        const kernel::Step pair = kernel::load_bytes(quants + step / 2 * kStepBytes);
        const kernel::Step low = kernel::low_nibbles(pair);
        const kernel::Step high = kernel::high_nibbles(pair);
        for (std::size_t i = 0; i < kRows; ++i) kernel::add(sums[i], low, x[i] + 4 * step);
        for (std::size_t i = 0; i < kRows; ++i) kernel::add(sums[i], high, x[i] + 4 * step + 4);
      }
    } else {
      for (std::size_t step = 0; step < kSteps; ++step) {
        const kernel::Step weights = kernel::load_bytes(quants + step * kStepBytes);
        for (std::size_t i = 0; i < kRows; ++i) kernel::add(sums[i], weights, x[i] + 4 * step);
      }
    }
  }

  template <std::size_t kRows, bool kNibbles, bool kMinimum>
  static void tile(const Matrix& m, std::size_t group, const Activations& a, std::size_t row,
                   float (*out)[kGroupRows]) {
    const std::size_t blocks = m.columns_ / kBlock;
    const std::size_t block_bytes = (kNibbles ? kSteps / 2 : kSteps) * kStepBytes;
    const std::uint8_t* quants = m.quants_.data() + group * blocks * block_bytes;
    const std::uint16_t* scales = m.scales_.data() + group * blocks * kGroupRows;
    const std::uint16_t* minimums =
        kMinimum ? m.minimums_.data() + group * blocks * kGroupRows : nullptr;
    const std::size_t first = row * blocks;
    VecF totals[kRows] = {};
    for (std::size_t b = 0; b < blocks; ++b) {
      kernel::Sums sums[kRows];
      const std::int8_t* x[kRows];
      for (std::size_t i = 0; i < kRows; ++i) {
        sums[i] = kernel::start(-m.bias_ * a.sums[first + i * blocks + b]);
        x[i] = a.values + (row + i) * a.columns + b * kBlock;
      }
      add_block<kRows, kNibbles>(quants + b * block_bytes, x, sums);
      const VecF scale = kernel::load_halves(scales + b * kGroupRows);
      for (std::size_t i = 0; i < kRows; ++i) {
        totals[i] =
            fma(kernel::to_floats(sums[i]), scale * a.scales[first + i * blocks + b], totals[i]);
      }
      if constexpr (kMinimum) {
        const VecF minimum = kernel::load_halves(minimums + b * kGroupRows);
        for (std::size_t i = 0; i < kRows; ++i) {
          totals[i] = fma(minimum, a.offsets[first + i * blocks + b], totals[i]);
        }
      }
    }
    for (std::size_t i = 0; i < kRows; ++i) store(out[i], totals[i]);
  }

  template <std::size_t kRows>
  static void rows(const Matrix& m, std::size_t group, const Activations& a, std::size_t row,
                   float (*out)[kGroupRows]) {
    if (!m.packed_nibbles_ && !m.has_minimum_)
      return tile<kRows, false, false>(m, group, a, row, out);
    if (!m.packed_nibbles_) return tile<kRows, false, true>(m, group, a, row, out);
    if (!m.has_minimum_) return tile<kRows, true, false>(m, group, a, row, out);
    return tile<kRows, true, true>(m, group, a, row, out);
  }
};

void Matrix::multiply(std::size_t group, const Activations& x, std::size_t row, std::size_t count,
                      float (*out)[kGroupRows]) const {
  using Rows =
      void (*)(const Matrix&, std::size_t, const Activations&, std::size_t, float(*)[kGroupRows]);
  static constexpr std::array<Rows, kTileRows> kTable{
      &Kernel::rows<1>, &Kernel::rows<2>, &Kernel::rows<3>, &Kernel::rows<4>,
      &Kernel::rows<5>, &Kernel::rows<6>, &Kernel::rows<7>, &Kernel::rows<8>};
  kTable[count - 1](*this, group, x, row, out);
}

}  // namespace axle::softcard
