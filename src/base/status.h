#pragma once

#include <cstdint>
#include <iosfwd>
#include <string>
#include <string_view>

namespace axle {

// What kind of failure a Status reports. Closed set: HTTP and exit codes are derived from it in one
// table each (api/openai/errors.cc, app/exit_code.cc).
enum class Code : std::uint8_t {
  kOk,
  kInvalidArgument,   // The caller asked for something that can never work as asked.
  kNotFound,          // A name, file or object that does not exist.
  kExhausted,         // No room: card memory, disk, queue, context.
  kUnavailable,       // Not now; the same call may succeed later.
  kDeadlineExceeded,  // The time that the caller allowed is over.
  kCancelled,         // The caller, or the one it acts for, gave up.
  kCardLost,          // The card no longer answers; everything on it is gone.
  kCorrupt,           // Data that does not keep its own format.
  kUnsupported,       // Understood, but this build, card or model cannot do it.
  kInternal,          // Our own mistake.
};

// The lower-case name of a code, e.g. "card_lost". Stable: it appears in logs and answers.
std::string_view code_name(Code code);

// The outcome of an operation that a request, a file, a clock or a card can make fail: a code, a
// text for the person who must act, and the vendor's own code where there was one.
//
// Threading: a value; distinct objects may be used by distinct threads.
class [[nodiscard]] Status {
 public:
  Status() = default;  // Success.
  Status(Code code, std::string message, std::int32_t vendor_code = 0);

  bool ok() const { return code_ == Code::kOk; }
  Code code() const { return code_; }
  // The reason in plain words, with what was wanted and what was found. Empty on success.
  const std::string& message() const { return message_; }
  // The AXCL error (e.g. 0x8030050c as a signed number), 0 where the card had no part in it.
  std::int32_t vendor_code() const { return vendor_code_; }

  // This status with "context: " before its message; success stays success.
  Status with_context(std::string_view context) const;
  // "card_lost: message (0x8030040c)", for logs.
  std::string to_string() const;

  friend bool operator==(const Status&, const Status&) = default;

 private:
  Code code_ = Code::kOk;
  std::int32_t vendor_code_ = 0;
  std::string message_;
};

std::ostream& operator<<(std::ostream& out, const Status& status);

// Shorthand for the common failures: `return invalid_argument(fmt::format(...));`
Status invalid_argument(std::string message);
Status not_found(std::string message);
Status exhausted(std::string message);
Status unavailable(std::string message);
Status deadline_exceeded(std::string message);
Status cancelled(std::string message);
Status card_lost(std::string message, std::int32_t vendor_code = 0);
Status corrupt(std::string message);
Status unsupported(std::string message);
Status internal(std::string message);

}  // namespace axle
