#include "axmodel/layer.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace axle::axmodel {
namespace {

// Above these a file is wrong rather than large; products of two of them fit 63 bits easily.
constexpr std::int64_t kSizeLimit = std::int64_t{1} << 20;
constexpr std::int64_t kHeadRowsLimit = 1024;
constexpr std::int64_t kVocabLimit = std::int64_t{1} << 24;

// Reads attributes of a model and keeps the first failure.
class Attributes {
 public:
  explicit Attributes(const Model& model) : model_(model) {}

  template <typename T>
  void read(std::string_view name, T& value) {
    const auto attribute = model_.attributes.find(std::string(name));
    if (attribute == model_.attributes.end()) {
      fail(fmt::format("attribute '{}' is missing", name));
    } else if (const T* found = std::get_if<T>(&attribute->second)) {
      value = *found;
    } else {
      fail(fmt::format("attribute '{}' has another type", name));
    }
  }
  template <typename T>
  void read_if_there(std::string_view name, T& value) {
    if (model_.attributes.contains(std::string(name))) read(name, value);
  }
  void read_size(std::string_view name, std::int64_t limit, std::int64_t& value) {
    read(name, value);
    if (value <= 0 || value > limit) {
      fail(fmt::format("attribute '{}' should be 1 to {} and is {}", name, limit, value));
    }
  }
  void read_epsilon(float& value) {
    read("rms_eps", value);
    if (!(value > 0.0f && value < 1.0f)) fail("attribute 'rms_eps' is not between 0 and 1");
  }
  void fail(std::string text) {
    if (status_.ok()) status_ = corrupt(std::move(text));
  }
  Status status() const { return status_; }

 private:
  const Model& model_;
  Status status_;
};

TensorInfo tensor(std::string name, DataType dtype, std::vector<std::int64_t> shape) {
  return {std::move(name), dtype, std::move(shape)};
}

Status check_operator(const Model& model, std::string_view op_type) {
  if (model.op_domain == kDomain && model.op_type == op_type) return {};
  return unsupported(fmt::format("wanted the operator {}::{}, found '{}::{}'", kDomain, op_type,
                                 model.op_domain, model.op_type));
}

Status check_weights(const Model& model, const std::vector<WeightSpec>& wanted) {
  for (const WeightSpec& spec : wanted) {
    const Weight* weight = model.find_weight(spec.name);
    if (weight == nullptr) return corrupt(fmt::format("weight '{}' is missing", spec.name));
    if (weight->shape != spec.shape) {
      return corrupt(fmt::format(
          "weight '{}' has another shape than its operator's attributes give", spec.name));
    }
    if (spec.shape.size() == 1 && weight->format != "f32") {
      return corrupt(fmt::format("weight '{}' should be f32 and is {}", spec.name, weight->format));
    }
    Result<std::size_t> bytes = weight_bytes(weight->format, weight->shape);
    if (!bytes.ok() || *bytes != weight->data.size()) {
      return corrupt(fmt::format("weight '{}' has data of another size than its shape", spec.name));
    }
  }
  return {};
}

Status check_group(const LayerSpec& spec, const Group& group, std::size_t index) {
  const bool counted = group.inputs.size() == 5 && group.inputs[4].shape.size() == 3;
  const GroupShape shape = counted ? group_shape(group) : GroupShape{};
  const bool sized = shape.rows > 0 && shape.rows <= kSizeLimit && shape.history >= 0 &&
                     shape.history <= kSizeLimit;
  if (sized && group == layer_group(spec, shape.rows, shape.history)) return {};
  return corrupt(
      fmt::format("group {} is not a layer group (K_cache, V_cache, indices, input, mask; "
                  "K_cache_out, V_cache_out, output) of this layer's sizes",
                  index));
}

Status check_layer(const LayerSpec& spec) {
  const bool known =
      spec.architecture == "llama" || spec.architecture == "qwen2" || spec.architecture == "qwen3";
  if (!known) {
    return unsupported(
        fmt::format("architecture '{}'; known are llama, qwen2, qwen3", spec.architecture));
  }
  if (spec.rope_kind != "normal" && spec.rope_kind != "neox") {
    return unsupported(fmt::format("rope_kind '{}'; known are normal, neox", spec.rope_kind));
  }
  if (spec.heads % spec.kv_heads != 0) {
    return corrupt(
        fmt::format("{} heads cannot share {} K/V heads evenly", spec.heads, spec.kv_heads));
  }
  if (spec.head_dim % 2 != 0) return corrupt(fmt::format("head_dim {} is odd", spec.head_dim));
  if (spec.heads * spec.head_dim > kSizeLimit) return corrupt("heads x head_dim is above 2^20");
  const auto pairs = static_cast<std::size_t>(spec.head_dim / 2);
  if (!spec.rope_factors.empty() && spec.rope_factors.size() != pairs) {
    return corrupt(fmt::format("rope_factors should have {} values and has {}", pairs,
                               spec.rope_factors.size()));
  }
  const bool usable =
      std::ranges::all_of(spec.rope_factors, [](float f) { return std::isfinite(f) && f > 0.0f; });
  if (!usable || !(spec.rope_theta > 1.0f) || !std::isfinite(spec.rope_theta) ||
      !(spec.rope_scale > 0.0f) || !std::isfinite(spec.rope_scale)) {
    return corrupt("rope_theta, rope_scale or rope_factors are not positive numbers");
  }
  return {};
}

}  // namespace

