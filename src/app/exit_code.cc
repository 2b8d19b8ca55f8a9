#include "app/exit_code.h"

namespace axle::app {

int exit_code(const Status& status) {
  switch (status.code()) {
    case Code::kOk:
      return 0;
    case Code::kInvalidArgument:
      return 2;
    case Code::kNotFound:
      return 3;
    case Code::kUnsupported:
      return 4;
    case Code::kCorrupt:
      return 5;
    case Code::kExhausted:
      return 6;
    case Code::kUnavailable:
    case Code::kDeadlineExceeded:
      return 7;
    case Code::kCardLost:
      return 8;
    case Code::kCancelled:
      return 130;
    case Code::kInternal:
      break;
  }
  return 70;
}

}  // namespace axle::app
