#include <cstddef>
#include <cstdint>
#include <span>

#include "image/decode.h"

// Any bytes: decode() answers, within its limits, and what it gives is a picture.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace axle::image;
  constexpr DecodeLimits kLimits{.max_bytes = std::size_t{1} << 20, .max_pixels = 1 << 18};
  const axle::Result<Picture> picture = decode(std::as_bytes(std::span(data, size)), kLimits);
  if (!picture.ok()) {
    if (picture.status().code() == axle::Code::kInternal) __builtin_trap();
    return 0;
  }
  if (!check(*picture).ok()) __builtin_trap();
  if (std::int64_t{picture->width} * picture->height > kLimits.max_pixels) __builtin_trap();
  return 0;
}