std::vector<WeightSpec> layer_weights(const LayerSpec& spec) {
  const std::int64_t q = spec.heads * spec.head_dim;
  const std::int64_t kv = spec.kv();
  std::vector<WeightSpec> weights{{"attn_norm", {spec.hidden}},
                                  {"attn_q", {q, spec.hidden}},
                                  {"attn_k", {kv, spec.hidden}},
                                  {"attn_v", {kv, spec.hidden}}};
  if (spec.architecture == "qwen2") {
    weights.insert(weights.end(),
                   {{"attn_q.bias", {q}}, {"attn_k.bias", {kv}}, {"attn_v.bias", {kv}}});
  }
  if (spec.architecture == "qwen3") {
    weights.insert(weights.end(),
                   {{"attn_q_norm", {spec.head_dim}}, {"attn_k_norm", {spec.head_dim}}});
  }
  weights.insert(weights.end(), {{"attn_output", {spec.hidden, q}},
                                 {"ffn_norm", {spec.hidden}},
                                 {"ffn_gate", {spec.ffn, spec.hidden}},
                                 {"ffn_up", {spec.ffn, spec.hidden}},
                                 {"ffn_down", {spec.hidden, spec.ffn}}});
  return weights;
}

std::vector<WeightSpec> head_weights(const HeadSpec& spec) {
  return {{"output_norm", {spec.hidden}}, {"output", {spec.vocab, spec.hidden}}};
}

Group layer_group(const LayerSpec& spec, std::int64_t rows, std::int64_t history) {
  const std::int64_t cells = std::max<std::int64_t>(history, 1);
  Group group;
  group.inputs = {tensor("K_cache", DataType::kBfloat16, {1, cells, spec.kv()}),
                  tensor("V_cache", DataType::kBfloat16, {1, cells, spec.kv()}),
                  tensor("indices", DataType::kUint32, {1, rows}),
                  tensor("input", DataType::kBfloat16, {1, rows, spec.hidden}),
                  tensor("mask", DataType::kBfloat16, {1, rows, history + rows})};
  group.outputs = {tensor("K_cache_out", DataType::kBfloat16, {1, rows, spec.kv()}),
                   tensor("V_cache_out", DataType::kBfloat16, {1, rows, spec.kv()}),
                   tensor("output", DataType::kBfloat16, {1, rows, spec.hidden})};
  return group;
}

Group head_group(const HeadSpec& spec, std::int64_t rows) {
  return {{tensor("input", DataType::kBfloat16, {1, rows, spec.hidden})},
          {tensor("output", DataType::kBfloat16, {1, rows, spec.vocab})}};
}

std::int64_t head_rows(const Group& group) { return group.inputs[0].shape[1]; }

