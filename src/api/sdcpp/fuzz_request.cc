// Any body is a request or an error; a request can always be parsed again.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "api/sdcpp/request.h"
#include "base/check.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view body(reinterpret_cast<const char*>(data), size);
  const auto request = axle::api::sdcpp::parse_request(body, {});
  if (!request.ok()) return 0;
  AXLE_CHECK(request->count >= 1 && request->count <= axle::api::sdcpp::kMaxCount);
  AXLE_CHECK(request->strength >= 0.0 && request->strength <= 1.0);
  AXLE_CHECK(request->output.quality >= 1 && request->output.quality <= 100);
  return 0;
}
