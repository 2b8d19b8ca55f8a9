#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "http/message.h"

// Server-sent events: writing for streams, reading for clients.
//
// Source: WHATWG HTML, section 9.2 "Server-sent events".
namespace axle::http {

// The head of an event stream: 200, text/event-stream, no caching, no buffering in nginx.
Response sse_head();
// The same for one JSON object per line (application/x-ndjson).
Response ndjson_head();

// "data: <data>\n\n"; every line of `data` gets its own "data: ".
std::string sse_event(std::string_view data);
// With "event: <name>\n" before the data. REQUIRES: `name` without line breaks.
std::string sse_named_event(std::string_view name, std::string_view data);
// ": <text>\n\n", which readers skip: keeps a silent connection alive. Line breaks become spaces.
std::string sse_comment(std::string_view text);

struct SseEvent {
  std::string event;  // "" where the stream names none.
  std::string data;   // Several data lines are joined with '\n'.
  friend bool operator==(const SseEvent&, const SseEvent&) = default;
};

// Splits a byte stream into events, however the bytes are cut.
//
// Threading: one thread at a time.
class SseParser {
 public:
  explicit SseParser(std::size_t max_event_bytes = std::size_t{16} << 20)
      : max_event_bytes_(max_event_bytes) {}

  // Takes the next bytes and returns the events they complete. Events without data are dropped, as
  // the standard says.
  //
  // Errors: kExhausted  an event grew beyond `max_event_bytes`; the parser stays unusable.
  Result<std::vector<SseEvent>> feed(std::string_view bytes);

 private:
  void end_line(std::vector<SseEvent>& events);
  void take_field(std::string_view name, std::string_view value);

  std::size_t max_event_bytes_;
  std::string line_;
  SseEvent event_;
  bool has_data_ = false;
  bool after_carriage_return_ = false;
  bool first_line_ = true;
  bool failed_ = false;
};

}  // namespace axle::http
