#include "softcard/executor.h"

#include <fmt/format.h>

#include <new>
#include <system_error>

#include "axmodel/layer.h"
#include "softcard/executor/layer.h"
#include "softcard/executor/onnx_library.h"

namespace axle::softcard {
namespace {

Result<std::unique_ptr<Executor>> dispatch(std::shared_ptr<const axmodel::Model> model,
                                           const ExecutorOptions& options) {
  if (model->is_vendor()) {
    return unsupported(fmt::format(
        "an engine compiled for the NPU ({}) cannot run on the software card; import the "
        "model with 'axle import'",
        axmodel::compiler_version(*model)));
  }
  if (model->op_domain != axmodel::kDomain) return make_onnx_executor(std::move(model), options);
  if (model->op_type != axmodel::kLayerOp && model->op_type != axmodel::kHeadOp) {
    return unsupported(fmt::format("operator '{}::{}' is not known; this build runs {} and {}",
                                   axmodel::kDomain, model->op_type, axmodel::kLayerOp,
                                   axmodel::kHeadOp));
  }
  std::shared_ptr<Crew> crew = Crew::shared(crew_size(options.threads));
  if (model->op_type == axmodel::kLayerOp)
    return make_layer_executor(std::move(model), std::move(crew));
  return make_head_executor(std::move(model), std::move(crew));
}

}  // namespace

Result<std::unique_ptr<Executor>> make_executor(std::shared_ptr<const axmodel::Model> model,
                                                const ExecutorOptions& options) {
  try {
    return dispatch(std::move(model), options);
  } catch (const std::bad_alloc&) {
    return exhausted("not enough host memory for the engine's weights");
  } catch (const std::system_error& error) {
    return exhausted(fmt::format("cannot start the executor's threads: {}", error.what()));
  }
}

}  // namespace axle::softcard
