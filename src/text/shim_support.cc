#include "text/shim_support.h"

#include <mutex>

namespace axle::text::shim {

void init() {
  static std::once_flag once;
  std::call_once(once, axt_init);
}

Status to_status(AxtCode code, std::string_view error) {
  std::string message(error);
  switch (code) {
    case AXT_INVALID_ARGUMENT:
      return invalid_argument(std::move(message));
    case AXT_CORRUPT:
      return corrupt(std::move(message));
    case AXT_UNSUPPORTED:
      return unsupported(std::move(message));
    case AXT_EXHAUSTED:
      return exhausted(std::move(message));
    default:
      return internal(std::move(message));
  }
}

}  // namespace axle::text::shim
