#include <cstddef>
#include <cstdint>
#include <string_view>

#include "api/openai/image_request.h"
#include "base/check.h"

// Any body gives a request within its documented bounds, or an error with a text. The first byte
// says which route, and whether it is a form (with the boundary "b") or JSON.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using axle::api::ImageTask;
  if (size == 0) return 0;
  constexpr ImageTask kTasks[] = {ImageTask::kGenerate, ImageTask::kEdit, ImageTask::kVary};
  const bool form = data[0] % 2 == 1;
  axle::api::Parsed<axle::api::ImageRequest> parsed = axle::api::parse_image_request(
      kTasks[data[0] / 2 % 3], form ? "multipart/form-data; boundary=b" : "application/json",
      {reinterpret_cast<const char*>(data) + 1, size - 1});
  if (!parsed.ok()) {
    AXLE_CHECK(!parsed.error().status.message().empty());
    return 0;
  }
  const axle::api::ImageRequest& request = parsed.value();
  AXLE_CHECK(request.count >= 1 && request.count <= axle::api::kMaxPictures);
  AXLE_CHECK(request.partial_pictures >= 0);
  AXLE_CHECK(request.partial_pictures <= axle::api::kMaxPartialPictures);
  AXLE_CHECK(!request.size || (request.size->width > 0 && request.size->height > 0));
  AXLE_CHECK(!request.strength || (*request.strength >= 0.0 && *request.strength <= 1.0));
  AXLE_CHECK(request.output.quality >= 1 && request.output.quality <= 100);
  AXLE_CHECK(request.output.gamma >= 0.1 && request.output.gamma <= 10.0);
  return 0;
}
