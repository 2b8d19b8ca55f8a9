#pragma once

#include <memory>

#include "axmodel/layer.h"
#include "base/result.h"
#include "softcard/executor.h"
#include "softcard/executor/binding.h"
#include "softcard/executor/crew.h"

namespace axle::softcard {

// The executor of a TransformerLayer. Errors: as axmodel::layer_spec(); kUnsupported for a weight
// format. Throws std::bad_alloc.
Result<std::unique_ptr<Executor>> make_layer_executor(std::shared_ptr<const axmodel::Model> model,
                                                      std::shared_ptr<Crew> crew);

// The executor of a Head. Errors: as axmodel::head_spec(); kUnsupported for a weight format. Throws
// std::bad_alloc.
Result<std::unique_ptr<Executor>> make_head_executor(std::shared_ptr<const axmodel::Model> model,
                                                     std::shared_ptr<Crew> crew);

}  // namespace axle::softcard
