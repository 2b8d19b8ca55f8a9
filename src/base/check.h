#pragma once

namespace axle::detail {
[[noreturn]] void check_failed(const char* file, int line, const char* text);
}  // namespace axle::detail

// For our own mistakes only: no request, file, clock or card may be able to make it fail.
#define AXLE_CHECK(condition)                                                       \
  do {                                                                              \
    if (!(condition)) ::axle::detail::check_failed(__FILE__, __LINE__, #condition); \
  } while (false)