Model layer_model(const LayerSpec& spec) {
  Model model;
  model.producer = kProducer;
  model.graph_name = "layer";
  model.op_domain = kDomain;
  model.op_type = kLayerOp;
  model.attributes = {{"architecture", spec.architecture},
                      {"hidden", spec.hidden},
                      {"heads", spec.heads},
                      {"kv_heads", spec.kv_heads},
                      {"head_dim", spec.head_dim},
                      {"ffn", spec.ffn},
                      {"rms_eps", spec.rms_eps},
                      {"rope_theta", spec.rope_theta},
                      {"rope_kind", spec.rope_kind},
                      {"max_position", spec.max_position}};
  if (spec.rope_scale != 1.0f) model.attributes["rope_scale"] = spec.rope_scale;
  if (!spec.rope_factors.empty()) model.attributes["rope_factors"] = spec.rope_factors;
  return model;
}

Model head_model(const HeadSpec& spec) {
  Model model;
  model.producer = kProducer;
  model.graph_name = "head";
  model.op_domain = kDomain;
  model.op_type = kHeadOp;
  model.attributes = {{"hidden", spec.hidden}, {"vocab", spec.vocab}, {"rms_eps", spec.rms_eps}};
  model.groups = {head_group(spec)};
  return model;
}

Result<LayerSpec> layer_spec(const Model& model) {
  AXLE_TRY(check_operator(model, kLayerOp));
  LayerSpec spec;
  Attributes attributes(model);
  attributes.read("architecture", spec.architecture);
  attributes.read_size("hidden", kSizeLimit, spec.hidden);
  attributes.read_size("heads", kSizeLimit, spec.heads);
  attributes.read_size("kv_heads", kSizeLimit, spec.kv_heads);
  attributes.read_size("head_dim", kSizeLimit, spec.head_dim);
  attributes.read_size("ffn", kSizeLimit, spec.ffn);
  attributes.read_epsilon(spec.rms_eps);
  attributes.read("rope_theta", spec.rope_theta);
  attributes.read("rope_kind", spec.rope_kind);
  attributes.read_if_there("rope_scale", spec.rope_scale);
  attributes.read_if_there("rope_factors", spec.rope_factors);
  attributes.read_if_there("max_position", spec.max_position);
  AXLE_TRY(attributes.status());
  AXLE_TRY(check_layer(spec));
  AXLE_TRY(check_weights(model, layer_weights(spec)));
  if (model.groups.empty()) return corrupt("the layer has no group");
  for (std::size_t i = 0; i < model.groups.size(); ++i) {
    AXLE_TRY(check_group(spec, model.groups[i], i));
  }
  return spec;
}

namespace {

Status check_head_group(const HeadSpec& spec, const Group& group, std::size_t index) {
  const bool has_rows = group.inputs.size() == 1 && group.inputs[0].shape.size() == 3;
  const std::int64_t rows = has_rows ? head_rows(group) : 0;
  if (rows >= 1 && rows <= kHeadRowsLimit && group == head_group(spec, rows)) return {};
  return corrupt(fmt::format(
      "group {} of the head is not input [1,n,hidden] -> output [1,n,vocab] with n up to {}", index,
      kHeadRowsLimit));
}

}  // namespace

Result<HeadSpec> head_spec(const Model& model) {
  AXLE_TRY(check_operator(model, kHeadOp));
  HeadSpec spec;
  Attributes attributes(model);
  attributes.read_size("hidden", kSizeLimit, spec.hidden);
  attributes.read_size("vocab", kVocabLimit, spec.vocab);
  attributes.read_epsilon(spec.rms_eps);
  AXLE_TRY(attributes.status());
  AXLE_TRY(check_weights(model, head_weights(spec)));
  if (model.groups.empty() || model.groups[0] != head_group(spec)) {
    return corrupt("the head's first group is not input [1,1,hidden] -> output [1,1,vocab]");
  }
  for (std::size_t i = 1; i < model.groups.size(); ++i) {
    AXLE_TRY(check_head_group(spec, model.groups[i], i));
  }
  return spec;
}

GroupShape group_shape(const Group& group) {
  const std::vector<std::int64_t>& mask = group.inputs[4].shape;
  return {mask[1], mask[2] - mask[1]};
}

}  // namespace axle::axmodel
