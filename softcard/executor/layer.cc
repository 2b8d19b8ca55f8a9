#include "softcard/executor/layer.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <optional>
#include <vector>

#include "softcard/executor/attention.h"
#include "softcard/executor/matrix.h"
#include "softcard/executor/rope.h"
#include "softcard/executor/rows.h"

namespace axle::softcard {
namespace {

using axmodel::LayerSpec;

// The stages of a job whose work threads take piece by piece (Worker::next).
enum Stage : std::size_t {
  kNormStage,
  kQkvStage,
  kRopeStage,
  kAttentionStage,
  kAttnQuantStage,
  kOutputStage,
  kFfnNormStage,
  kGateStage,
  kFfnQuantStage,
  kDownStage
};

// Rows that a thread takes at a time where work goes by rows.
constexpr std::size_t kRowBatch = 4;

std::size_t round_up(std::size_t value, std::size_t unit) {
  return (value + unit - 1) / unit * unit;
}
std::size_t unsigned_size(std::int64_t value) { return static_cast<std::size_t>(value); }

template <typename T>
T* as(std::byte* bytes) {
  return static_cast<T*>(static_cast<void*>(bytes));
}

// A vector of floats out of the file, copied: the file's bytes may lie anywhere.
std::vector<float> floats_of(const axmodel::Model& model, std::string_view name) {
  const axmodel::Weight* weight = model.find_weight(name);
  if (weight == nullptr) return {};
  std::vector<float> floats(weight->data.size() / sizeof(float));
  std::memcpy(floats.data(), weight->data.data(), floats.size() * sizeof(float));
  return floats;
}

struct Weights {
  std::optional<Matrix> q, k, v, output, gate, up, down;
  std::vector<float> attn_norm, ffn_norm, q_bias, k_bias, v_bias, q_norm, k_norm;

  Status read(const axmodel::Model& model) {
    const std::pair<const char*, std::optional<Matrix>*> matrices[] = {
        {"attn_q", &q},      {"attn_k", &k},  {"attn_v", &v},      {"attn_output", &output},
        {"ffn_gate", &gate}, {"ffn_up", &up}, {"ffn_down", &down},
    };
    for (const auto& [name, matrix] : matrices) {
      AXLE_TRY_ASSIGN(*matrix, Matrix::create(*model.find_weight(name)));
    }
    const std::pair<const char*, std::vector<float>*> vectors[] = {
        {"attn_norm", &attn_norm}, {"ffn_norm", &ffn_norm},  {"attn_q.bias", &q_bias},
        {"attn_k.bias", &k_bias},  {"attn_v.bias", &v_bias}, {"attn_q_norm", &q_norm},
        {"attn_k_norm", &k_norm},
    };
    for (const auto& [name, vector] : vectors) *vector = floats_of(model, name);
    return {};
  }
  std::size_t memory_bytes() const {
    std::size_t bytes = 0;
    for (const std::optional<Matrix>* matrix : {&q, &k, &v, &output, &gate, &up, &down})
      bytes += (*matrix)->memory_bytes();
    return bytes;
  }
};

// The tensors of one call.
struct Call {
  AttentionInput attention;
  const std::uint32_t* positions;
  const Bf16* input;
  Bf16* key_out;
  Bf16* value_out;
  Bf16* output;
  std::size_t rows;  // That are computed; the group's others are padding.
};

class LayerExecutor final : public Executor {
 public:
  LayerExecutor(std::shared_ptr<const axmodel::Model> model, std::shared_ptr<Crew> crew,
                LayerSpec spec, Weights weights)
      : model_(std::move(model)),
        crew_(std::move(crew)),
        spec_(std::move(spec)),
        weights_(std::move(weights)),
        attention_({unsigned_size(spec_.heads), unsigned_size(spec_.kv_heads),
                    unsigned_size(spec_.head_dim)}),
        rope_(RopeTable::shared(spec_)),
        rope_kind_(spec_.rope_kind == "neox" ? RopeKind::kNeox : RopeKind::kNormal),
        hidden_(unsigned_size(spec_.hidden)),
        head_dim_(unsigned_size(spec_.head_dim)),
        q_(unsigned_size(spec_.heads * spec_.head_dim)),
        kv_(unsigned_size(spec_.kv())),
        ffn_(unsigned_size(spec_.ffn)) {
    std::size_t rows = 1;
    std::size_t cells = 1;
    for (const axmodel::Group& group : model_->groups) {
      const axmodel::GroupShape shape = axmodel::group_shape(group);
      rows = std::max(rows, unsigned_size(shape.rows));
      cells = std::max(cells, unsigned_size(shape.rows + shape.history));
    }
    lay_out(rows, cells);
    crew_->reserve(scratch_bytes_);
  }

