#pragma once

#include <memory>

#include "base/result.h"
#include "softcard/executor.h"

namespace axle::softcard {

// The executor of a graph of ordinary ONNX operators, from the library that runs them, which is
// opened by the first call and stays open.
// Errors: as make_executor().
Result<std::unique_ptr<Executor>> make_onnx_executor(std::shared_ptr<const axmodel::Model> model,
                                                     const ExecutorOptions& options);

}  // namespace axle::softcard
