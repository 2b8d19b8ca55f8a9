#pragma once

#include <cstddef>
#include <span>

#include "base/result.h"
#include "package/gguf.h"

// Changes the storage format of numbers, by ggml's own routines.
namespace axle::package {

// How far numbers moved, summed over all that were changed.
struct TranscodeError {
  double square_error = 0;  // Sum of squared differences.
  double square_sum = 0;    // Sum of squares before.
  double max_error = 0;     // Largest difference.
  double count = 0;

  void add(const TranscodeError& other);
  double relative_rms() const;  // Root mean square of the difference over that of the numbers.
  double relative_max() const;  // Largest difference over the root mean square of the numbers.
};

// Can numbers be read from, written to the format?
bool can_decode(const GgmlFormat& format);
bool can_encode(const GgmlFormat& format);
// Does ggml lay out the format as the table of gguf.h says?
bool matches_ggml(const GgmlFormat& format);

// Rows of `row_elements` numbers in one format.
struct EncodedRows {
  const GgmlFormat* format = nullptr;
  std::span<const std::byte> bytes;
};

// Rewrites whole rows of `row_elements` numbers as `to`. `target` has exactly the space for them.
// Equal formats are copied. Both formats must pass the checks above. Adds to `error`.
//
// Errors: kCorrupt  a number is infinite or not a number.
// Source: ggml 0.25.3 (to_float of its type traits, ggml_quantize_chunk).
Status transcode(const EncodedRows& source, std::size_t row_elements, const GgmlFormat& to,
                 std::span<std::byte> target, TranscodeError& error);

}  // namespace axle::package
