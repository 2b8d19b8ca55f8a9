#pragma once

#include <cstddef>
#include <span>

#include "axmodel/model.h"
#include "base/status.h"

namespace axle::softcard {

// The check of Executor::run()'s arguments that all executors share.
// Errors: kInvalidArgument  no such group, a wrong number of pointers, a null one.
Status check_binding(const axmodel::Model& model, std::size_t group,
                     std::span<std::byte* const> inputs, std::span<std::byte* const> outputs);

}  // namespace axle::softcard
