#include "http/sse.h"

#include <algorithm>
#include <utility>

#include "base/check.h"

namespace axle::http {

namespace {

Response stream_head(std::string_view content_type) {
  return {.status = 200,
          .headers = {{"Content-Type", std::string(content_type)},
                      {"Cache-Control", "no-cache"},
                      {"X-Accel-Buffering", "no"}},
          .body = ""};
}

// Calls `take` with each line of `text`; LF, CR and CRLF all end one.
template <typename Take>
void for_each_line(std::string_view text, Take take) {
  for (;;) {
    const std::size_t end = text.find_first_of("\r\n");
    take(text.substr(0, end));
    if (end == std::string_view::npos) return;
    const bool crlf = text.substr(end).starts_with("\r\n");
    text.remove_prefix(end + (crlf ? 2 : 1));
  }
}

}  // namespace

Response sse_head() { return stream_head("text/event-stream"); }
Response ndjson_head() { return stream_head("application/x-ndjson"); }

std::string sse_event(std::string_view data) {
  std::string out;
  out.reserve(data.size() + 8);
  for_each_line(data, [&out](std::string_view line) {
    out += "data: ";
    out += line;
    out += '\n';
  });
  out += '\n';
  return out;
}

std::string sse_named_event(std::string_view name, std::string_view data) {
  AXLE_CHECK(name.find_first_of("\r\n") == std::string_view::npos);
  std::string out = "event: ";
  out += name;
  out += '\n';
  return out + sse_event(data);
}

std::string sse_comment(std::string_view text) {
  std::string out = ": ";
  out += text;
  std::replace(out.begin(), out.end(), '\n', ' ');
  std::replace(out.begin(), out.end(), '\r', ' ');
  return out + "\n\n";
}

Result<std::vector<SseEvent>> SseParser::feed(std::string_view bytes) {
  std::vector<SseEvent> events;
  if (failed_) return exhausted("an earlier event was too long");
  for (const char c : bytes) {
    const bool second_half_of_crlf = after_carriage_return_ && c == '\n';
    after_carriage_return_ = c == '\r';
    if (second_half_of_crlf) continue;
    if (c == '\r' || c == '\n') {
      end_line(events);
      continue;
    }
    line_ += c;
    if (line_.size() + event_.data.size() > max_event_bytes_) {
      failed_ = true;
      return exhausted("an event is longer than the limit of " + std::to_string(max_event_bytes_) +
                       " bytes");
    }
  }
  return events;
}

void SseParser::end_line(std::vector<SseEvent>& events) {
  std::string_view line = line_;
  if (std::exchange(first_line_, false) && line.starts_with("\xef\xbb\xbf")) line.remove_prefix(3);
  if (line.empty()) {
    if (has_data_) events.push_back(std::move(event_));
    event_ = {};
    has_data_ = false;
  } else if (!line.starts_with(':')) {
    const std::size_t colon = line.find(':');
    std::string_view value =
        colon == std::string_view::npos ? std::string_view() : line.substr(colon + 1);
    if (value.starts_with(' ')) value.remove_prefix(1);
    take_field(line.substr(0, colon), value);
  }
  line_.clear();
}

void SseParser::take_field(std::string_view name, std::string_view value) {
  if (name == "event") event_.event = value;
  if (name != "data") return;
  if (has_data_) event_.data += '\n';
  event_.data += value;
  has_data_ = true;
}

}  // namespace axle::http
