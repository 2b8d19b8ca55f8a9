#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "axmodel/model.h"

// The operators of the domain "axle": what their attributes, weights and groups are called. The
// import writes them, the software card's executors read them, both through these functions.
namespace axle::axmodel {

inline constexpr std::string_view kLayerOp = "TransformerLayer";
inline constexpr std::string_view kHeadOp = "Head";

// One transformer layer: RMSNorm, attention with rotary positions, RMSNorm, SwiGLU.
struct LayerSpec {
  std::string architecture;  // "llama", "qwen2" (biases on q, k, v) or "qwen3" (norms on q and k).
  std::int64_t hidden = 0;
  std::int64_t heads = 0;
  std::int64_t kv_heads = 0;  // Divides heads.
  std::int64_t head_dim = 0;  // Even.
  std::int64_t ffn = 0;
  float rms_eps = 0.0f;
  float rope_theta = 10000.0f;
  // "normal": pairs (2i, 2i+1), as in llama GGUF files; "neox": pairs (i, i + head_dim/2).
  std::string rope_kind = "normal";
  float rope_scale = 1.0f;          // Positions are multiplied by it (linear scaling: 1 / factor).
  std::vector<float> rope_factors;  // Empty, or head_dim/2 divisors of the frequencies.
  std::int64_t max_position = 0;    // Positions are below it. 0: not known.

  std::int64_t kv() const { return kv_heads * head_dim; }
  friend bool operator==(const LayerSpec&, const LayerSpec&) = default;
};

// Final RMSNorm and output matrix.
struct HeadSpec {
  std::int64_t hidden = 0;
  std::int64_t vocab = 0;
  float rms_eps = 0.0f;

  friend bool operator==(const HeadSpec&, const HeadSpec&) = default;
};

// A weight that an operator has. Shapes are [rows, columns] for matrices (y = W x), [n] for
// vectors.
struct WeightSpec {
  std::string name;  // As in GGUF, without "blk.N." and ".weight": "attn_q", "attn_q.bias".
  std::vector<std::int64_t> shape;
};

// The weights of an operator in file order. All are required.
std::vector<WeightSpec> layer_weights(const LayerSpec& spec);
std::vector<WeightSpec> head_weights(const HeadSpec& spec);

// The group of `rows` rows that see `history` cells. In: K_cache, V_cache [1, max(history,1), kv]
// bf16, indices [1, rows] u32, input [1, rows, hidden] bf16, mask [1, rows, history + rows] bf16.
// Out: K_cache_out, V_cache_out [1, rows, kv] bf16, output [1, rows, hidden] bf16.
// Source: AXERA-TECH/ax-llm, branches "prefill" and "axcl-llm", the tensors of its layer engines.
Group layer_group(const LayerSpec& spec, std::int64_t rows, std::int64_t history);
// In: input [1, rows, hidden] bf16. Out: output [1, rows, vocab] bf16. Group 0 of a head has one
// row, as the vendor's heads have; further groups have more.
Group head_group(const HeadSpec& spec, std::int64_t rows = 1);
// The rows of a group that head_spec() accepted.
std::int64_t head_rows(const Group& group);

// A model of one operator, its attributes set and its groups and weights still to be filled in.
Model layer_model(const LayerSpec& spec);
Model head_model(const HeadSpec& spec);

// The operator of a parsed model, checked: sizes positive and consistent, every weight present in
// its shape, every group as layer_group() or head_group() would make it.
// Errors: kUnsupported  another operator, or an architecture or rope kind that is not listed above.
//         kCorrupt      an attribute, weight or group missing or of a wrong size, by name.
Result<LayerSpec> layer_spec(const Model& model);
Result<HeadSpec> head_spec(const Model& model);

// The rows and history of a group that layer_spec() accepted.
struct GroupShape {
  std::int64_t rows = 0;
  std::int64_t history = 0;  // Columns of the mask before the chunk itself; 0 with a dummy cell.

  friend bool operator==(const GroupShape&, const GroupShape&) = default;
};
GroupShape group_shape(const Group& group);

}  // namespace axle::axmodel
