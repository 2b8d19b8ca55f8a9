#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/check.h"
#include "jobs/frame.h"

// Any bytes, cut anywhere, give messages or kCorrupt; what was read survives another round trip.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace axle;
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const std::size_t cut = size == 0 ? 0 : data[size - 1] % size;
  jobs::FrameReader reader;
  std::vector<jobs::Message> messages;
  Status status = reader.feed(bytes.substr(0, cut), messages);
  if (status.ok()) status = reader.feed(bytes.substr(cut), messages);
  AXLE_CHECK(status.ok() || status.code() == Code::kCorrupt);
  for (const jobs::Message& message : messages) {
    const Result<std::string> frame = jobs::encode(message);
    AXLE_CHECK(frame.ok());
    jobs::FrameReader again;
    std::vector<jobs::Message> copies;
    AXLE_CHECK(again.feed(*frame, copies).ok() && copies.size() == 1);
    AXLE_CHECK(copies[0].type() == message.type() && copies[0].id == message.id);
  }
  return 0;
}
