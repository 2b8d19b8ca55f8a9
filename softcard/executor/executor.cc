#include "softcard/executor.h"

#include <fmt/format.h>

#include <algorithm>
#include <new>
#include <system_error>

#include "axmodel/layer.h"
#include "softcard/executor/layer.h"

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
  const bool ours = model->op_domain == axmodel::kDomain;
  if (!ours) {
    return unsupported(
        "ordinary ONNX graphs need the OpenVINO executor, which this build does not contain");
  }
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

Status check_pointers(std::string_view side, std::size_t wanted,
                      std::span<std::byte* const> pointers) {
  if (pointers.size() != wanted) {
    return invalid_argument(
        fmt::format("the group has {} {}, {} were given", wanted, side, pointers.size()));
  }
  if (std::ranges::find(pointers, nullptr) != pointers.end()) {
    return invalid_argument(fmt::format("one of the {} is not bound", side));
  }
  return {};
}

}  // namespace

Status check_binding(const axmodel::Model& model, std::size_t group,
                     std::span<std::byte* const> inputs, std::span<std::byte* const> outputs) {
  if (group >= model.groups.size()) {
    return invalid_argument(
        fmt::format("group {} does not exist, the engine has {}", group, model.groups.size()));
  }
  AXLE_TRY(check_pointers("inputs", model.groups[group].inputs.size(), inputs));
  return check_pointers("outputs", model.groups[group].outputs.size(), outputs);
}

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
