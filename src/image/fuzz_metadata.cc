#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include "image/metadata.h"
#include "image/unicode.h"

// Any bytes: read_metadata() answers, with no more text than it promises and all of it UTF-8.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace axle::image;
  const axle::Result<Metadata> metadata = read_metadata(std::as_bytes(std::span(data, size)));
  if (!metadata.ok()) return 0;
  const auto check = [](const std::string& text) {
    if (to_valid_utf8(text) != text) __builtin_trap();
  };
  check(metadata->parameters);
  for (const TextItem& item : metadata->items) {
    check(item.key);
    check(item.text);
  }
  return 0;
}
