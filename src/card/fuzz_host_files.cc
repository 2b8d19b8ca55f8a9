// The doctor's readers of the kernel's files and of the lines that the vendor's library prints.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/check.h"
#include "card/host_files.h"
#include "card/vendor_output.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace axle::card;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  for (const std::string& name : parse_modules(text)) AXLE_CHECK(!name.empty());
  for (const InterruptLine& line : parse_interrupts(text)) AXLE_CHECK(!line.number.empty());
  for (const std::string& setting : parse_config_txt(text)) AXLE_CHECK(!setting.empty());
  if (const auto speed = parse_link_speed(text)) AXLE_CHECK(*speed > 0.0);
  if (parse_meminfo_bytes(text, "CmaTotal")) AXLE_CHECK(text.find("CmaTotal") != text.npos);
  if (const auto version = parse_version(text)) AXLE_CHECK(version->major >= 0);
  if (parse_number(text)) AXLE_CHECK(text.find_first_of("0123456789") != text.npos);
  if (parse_cma_option(text)) AXLE_CHECK(text.find("cma=") != text.npos);
  for (const char c : parse_vendor_line(text).text) {
    AXLE_CHECK(static_cast<unsigned char>(c) >= 0x20);
  }
  return 0;
}
