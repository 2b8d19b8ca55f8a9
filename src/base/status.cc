#include "base/status.h"

#include <fmt/format.h>

#include <ostream>
#include <utility>

namespace axle {

std::string_view code_name(Code code) {
  switch (code) {
    case Code::kOk:
      return "ok";
    case Code::kInvalidArgument:
      return "invalid_argument";
    case Code::kNotFound:
      return "not_found";
    case Code::kExhausted:
      return "exhausted";
    case Code::kUnavailable:
      return "unavailable";
    case Code::kDeadlineExceeded:
      return "deadline_exceeded";
    case Code::kCancelled:
      return "cancelled";
    case Code::kCardLost:
      return "card_lost";
    case Code::kCorrupt:
      return "corrupt";
    case Code::kUnsupported:
      return "unsupported";
    case Code::kInternal:
      return "internal";
  }
  return "unknown";
}

Status::Status(Code code, std::string message, std::int32_t vendor_code)
    : code_(code), vendor_code_(vendor_code), message_(std::move(message)) {}

Status Status::with_context(std::string_view context) const {
  if (ok()) return *this;
  return Status(code_, fmt::format("{}: {}", context, message_), vendor_code_);
}

std::string Status::to_string() const {
  if (ok()) return "ok";
  std::string text = fmt::format("{}: {}", code_name(code_), message_);
  if (vendor_code_ != 0) {
    text += fmt::format(" (0x{:08x})", static_cast<std::uint32_t>(vendor_code_));
  }
  return text;
}

std::ostream& operator<<(std::ostream& out, const Status& status) {
  return out << status.to_string();
}

Status invalid_argument(std::string message) {
  return {Code::kInvalidArgument, std::move(message)};
}
Status not_found(std::string message) { return {Code::kNotFound, std::move(message)}; }
Status exhausted(std::string message) { return {Code::kExhausted, std::move(message)}; }
Status unavailable(std::string message) { return {Code::kUnavailable, std::move(message)}; }
Status deadline_exceeded(std::string message) {
  return {Code::kDeadlineExceeded, std::move(message)};
}
Status cancelled(std::string message) { return {Code::kCancelled, std::move(message)}; }
Status card_lost(std::string message, std::int32_t vendor_code) {
  return {Code::kCardLost, std::move(message), vendor_code};
}
Status corrupt(std::string message) { return {Code::kCorrupt, std::move(message)}; }
Status unsupported(std::string message) { return {Code::kUnsupported, std::move(message)}; }
Status internal(std::string message) { return {Code::kInternal, std::move(message)}; }

}  // namespace axle