  Status run(std::size_t group, std::span<std::byte* const> inputs,
             std::span<std::byte* const> outputs) override {
    AXLE_TRY(check_binding(*model_, group, inputs, outputs));
    const axmodel::GroupShape shape = axmodel::group_shape(model_->groups[group]);
    Call call{};
    call.positions = as<const std::uint32_t>(inputs[2]);
    call.input = as<const Bf16>(inputs[3]);
    call.key_out = as<Bf16>(outputs[0]);
    call.value_out = as<Bf16>(outputs[1]);
    call.output = as<Bf16>(outputs[2]);
    call.attention.history_keys = as<const Bf16>(inputs[0]);
    call.attention.history_values = as<const Bf16>(inputs[1]);
    call.attention.new_keys = call.key_out;
    call.attention.new_values = call.value_out;
    call.attention.mask = as<const Bf16>(inputs[4]);
    call.attention.history = unsigned_size(shape.history);
    call.attention.rows = unsigned_size(shape.rows);
    const std::size_t columns = call.attention.columns();
    call.rows = rows_in_use(call.attention.mask, call.attention.rows, columns);
    attention_.cut(call.attention.mask, call.rows, columns, call.attention.history, tiles_);
    call.attention.tiles = tiles_;
    crew_->run([&](Worker& worker, std::byte* scratch) { compute(call, worker, scratch); });
    return {};
  }

  std::size_t memory_bytes() const override { return weights_.memory_bytes(); }

 private:
  // Offsets of the intermediate results in the crew's scratch.
  struct Layout {
    std::size_t x, qkv, attn, up, norm_values, attn_values, ffn_values, threads, thread_bytes;
  };

  void lay_out(std::size_t rows, std::size_t cells) {
    std::size_t end = 0;
    const auto take = [&end](std::size_t bytes) {
      const std::size_t at = end;
      end += round_up(bytes, 64);
      return at;
    };
    layout_.x = take(rows * hidden_ * sizeof(float));
    layout_.qkv = take(rows * (q_ + 2 * kv_) * sizeof(float));
    layout_.attn = take(rows * q_ * sizeof(float));
    layout_.up = take(rows * ffn_ * sizeof(float));
    layout_.norm_values = take(Activations::bytes(rows, hidden_));
    layout_.attn_values = take(Activations::bytes(rows, q_));
    layout_.ffn_values = take(Activations::bytes(rows, ffn_));
    layout_.thread_bytes =
        round_up(std::max(attention_.scratch_bytes(cells), hidden_ * sizeof(float)), 64) +
        round_up(2 * head_dim_ * sizeof(float), 64);
    layout_.threads = end;
    scratch_bytes_ = end + layout_.thread_bytes * static_cast<std::size_t>(crew_->threads());
  }

  // Where one call's intermediate results lie.
  struct Space {
    float* x;     // [rows, hidden] the residual stream
    float* qkv;   // [rows, q + 2 kv]
    float* attn;  // [rows, q]
    float* up;    // [rows, ffn] silu(gate) * up
    Activations norm_values, attn_values, ffn_values;
    std::byte* own;  // This thread's.
  };

  Space space(const Call& call, const Worker& worker, std::byte* scratch) const {
    Space s{};
    s.x = as<float>(scratch + layout_.x);
    s.qkv = as<float>(scratch + layout_.qkv);
    s.attn = as<float>(scratch + layout_.attn);
    s.up = as<float>(scratch + layout_.up);
    s.norm_values = Activations::in(scratch + layout_.norm_values, call.rows, hidden_);
    s.attn_values = Activations::in(scratch + layout_.attn_values, call.rows, q_);
    s.ffn_values = Activations::in(scratch + layout_.ffn_values, call.rows, ffn_);
    s.own =
        scratch + layout_.threads + static_cast<std::size_t>(worker.index()) * layout_.thread_bytes;
    return s;
  }

