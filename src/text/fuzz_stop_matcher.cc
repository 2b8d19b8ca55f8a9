#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/check.h"
#include "text/stop_matcher.h"

// Lines: two stop strings, then the text, of which each line is a piece. Compared with a search of
// the whole.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::vector<std::string> lines(1);
  for (std::size_t i = 0; i < size; ++i) {
    if (data[i] == '\n') {
      lines.emplace_back();
    } else {
      lines.back() += static_cast<char>(data[i]);
    }
  }
  const std::size_t stop_count = std::min<std::size_t>(2, lines.size());
  const auto text_begin = lines.begin() + static_cast<std::ptrdiff_t>(stop_count);
  const std::vector<std::string> stops(lines.begin(), text_begin);
  axle::text::StopMatcher matcher(stops);
  std::string whole;
  std::string shown;
  for (auto piece = text_begin; piece != lines.end(); ++piece) {
    whole += *piece;
    shown += matcher.push(*piece).emit;
  }
  shown += matcher.finish();
  std::size_t first = std::string::npos;
  for (const std::string& stop : stops) {
    if (!stop.empty()) first = std::min(first, whole.find(stop));
  }
  AXLE_CHECK(matcher.stopped() == (first != std::string::npos));
  AXLE_CHECK(shown == whole.substr(0, first));
  return 0;
}
