#include <fmt/format.h>

#include <algorithm>
#include <new>
#include <openvino/op/constant.hpp>
#include <openvino/runtime/core.hpp>
#include <utility>
#include <vector>

#include "softcard/executor/binding.h"
#include "softcard/onnx/onnx_plugin.h"
#include "softcard/onnx/openvino_graph.h"

namespace axle::softcard {
namespace {

ov::element::Type type_of(GraphPrecision precision) {
  return precision == GraphPrecision::kFloat ? ov::element::f32 : ov::element::bf16;
}

// How graphs are compiled: for one caller. Threads are not bound to processors: other programs, and
// other executors of this process, use them too.
ov::AnyMap compile_options(int threads, GraphPrecision precision) {
  return {ov::hint::performance_mode(ov::hint::PerformanceMode::LATENCY),
          ov::hint::inference_precision(type_of(precision)),
          ov::hint::dynamic_quantization_group_size(0),
          ov::hint::enable_cpu_pinning(false),
          ov::num_streams(1),
          ov::inference_num_threads(threads)};
}

// What the constants of a graph take as OpenVINO computes with them: floats in the precision of the
// computation.
std::size_t constant_bytes(const ov::Model& graph, GraphPrecision precision) {
  std::size_t total = 0;
  for (const std::shared_ptr<ov::Node>& node : graph.get_ops()) {
    const auto* constant = dynamic_cast<const ov::op::v0::Constant*>(node.get());
    if (constant == nullptr) continue;
    const ov::element::Type type = constant->get_element_type();
    const bool is_float =
        type == ov::element::f16 || type == ov::element::bf16 || type == ov::element::f32;
    const std::size_t count = ov::shape_size(constant->get_shape());
    total += is_float ? count * type_of(precision).size() : constant->get_byte_size();
  }
  return total;
}

// A graph compiled for each of its shape groups.
class OpenvinoExecutor final : public Executor {
 public:
  explicit OpenvinoExecutor(const OnnxRequest& request)
      : model_(request.model),
        threads_(std::max(request.threads, 1)),
        precision_(request.precision) {}

  Status load() {
    AXLE_TRY_ASSIGN(const std::shared_ptr<ov::Model> graph, read_graph(model_->file_bytes));
    memory_bytes_ = constant_bytes(*graph, precision_) * model_->groups.size();
    for (const axmodel::Group& group : model_->groups) {
      AXLE_TRY_ASSIGN(const std::shared_ptr<ov::Model> shaped, graph_of_group(*graph, group));
      AXLE_TRY(compile(shaped));
    }
    return {};
  }

  Status run(std::size_t group, std::span<std::byte* const> inputs,
             std::span<std::byte* const> outputs) override {
    AXLE_TRY(check_binding(*model_, group, inputs, outputs));
    try {
      compute(requests_[group], inputs, outputs);
    } catch (const std::exception& error) {
      return internal(fmt::format("the graph failed: {}", reason_of(error)));
    }
    return {};
  }

  std::size_t memory_bytes() const override { return memory_bytes_; }

 private:
  Status compile(const std::shared_ptr<ov::Model>& graph) {
    try {
      ov::CompiledModel compiled =
          core_.compile_model(graph, "CPU", compile_options(threads_, precision_));
      requests_.push_back(compiled.create_infer_request());
    } catch (const std::exception& error) {
      return unsupported(fmt::format("OpenVINO cannot compile the graph: {}", reason_of(error)));
    }
    return {};
  }

  // The tensors of a request are views of the card's memory: nothing is copied.
  static void compute(ov::InferRequest& request, std::span<std::byte* const> inputs,
                      std::span<std::byte* const> outputs) {
    const ov::CompiledModel compiled = request.get_compiled_model();
    for (std::size_t i = 0; i < inputs.size(); ++i) {
      request.set_input_tensor(i, view(compiled.input(i), inputs[i]));
    }
    for (std::size_t i = 0; i < outputs.size(); ++i) {
      request.set_output_tensor(i, view(compiled.output(i), outputs[i]));
    }
    request.infer();
  }

  static ov::Tensor view(const ov::Output<const ov::Node>& port, std::byte* data) {
    return {port.get_element_type(), port.get_shape(), static_cast<void*>(data)};
  }

  std::shared_ptr<const axmodel::Model> model_;  // Shared with whoever loaded it.
  int threads_;
  GraphPrecision precision_;
  ov::Core core_;
  std::vector<ov::InferRequest> requests_;  // One for each group.
  std::size_t memory_bytes_ = 0;
};

void make(const OnnxRequest& request, OnnxAnswer& answer) {
  if (request.model->file_bytes.empty()) {
    answer.status = unsupported("a graph can only be run from the bytes of its file");
    return;
  }
  auto executor = std::make_unique<OpenvinoExecutor>(request);
  answer.status = executor->load();
  if (answer.status.ok()) answer.executor = std::move(executor);
}

}  // namespace
}  // namespace axle::softcard

// Every exception ends here.
extern "C" __attribute__((visibility("default"))) void axle_make_onnx_executor(
    const axle::softcard::OnnxRequest& request, axle::softcard::OnnxAnswer& answer) {
  using namespace axle::softcard;
  try {
    make(request, answer);
  } catch (const std::bad_alloc&) {
    answer.status = axle::exhausted("not enough host memory for the graph's weights");
  } catch (const std::exception& error) {
    answer.status = axle::unsupported(fmt::format("OpenVINO cannot be used: {}", reason_of(error)));
  }
}
