#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/base64.h"
#include "image/data_uri.h"

// Any text: decode_picture_text() answers, and bytes that it gives survive the way back.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  constexpr std::size_t kLimitBytes = 1000;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const axle::Result<std::string> bytes = axle::image::decode_picture_text(text, kLimitBytes);
  if (!bytes.ok()) return 0;
  if (bytes->empty() || bytes->size() > kLimitBytes) __builtin_trap();
  if (*axle::decode_base64(axle::encode_base64(*bytes)) != *bytes) __builtin_trap();
  return 0;
}
