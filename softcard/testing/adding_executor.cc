#include <cstring>

#include "softcard/executor.h"

// An executor for tests: every output byte is the first input's byte plus the number of inputs.
// Models of the operator "Add" only.
namespace axle::softcard {
namespace {

class AddingExecutor : public Executor {
 public:
  explicit AddingExecutor(std::shared_ptr<const axmodel::Model> model) : model_(std::move(model)) {}

  Status run(std::size_t group, std::span<std::byte* const> inputs,
             std::span<std::byte* const> outputs) override {
    const axmodel::Group& shapes = model_->groups.at(group);
    AXLE_TRY_ASSIGN(const std::size_t input_bytes, axmodel::tensor_bytes(shapes.inputs.at(0)));
    for (std::size_t o = 0; o < outputs.size(); ++o) {
      AXLE_TRY_ASSIGN(const std::size_t bytes, axmodel::tensor_bytes(shapes.outputs.at(o)));
      for (std::size_t i = 0; i < bytes; ++i) {
        const auto value = std::to_integer<unsigned>(inputs[0][i % input_bytes]);
        outputs[o][i] = static_cast<std::byte>(value + inputs.size());
      }
    }
    return {};
  }
  std::size_t memory_bytes() const override { return 0; }

 private:
  std::shared_ptr<const axmodel::Model> model_;  // Shared with the engine.
};

}  // namespace

Result<std::unique_ptr<Executor>> make_executor(std::shared_ptr<const axmodel::Model> model,
                                                const ExecutorOptions& /*options*/) {
  if (model->op_type != "Add") return unsupported("operator \"" + model->op_type + "\"");
  return std::unique_ptr<Executor>(std::make_unique<AddingExecutor>(std::move(model)));
}

}  // namespace axle::softcard
