// Fuzz target: the parser of A1111's texts about pictures reads anything, and what is written from
// what it found reads the same.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/check.h"
#include "pictures/infotext.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace axle::pictures;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const ParsedInfotext parsed = parse_infotext(text);
  AXLE_CHECK(parsed.find("Prompt") != nullptr && parsed.find("Negative prompt") != nullptr);
  Infotext picture;
  picture.prompt = *parsed.find("Prompt");
  picture.version = "axle";
  const ParsedInfotext again = parse_infotext(write_infotext(picture));
  AXLE_CHECK(*again.find("Steps") == "0" && *again.find("Version") == "axle");
  return 0;
}