  void compute(const Call& call, Worker& worker, std::byte* scratch) const {
    const Space s = space(call, worker, scratch);
    each_row(worker, kNormStage, call.rows, [&](std::size_t row) {
      widen(call.input + row * hidden_, hidden_, s.x + row * hidden_);
      normalise(s, row, weights_.attn_norm);
    });
    worker.barrier();
    project(call, worker, s);
    worker.barrier();
    each_row(worker, kRopeStage, call.rows, [&](std::size_t row) { place(call, s, row); });
    worker.barrier();
    attend(call, worker, s);
    worker.barrier();
    each_row(worker, kAttnQuantStage, call.rows,
             [&](std::size_t row) { quantise_row(s.attn + row * q_, row, s.attn_values); });
    worker.barrier();
    add_product(*weights_.output, s.attn_values, worker, kOutputStage, call.rows, s.x);
    worker.barrier();
    each_row(worker, kFfnNormStage, call.rows,
             [&](std::size_t row) { normalise(s, row, weights_.ffn_norm); });
    worker.barrier();
    gate(call, worker, s);
    worker.barrier();
    each_row(worker, kFfnQuantStage, call.rows,
             [&](std::size_t row) { quantise_row(s.up + row * ffn_, row, s.ffn_values); });
    worker.barrier();
    finish(call, worker, s);
  }

  template <typename Work>
  static void each_row(Worker& worker, Stage stage, std::size_t rows, const Work& work) {
    for (std::size_t start; (start = worker.next(stage) * kRowBatch) < rows;) {
      for (std::size_t row = start; row < std::min(start + kRowBatch, rows); ++row) work(row);
    }
  }

  // All tiles of `matrix`, its groups taken by whoever is free: sink(row, first column, 16 values).
  template <typename Sink>
  static void each_tile(const Matrix& matrix, std::size_t group, const Activations& a,
                        std::size_t rows, const Sink& sink) {
    alignas(64) float out[kTileRows][kGroupRows];
    for (std::size_t row = 0; row < rows; row += kTileRows) {
      const std::size_t count = std::min(kTileRows, rows - row);
      matrix.multiply(group, a, row, count, out);
      for (std::size_t i = 0; i < count; ++i) sink(row + i, group * kGroupRows, out[i]);
    }
  }

  void normalise(const Space& s, std::size_t row, const std::vector<float>& weight) const {
    float* norm = as<float>(s.own);
    rms_norm(s.x + row * hidden_, weight.data(), hidden_, spec_.rms_eps, norm);
    quantise_row(norm, row, s.norm_values);
  }

  void project(const Call& call, Worker& worker, const Space& s) const {
    const Matrix* matrices[] = {&*weights_.q, &*weights_.k, &*weights_.v};
    const std::size_t offsets[] = {0, q_, q_ + kv_};
    const std::size_t stride = q_ + 2 * kv_;
    for (std::size_t group; (group = worker.next(kQkvStage)) < total_groups(matrices);) {
      std::size_t index = 0;
      while (group >= matrices[index]->groups()) group -= matrices[index++]->groups();
      const std::size_t width = matrices[index]->rows();
      each_tile(*matrices[index], group, s.norm_values, call.rows,
                [&](std::size_t row, std::size_t column, const float* values) {
                  std::copy_n(values, std::min(kGroupRows, width - column),
                              s.qkv + row * stride + offsets[index] + column);
                });
    }
  }

  static std::size_t total_groups(std::span<const Matrix* const> matrices) {
    std::size_t total = 0;
    for (const Matrix* matrix : matrices) total += matrix->groups();
    return total;
  }

  // Biases, head norms and rotation of one row; its new K and V rows go to their outputs.
  void place(const Call& call, const Space& s, std::size_t row) const {
    float* q = s.qkv + row * (q_ + 2 * kv_);
    float* k = q + q_;
    float* v = k + kv_;
    add(weights_.q_bias, q);
    add(weights_.k_bias, k);
    add(weights_.v_bias, v);
    const float* angles = rope_->at(call.positions[row], as<float>(s.own));
    turn(q, q_, weights_.q_norm, angles);
    turn(k, kv_, weights_.k_norm, angles);
    constexpr float kLog2E = 1.44269504f;
    const float scale = kLog2E / std::sqrt(static_cast<float>(head_dim_));
    for (std::size_t i = 0; i < q_; ++i) q[i] *= scale;
    narrow(k, kv_, call.key_out + row * kv_);
    narrow(v, kv_, call.value_out + row * kv_);
  }

