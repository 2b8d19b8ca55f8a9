#include "base/check.h"

#include <cstdio>
#include <cstdlib>

namespace axle::detail {

void check_failed(const char* file, int line, const char* text) {
  std::fprintf(stderr, "%s:%d: AXLE_CHECK(%s) failed; this is a bug in axle\n", file, line, text);
  std::abort();
}

}  // namespace axle::detail
