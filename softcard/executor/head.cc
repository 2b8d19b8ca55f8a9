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
    std::size_t rows = 1;
    for (const axmodel::Group& group : model_->groups) {
      rows = std::max(rows, static_cast<std::size_t>(axmodel::head_rows(group)));
    }
    floats_bytes_ = (2 * norm_.size() * sizeof(float) + 63) / 64 * 64;
    thread_bytes_ = floats_bytes_ + Activations::bytes(rows, norm_.size());
    crew_->reserve(thread_bytes_ * static_cast<std::size_t>(crew_->threads()));
  }

  Status run(std::size_t group, std::span<std::byte* const> inputs,
             std::span<std::byte* const> outputs) override {
    AXLE_TRY(check_binding(*model_, group, inputs, outputs));
    const auto* input = as<const Bf16>(inputs[0]);
    auto* logits = as<Bf16>(outputs[0]);
    const auto rows = static_cast<std::size_t>(axmodel::head_rows(model_->groups[group]));
    crew_->run([&](Worker& worker, std::byte* scratch) {
      compute(input, logits, rows, worker,
              scratch + static_cast<std::size_t>(worker.index()) * thread_bytes_);
    });
    return {};
  }

  std::size_t memory_bytes() const override { return output_.memory_bytes(); }

 private:
  // Every thread prepares the rows for itself: that is shorter than waiting for another to do it.
  Activations prepare(const Bf16* input, std::size_t rows, std::byte* own) const {
    const std::size_t hidden = norm_.size();
    float* wide = as<float>(own);
    float* normal = wide + hidden;
    const Activations a = Activations::in(own + floats_bytes_, rows, hidden);
    for (std::size_t row = 0; row < rows; ++row) {
      widen(input + row * hidden, hidden, wide);
      rms_norm(wide, norm_.data(), hidden, spec_.rms_eps, normal);
      quantise_row(normal, row, a);
    }
    return a;
  }

  void compute(const Bf16* input, Bf16* logits, std::size_t rows, Worker& worker,
               std::byte* own) const {
    const Activations a = prepare(input, rows, own);
    for (std::size_t start; (start = worker.next(0) * kGroupBatch) < output_.groups();) {
      const std::size_t end = std::min(start + kGroupBatch, output_.groups());
      for (std::size_t group = start; group < end; ++group) multiply(a, rows, group, logits);
    }
  }

  // 16 logits of each row; weights that are in the cache serve all rows.
  void multiply(const Activations& a, std::size_t rows, std::size_t group, Bf16* logits) const {
    alignas(64) float out[kTileRows][kGroupRows];
    const std::size_t vocab = output_.rows();
    const std::size_t column = group * kGroupRows;
    for (std::size_t row = 0; row < rows; row += kTileRows) {
      const std::size_t count = std::min(kTileRows, rows - row);
      output_.multiply(group, a, row, count, out);
      for (std::size_t i = 0; i < count; ++i) {
        narrow(out[i], std::min(kGroupRows, vocab - column), logits + (row + i) * vocab + column);
      }
    }
  }

  std::shared_ptr<const axmodel::Model> model_;  // Shared with whoever loaded it; keeps the bytes.
  std::shared_ptr<Crew> crew_;                   // Shared by all executors.
  axmodel::HeadSpec spec_;
  Matrix output_;
  std::vector<float> norm_;
  std::size_t floats_bytes_ = 0;  // Of thread_bytes_: two rows of floats.
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
