// Request targets and the routing that follows from them.
#include <cstdint>
#include <string_view>

#include "base/check.h"
#include "http/router.h"
#include "http/target.h"

namespace {

axle::http::Router make_router() {
  axle::http::Router router;
  const axle::http::Handler nothing = [](const std::shared_ptr<axle::http::Exchange>&) {};
  for (const std::string_view pattern :
       {"/", "/v1/models", "/v1/models/{id...}", "/v1/{a}/x", "/{a}/{b}", "/{all...}"}) {
    router.add("GET", pattern, nothing);
  }
  router.add("POST", "/v1/models/{id}", nothing);
  return router;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const axle::http::Router router = make_router();
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const axle::Result<axle::http::Target> target = axle::http::parse_target(text);
  if (!target.ok()) return 0;
  AXLE_CHECK(target->path.starts_with('/'));
  for (const std::string& segment : target->segments) {
    AXLE_CHECK(!segment.empty() && segment != "." && segment != "..");
  }
  const axle::http::Router::Match match = router.match("GET", target->segments);
  AXLE_CHECK(match.handler != nullptr);  // "/{all...}" takes what nothing else does.
  static_cast<void>(router.write_error(target->segments, {.status = 404, .message = target->path}));
  return 0;
}
