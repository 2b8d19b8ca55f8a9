#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/check.h"
#include "text/chat_template.h"
#include "text/utf8.h"

// A template, then a byte 0, then its context; without the byte, a small conversation.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using axle::text::ChatTemplate;
  constexpr std::string_view kContext =
      R"({"messages":[{"role":"user","content":"Hi"},{"role":"assistant","content":null}],"n":1.5})";
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  const std::size_t cut = input.find('\0');
  const axle::Result<ChatTemplate> compiled = ChatTemplate::compile(input.substr(0, cut));
  if (!compiled.ok()) return 0;
  const std::string_view context = cut == input.npos ? kContext : input.substr(cut + 1);
  const auto prompt = compiled->render(context, std::chrono::system_clock::from_time_t(0));
  if (prompt.ok()) AXLE_CHECK(!axle::text::find_invalid_utf8(*prompt));
  return 0;
}
