// Any query is a way to show pictures within the documented bounds, or an error with a text.
#include <cstddef>
#include <cstdint>
#include <string>

#include "api/latest/look.h"
#include "base/check.h"
#include "http/target.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string query(reinterpret_cast<const char*>(data), size);
  const auto target = axle::http::parse_target("/latest.png?" + query);
  if (!target.ok()) return 0;
  const auto look = axle::api::parse_look(target->query, axle::pictures::Form::kPng);
  if (!look.ok()) {
    AXLE_CHECK(!look.status().message().empty());
    return 0;
  }
  AXLE_CHECK(look->quality >= 1 && look->quality <= 100);
  AXLE_CHECK(look->gamma >= 0.1 && look->gamma <= 10.0);
  AXLE_CHECK(!look->size || (look->size->width >= 1 && look->size->height >= 1));
  AXLE_CHECK(!look->size || (look->size->width <= axle::pictures::kMaxOutputSide &&
                             look->size->height <= axle::pictures::kMaxOutputSide));
  return 0;
}
