#pragma once

#include <string>
#include <utility>

#include "base/status.h"

namespace axle::api {

// Why a request is refused, with what the OpenAI error object wants to know beside the reason.
struct RequestError {
  Status status;      // Never ok.
  std::string param;  // The field at fault, e.g. "messages[2].content"; empty: none in particular.
  std::string code;   // A machine-readable code such as "context_length_exceeded"; empty: none.
};

// What a parser of requests gives back: a value, or the error for the client.
template <typename T>
class [[nodiscard]] Parsed {
 public:
  Parsed(T value) : value_(std::move(value)) {}
  Parsed(RequestError error) : error_(std::move(error)), ok_(false) {}

  bool ok() const { return ok_; }
  const RequestError& error() const { return error_; }
  T& value() { return value_; }

 private:
  T value_{};
  RequestError error_;
  bool ok_ = true;
};

}  // namespace axle::api
