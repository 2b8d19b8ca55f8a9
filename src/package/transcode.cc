#include "package/transcode.h"

#include <fmt/format.h>
#include <ggml.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <vector>

#include "base/check.h"

namespace axle::package {
namespace {

constexpr std::uint32_t kF32 = 0;

const ggml_type_traits& traits(const GgmlFormat& format) {
  return *ggml_get_type_traits(static_cast<ggml_type>(format.id));
}

void decode(const GgmlFormat& format, std::span<const std::byte> bytes, std::span<float> numbers) {
  if (format.id == kF32) {
    std::memcpy(numbers.data(), bytes.data(), bytes.size());
  } else {
    traits(format).to_float(bytes.data(), numbers.data(),
                            static_cast<std::int64_t>(numbers.size()));
  }
}

bool all_finite(std::span<const float> numbers) {
  return std::all_of(numbers.begin(), numbers.end(), [](float x) { return std::isfinite(x); });
}

TranscodeError compare(std::span<const float> before, std::span<const float> after) {
  TranscodeError error;
  for (std::size_t i = 0; i < before.size(); ++i) {
    const double difference = std::abs(double{before[i]} - double{after[i]});
    error.square_error += difference * difference;
    error.square_sum += double{before[i]} * double{before[i]};
    error.max_error = std::max(error.max_error, difference);
  }
  error.count = static_cast<double>(before.size());
  return error;
}

}  // namespace

void TranscodeError::add(const TranscodeError& other) {
  square_error += other.square_error;
  square_sum += other.square_sum;
  max_error = std::max(max_error, other.max_error);
  count += other.count;
}

double TranscodeError::relative_rms() const {
  return square_sum > 0 ? std::sqrt(square_error / square_sum) : 0;
}

double TranscodeError::relative_max() const {
  return square_sum > 0 ? max_error / std::sqrt(square_sum / count) : 0;
}

bool can_decode(const GgmlFormat& format) {
  return format.id == kF32 || traits(format).to_float != nullptr;
}

bool can_encode(const GgmlFormat& format) {
  return format.id == kF32 || (traits(format).from_float_ref != nullptr &&
                               !ggml_quantize_requires_imatrix(static_cast<ggml_type>(format.id)));
}

bool matches_ggml(const GgmlFormat& format) {
  const ggml_type_traits& found = traits(format);
  return format.name == found.type_name &&
         static_cast<std::int64_t>(format.block_elements) == found.blck_size &&
         format.block_bytes == found.type_size;
}

Status transcode(const EncodedRows& source, std::size_t row_elements, const GgmlFormat& to,
                 std::span<std::byte> target, TranscodeError& error) {
  const GgmlFormat& from = *source.format;
  const std::size_t count = source.bytes.size() / from.block_bytes * from.block_elements;
  AXLE_CHECK(count % row_elements == 0);
  AXLE_CHECK(target.size() == count / to.block_elements * to.block_bytes);
  std::vector<float> numbers(count);
  decode(from, source.bytes, numbers);
  if (!all_finite(numbers)) return corrupt("it holds a number that is infinite or not a number");
  if (from.id == to.id) {
    std::memcpy(target.data(), source.bytes.data(), target.size());
    return {};
  }
  const std::size_t written =
      ggml_quantize_chunk(static_cast<ggml_type>(to.id), numbers.data(), target.data(), 0,
                          static_cast<std::int64_t>(count / row_elements),
                          static_cast<std::int64_t>(row_elements), nullptr);
  AXLE_CHECK(written == target.size());
  std::vector<float> after(count);
  decode(to, target, after);
  if (!all_finite(after))
    return corrupt(fmt::format("it holds a number too large for {}", to.name));
  error.add(compare(numbers, after));
  return {};
}

}  // namespace axle::package
