#include <algorithm>
#include <cstring>
#include <vector>

#include "softcard/executor/layer.h"
#include "softcard/executor/matrix.h"
#include "softcard/executor/rows.h"

namespace axle::softcard {
namespace {

// Groups of outputs that a thread takes at a time.
constexpr std::size_t kGroupBatch = 8;

template <typename T>
T* as(std::byte* bytes) {
  return static_cast<T*>(static_cast<void*>(bytes));
}

class HeadExecutor final : public Executor {
 public:
  HeadExecutor(std::shared_ptr<const axmodel::Model> model, std::shared_ptr<Crew> crew,
               const axmodel::HeadSpec& spec, Matrix output)
      : model_(std::move(model)), crew_(std::move(crew)), spec_(spec), output_(std::move(output)) {
    const axmodel::Weight* norm = model_->find_weight("output_norm");
    norm_.resize(norm->data.size() / sizeof(float));
    std::memcpy(norm_.data(), norm->data.data(), norm->data.size());
    thread_bytes_ =
        (2 * norm_.size() * sizeof(float) + 63) / 64 * 64 + Activations::bytes(1, norm_.size());
    crew_->reserve(thread_bytes_ * static_cast<std::size_t>(crew_->threads()));
  }

  Status run(std::size_t group, std::span<std::byte* const> inputs,
             std::span<std::byte* const> outputs) override {
    AXLE_TRY(check_binding(*model_, group, inputs, outputs));
    const auto* input = as<const Bf16>(inputs[0]);
    auto* logits = as<Bf16>(outputs[0]);
    crew_->run([&](Worker& worker, std::byte* scratch) {
      compute(input, logits, worker,
              scratch + static_cast<std::size_t>(worker.index()) * thread_bytes_);
    });
    return {};
  }

  std::size_t memory_bytes() const override { return output_.memory_bytes(); }

 private:
  // Every thread prepares the row for itself: that is shorter than waiting for another to do it.
  void compute(const Bf16* input, Bf16* logits, Worker& worker, std::byte* own) const {
    const std::size_t hidden = norm_.size();
    float* row = as<float>(own);
    float* normal = row + hidden;
    const Activations a =
        Activations::in(own + thread_bytes_ - Activations::bytes(1, hidden), 1, hidden);
    widen(input, hidden, row);
    rms_norm(row, norm_.data(), hidden, spec_.rms_eps, normal);
    quantise_row(normal, 0, a);
    alignas(64) float out[1][kGroupRows];
    for (std::size_t start; (start = worker.next(0) * kGroupBatch) < output_.groups();) {
      for (std::size_t group = start; group < std::min(start + kGroupBatch, output_.groups());
           ++group) {
        output_.multiply(group, a, 0, 1, out);
        const std::size_t column = group * kGroupRows;
        narrow(out[0], std::min(kGroupRows, output_.rows() - column), logits + column);
      }
    }
  }

  std::shared_ptr<const axmodel::Model> model_;  // Shared with whoever loaded it; keeps the bytes.
  std::shared_ptr<Crew> crew_;                   // Shared by all executors.
  axmodel::HeadSpec spec_;
  Matrix output_;
  std::vector<float> norm_;
  std::size_t thread_bytes_ = 0;
};

}  // namespace

Result<std::unique_ptr<Executor>> make_head_executor(std::shared_ptr<const axmodel::Model> model,
                                                     std::shared_ptr<Crew> crew) {
  AXLE_TRY_ASSIGN(const axmodel::HeadSpec spec, axmodel::head_spec(*model));
  AXLE_TRY_ASSIGN(Matrix output, Matrix::create(*model->find_weight("output")));
  return std::unique_ptr<Executor>(
      std::make_unique<HeadExecutor>(std::move(model), std::move(crew), spec, std::move(output)));
}

}  // namespace axle::softcard
