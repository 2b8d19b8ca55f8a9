#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"
#include "http/message.h"

namespace axle::http {

struct ParserLimits {
  std::size_t max_header_bytes = 65'536;
  std::size_t max_body_bytes = 64u << 20;
};

// Turns the bytes of one request into its head and body, however they are cut. One object per
// request; what follows the request (pipelining) is handed back. Internal to the room.
//
// Threading: one thread at a time.
class RequestParser {
 public:
  // What made feed() fail; the HTTP status follows from it.
  enum class Problem : std::uint8_t {
    kNone,
    kMalformed,       // 400
    kHeaderTooLarge,  // 431
    kBodyTooLarge,    // 413
    kVersion,         // 505
  };

  // What of the head concerns the connection rather than the handler.
  struct Framing {
    bool keep_alive = false;
    bool http_1_0 = false;
    bool expects_continue = false;  // Expect: 100-continue
    bool unknown_expectation = false;
    bool chunked = false;
    std::uint64_t content_length = 0;  // 0 where none is given.
  };

  explicit RequestParser(const ParserLimits& limits);
  RequestParser(const RequestParser&) = delete;
  RequestParser& operator=(const RequestParser&) = delete;
  ~RequestParser();

  // Takes the next bytes; with an empty view goes on with those taken before. Stops at the end of
  // the head, and goes on with the body once read_body() was called.
  // Errors: kInvalidArgument  not a valid request; problem() says of which kind.
  Status feed(std::string_view bytes);
  Problem problem() const { return problem_; }

  // Some bytes of a request have come.
  bool started() const { return started_; }
  bool head_done() const { return head_done_; }
  bool done() const;
  // What the head says. REQUIRES: head_done().
  const Framing& framing() const { return framing_; }

  // Method, target and headers of a request whose head is done, moved out; call once.
  Request take_head();
  // From now on feed() takes the body too: kept up to the limit, or thrown away. The first
  // call decides.
  enum class BodyUse : std::uint8_t { kKeep, kDiscard };
  void read_body(BodyUse use);
  // Bytes of the body so far, also those thrown away.
  std::uint64_t body_bytes() const;
  // REQUIRES: done(); call once.
  std::string take_body();
  // Bytes after the request.
  std::string take_rest() { return std::move(pending_); }

 private:
  class Impl;

  Status fail(Problem problem, std::string message);
  Status advance(std::string_view& input);
  Status finish_head();
  Status check_sizes();

  ParserLimits limits_;
  std::unique_ptr<Impl> impl_;
  std::string pending_;  // Taken, but not yet understood.
  Framing framing_;
  Problem problem_ = Problem::kNone;
  std::size_t head_bytes_ = 0;
  bool started_ = false;
  bool head_done_ = false;
  bool reading_body_ = false;
};

// The client's side: one response, from bytes.
//
// Threading: one thread at a time.
class ResponseParser {
 public:
  // `head_request`: the answer to a HEAD has no body whatever its headers say.
  explicit ResponseParser(bool head_request);
  ResponseParser(const ResponseParser&) = delete;
  ResponseParser& operator=(const ResponseParser&) = delete;
  ~ResponseParser();

  // Takes the next bytes. Errors: kCorrupt  not a valid response.
  Status feed(std::string_view bytes);
  // The peer has closed. Errors: kUnavailable  in the middle of the answer.
  Status end_of_input();

  bool head_done() const { return head_done_; }
  bool done() const;
  bool keep_alive() const;
  int status() const;
  HeaderList headers() const;
  // The body bytes since the last call.
  std::string take_body();

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
  std::string pending_;
  bool head_done_ = false;
};

}  // namespace axle::http
