#pragma once

#include <optional>
#include <utility>

#include "base/check.h"
#include "base/status.h"

namespace axle {

// A value, or the Status that says why there is none. Never both, and never an ok Status without a
// value.
//
// Threading: as T.
template <typename T>
class [[nodiscard]] Result {
 public:
  Result(T value) : value_(std::move(value)) {}         // Implicit: `return value;`
  Result(Status status) : status_(std::move(status)) {  // Implicit: `return invalid_argument(...);`
    AXLE_CHECK(!status_.ok());
  }

  bool ok() const { return value_.has_value(); }
  explicit operator bool() const { return ok(); }
  const Status& status() const { return status_; }

  // REQUIRES: ok().
  T& operator*() & {
    AXLE_CHECK(ok());
    return *value_;
  }
  const T& operator*() const& {
    AXLE_CHECK(ok());
    return *value_;
  }
  T&& operator*() && {
    AXLE_CHECK(ok());
    return std::move(*value_);
  }
  T* operator->() { return &**this; }
  const T* operator->() const { return &**this; }

 private:
  Status status_;
  std::optional<T> value_;
};

}  // namespace axle

#define AXLE_CONCAT_INNER(a, b) a##b
#define AXLE_CONCAT(a, b) AXLE_CONCAT_INNER(a, b)

// Returns from the calling function when `expression`, a Status, is not ok.
#define AXLE_TRY(expression)                                                  \
  do {                                                                        \
    if (::axle::Status axle_try_status = (expression); !axle_try_status.ok()) \
      return axle_try_status;                                                 \
  } while (false)

// Declares or assigns `target` from `expression`, a Result; returns its status from the calling
// function on failure.
#define AXLE_TRY_ASSIGN(target, expression) \
  AXLE_TRY_ASSIGN_INNER(AXLE_CONCAT(axle_result_, __LINE__), target, expression)
#define AXLE_TRY_ASSIGN_INNER(result, target, expression) \
  auto result = (expression);                             \
  if (!result.ok()) return result.status();               \
  target = *std::move(result)