  static void add(const std::vector<float>& bias, float* to) {
    for (std::size_t i = 0; i < bias.size(); ++i) to[i] += bias[i];
  }

  void turn(float* heads, std::size_t width, const std::vector<float>& norm,
            const float* angles) const {
    for (float* head = heads; head < heads + width; head += head_dim_) {
      if (!norm.empty()) rms_norm(head, norm.data(), head_dim_, spec_.rms_eps, head);
      rotate(head, head_dim_ / 2, angles, rope_kind_);
    }
  }

  void attend(const Call& call, Worker& worker, const Space& s) const {
    AttentionInput input = call.attention;
    input.queries = s.qkv;
    input.query_stride = q_ + 2 * kv_;
    input.output = s.attn;
    const std::size_t pieces = attention_.pieces(call.attention.tiles.size());
    for (std::size_t piece; (piece = worker.next(kAttentionStage)) < pieces;)
      attention_.run(input, piece, s.own);
  }

  // x += matrix * a
  static void add_product(const Matrix& matrix, const Activations& a, Worker& worker, Stage stage,
                          std::size_t rows, float* x) {
    const std::size_t width = matrix.rows();
    for (std::size_t group; (group = worker.next(stage)) < matrix.groups();) {
      each_tile(matrix, group, a, rows,
                [&](std::size_t row, std::size_t column, const float* values) {
                  float* to = x + row * width + column;
                  for (std::size_t i = 0; i < std::min(kGroupRows, width - column); ++i)
                    to[i] += values[i];
                });
    }
  }

  void gate(const Call& call, Worker& worker, const Space& s) const {
    alignas(64) float gates[kTileRows][kGroupRows];
    alignas(64) float ups[kTileRows][kGroupRows];
    for (std::size_t group; (group = worker.next(kGateStage)) < weights_.gate->groups();) {
      const std::size_t column = group * kGroupRows;
      for (std::size_t row = 0; row < call.rows; row += kTileRows) {
        const std::size_t count = std::min(kTileRows, call.rows - row);
        weights_.gate->multiply(group, s.norm_values, row, count, gates);
        weights_.up->multiply(group, s.norm_values, row, count, ups);
        for (std::size_t i = 0; i < count; ++i) {
          gate_lanes(gates[i], ups[i]);
          std::copy_n(gates[i], std::min(kGroupRows, ffn_ - column),
                      s.up + (row + i) * ffn_ + column);
        }
      }
    }
  }

  void finish(const Call& call, Worker& worker, const Space& s) const {
    for (std::size_t group; (group = worker.next(kDownStage)) < weights_.down->groups();) {
      each_tile(*weights_.down, group, s.ffn_values, call.rows,
                [&](std::size_t row, std::size_t column, float* values) {
                  const std::size_t count = std::min(kGroupRows, hidden_ - column);
                  const float* x = s.x + row * hidden_ + column;
                  for (std::size_t i = 0; i < count; ++i) values[i] += x[i];
                  narrow(values, count, call.output + row * hidden_ + column);
                });
    }
  }

  std::shared_ptr<const axmodel::Model> model_;  // Shared with whoever loaded it; keeps the bytes.
  std::shared_ptr<Crew> crew_;                   // Shared by all executors.
  LayerSpec spec_;
  Weights weights_;
  Attention attention_;
  std::shared_ptr<const RopeTable> rope_;  // Shared by the layers of a model.
  RopeKind rope_kind_;
  std::size_t hidden_, head_dim_, q_, kv_, ffn_;
  Layout layout_{};
  std::vector<RowTile> tiles_;  // Of the running call.
  std::size_t scratch_bytes_ = 0;
};

}  // namespace

Result<std::unique_ptr<Executor>> make_layer_executor(std::shared_ptr<const axmodel::Model> model,
                                                      std::shared_ptr<Crew> crew) {
  AXLE_TRY_ASSIGN(LayerSpec spec, axmodel::layer_spec(*model));
  Weights weights;
  AXLE_TRY(weights.read(*model));
  return std::unique_ptr<Executor>(std::make_unique<LayerExecutor>(
      std::move(model), std::move(crew), std::move(spec), std::move(weights)));
}

}  // namespace axle::softcard
