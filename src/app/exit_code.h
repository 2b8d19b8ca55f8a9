#pragma once

#include "base/status.h"

namespace axle::app {

// The exit code of a command: 0, 2 for wrong use, others as listed in docs/configuration.md.
int exit_code(const Status& status);

}  // namespace axle::app
