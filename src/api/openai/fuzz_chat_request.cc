#include <cstddef>
#include <cstdint>
#include <string_view>

#include "api/openai/chat_request.h"
#include "base/check.h"

// Any body gives a request within its documented bounds, or an error with a text.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  axle::api::Parsed<axle::api::ChatRequest> parsed =
      axle::api::parse_chat_request({reinterpret_cast<const char*>(data), size});
  if (!parsed.ok()) {
    AXLE_CHECK(!parsed.error().status.message().empty());
    return 0;
  }
  AXLE_CHECK(parsed.value().choices >= 1 && parsed.value().choices <= axle::api::kMaxChoices);
  AXLE_CHECK(parsed.value().sampling.temperature >= 0);
  AXLE_CHECK(!parsed.value().messages_json.empty());
  return 0;
}
