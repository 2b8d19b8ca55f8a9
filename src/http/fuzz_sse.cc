// The reader of event streams: the same events however the bytes are cut.
#include <cstdint>
#include <string_view>

#include "base/check.h"
#include "http/sse.h"

namespace {

std::vector<axle::http::SseEvent> parse(std::string_view bytes, std::size_t step) {
  axle::http::SseParser parser(4096);
  std::vector<axle::http::SseEvent> events;
  for (std::size_t i = 0; i < bytes.size(); i += step) {
    const auto more = parser.feed(bytes.substr(i, step));
    if (!more.ok()) return {};
    events.insert(events.end(), more->begin(), more->end());
  }
  return events;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  const std::vector<axle::http::SseEvent> events = parse(bytes, data[0] == 0 ? 1 : data[0]);
  AXLE_CHECK(events == parse(bytes, size));
  for (const axle::http::SseEvent& event : events) {
    const auto again = parse(axle::http::sse_event(event.data), 1'000'000);
    AXLE_CHECK(again.size() == 1 && again.front().data == event.data);
  }
  return 0;
}
