#include "package/import_plan.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <limits>
#include <set>
#include <string_view>
#include <utility>

#include "package/transcode.h"

namespace axle::package {
namespace {

constexpr std::uint32_t kF32 = 0;
constexpr std::uint32_t kQ4_0 = 2;
constexpr std::uint32_t kQ8_0 = 8;
constexpr std::size_t kMaxCells = 131072;
constexpr std::size_t kMaxChunk = 4096;
constexpr std::size_t kMaxGroups = 64;
constexpr std::size_t kMaxHeadRows = 64;
constexpr std::uint64_t kMaxLayers = 1024;
constexpr std::int64_t kMaxSize = std::int64_t{1} << 20;  // Of hidden, heads, ffn: as axmodel.

constexpr std::array<std::string_view, 3> kArchitectures = {"llama", "qwen2", "qwen3"};

// Keys below "<architecture>." whose presence with another value than the one given means a model
// that the layer operator does not compute. Source: llama.cpp, src/llama-arch.cpp (names of keys).
struct ForbiddenKey {
  std::string_view key;
  double harmless;
  std::string_view what;
};
constexpr std::array kForbidden = {
    ForbiddenKey{"expert_count", 0, "a mixture of experts"},
    ForbiddenKey{"attention.sliding_window", 0, "sliding-window attention"},
    ForbiddenKey{"pooling_type", 0, "pooled output, as embedding models have"},
    ForbiddenKey{"attention.scale", 0, "a scale of its own in attention"},
    ForbiddenKey{"logit_scale", 1, "scaled logits"},
    ForbiddenKey{"residual_scale", 1, "scaled residuals"},
    ForbiddenKey{"embedding_scale", 1, "scaled embeddings"},
    ForbiddenKey{"attention.clamp_kqv", 0, "clamped attention"},
    ForbiddenKey{"attn_logit_softcapping", 0, "soft-capped attention"},
    ForbiddenKey{"final_logit_softcapping", 0, "soft-capped logits"},
    ForbiddenKey{"rope.scaling.attn_factor", 1, "RoPE scaling with an attention factor"},
};

// Reads keys of one architecture.
class Keys {
 public:
  Keys(const Gguf& gguf, std::string architecture)
      : gguf_(gguf), architecture_(std::move(architecture)) {}

  std::string full(std::string_view key) const { return fmt::format("{}.{}", architecture_, key); }

  Result<std::optional<std::int64_t>> size(std::string_view key, std::int64_t limit) const {
    AXLE_TRY_ASSIGN(const std::optional<std::uint64_t> value, gguf_.get_unsigned(full(key)));
    if (!value) return std::optional<std::int64_t>();
    if (*value == 0 || *value > static_cast<std::uint64_t>(limit)) {
      return corrupt(fmt::format("key '{}' is {}, wanted 1 to {}", full(key), *value, limit));
    }
    return std::optional(static_cast<std::int64_t>(*value));
  }

  Result<std::int64_t> required_size(std::string_view key, std::int64_t limit) const {
    AXLE_TRY_ASSIGN(const std::optional<std::int64_t> value, size(key, limit));
    if (!value) return corrupt(fmt::format("key '{}' is missing", full(key)));
    return *value;
  }

  Result<std::optional<double>> number(std::string_view key) const {
    return gguf_.get_float(full(key));
  }

  const Gguf& gguf() const { return gguf_; }
  const std::string& architecture() const { return architecture_; }

 private:
  const Gguf& gguf_;
  std::string architecture_;
};

Result<std::string> read_architecture(const Gguf& gguf) {
  AXLE_TRY_ASSIGN(const std::optional<std::string_view> name,
                  gguf.get_string("general.architecture"));
  if (!name) return corrupt("key 'general.architecture' is missing");
  if (std::find(kArchitectures.begin(), kArchitectures.end(), *name) == kArchitectures.end()) {
    return unsupported(fmt::format("architecture '{}' is not known; axle imports {}",
                                   name->substr(0, 60), fmt::join(kArchitectures, ", ")));
  }
  return std::string(*name);
}

Status check_forbidden(const Keys& keys) {
  for (const ForbiddenKey& forbidden : kForbidden) {
    AXLE_TRY_ASSIGN(const std::optional<double> value, keys.number(forbidden.key));
    if (value && *value != forbidden.harmless) {
      return unsupported(fmt::format("the model has {} ('{}' is {}), which axle does not run",
                                     forbidden.what, keys.full(forbidden.key), *value));
    }
  }
  AXLE_TRY_ASSIGN(const std::optional<bool> causal,
                  keys.gguf().get_bool(keys.full("attention.causal")));
  if (causal && !*causal) {
    return unsupported("the model attends to later tokens too; axle runs causal models only");
  }
  return {};
}

Status read_rope_scaling(const Keys& keys, axmodel::LayerSpec& spec) {
  AXLE_TRY_ASSIGN(const std::optional<std::string_view> type,
                  keys.gguf().get_string(keys.full("rope.scaling.type")));
  AXLE_TRY_ASSIGN(std::optional<double> factor, keys.number("rope.scaling.factor"));
  if (!factor) {
    AXLE_TRY_ASSIGN(factor, keys.number("rope.scale_linear"));
  }
  if (type && *type != "none" && *type != "linear") {
    return unsupported(
        fmt::format("RoPE scaling of type '{}' is not known; axle runs none, linear "
                    "and frequency factors (rope_freqs.weight)",
                    type->substr(0, 60)));
  }
  if (!factor || *factor == 0 || (type && *type == "none")) return {};
  if (!(*factor >= 1 && *factor <= 4096)) {
    return corrupt(
        fmt::format("key '{}' is {}, wanted 1 to 4096", keys.full("rope.scaling.factor"), *factor));
  }
  spec.rope_scale = static_cast<float>(1.0 / *factor);
  return {};
}

Status read_rope(const Keys& keys, axmodel::LayerSpec& spec) {
  spec.rope_kind = keys.architecture() == "llama" ? "normal" : "neox";
  AXLE_TRY_ASSIGN(const std::optional<double> theta, keys.number("rope.freq_base"));
  spec.rope_theta = static_cast<float>(theta.value_or(10000.0));
  if (!(spec.rope_theta > 1.0f) || !std::isfinite(spec.rope_theta)) {
    return corrupt(fmt::format("key '{}' is {}, wanted a number above 1",
                               keys.full("rope.freq_base"), spec.rope_theta));
  }
  AXLE_TRY_ASSIGN(const std::optional<std::int64_t> turned,
                  keys.size("rope.dimension_count", kMaxSize));
  if (turned && *turned != spec.head_dim) {
    return unsupported(fmt::format("RoPE turns {} of {} numbers of a head; axle turns all", *turned,
                                   spec.head_dim));
  }
  return read_rope_scaling(keys, spec);
}

Status read_head_size(const Keys& keys, axmodel::LayerSpec& spec) {
  AXLE_TRY_ASSIGN(const std::optional<std::int64_t> key_length,
                  keys.size("attention.key_length", 4096));
  AXLE_TRY_ASSIGN(const std::optional<std::int64_t> value_length,
                  keys.size("attention.value_length", 4096));
  if (!key_length && spec.hidden % spec.heads != 0) {
    return corrupt(
        fmt::format("{} numbers cannot be shared evenly by {} heads", spec.hidden, spec.heads));
  }
  spec.head_dim = key_length.value_or(spec.hidden / spec.heads);
  if (value_length && *value_length != spec.head_dim) {
    return unsupported(fmt::format("keys have {} numbers a head and values {}; axle wants the same",
                                   spec.head_dim, *value_length));
  }
  if (spec.head_dim % 2 != 0 || spec.heads % spec.kv_heads != 0 ||
      spec.heads * spec.head_dim > kMaxSize) {
    return corrupt(fmt::format("{} heads, {} K/V heads and {} numbers a head do not fit together",
                               spec.heads, spec.kv_heads, spec.head_dim));
  }
  return {};
}

Result<axmodel::LayerSpec> read_spec(const Keys& keys) {
  axmodel::LayerSpec spec;
  spec.architecture = keys.architecture();
  AXLE_TRY(check_forbidden(keys));
  AXLE_TRY_ASSIGN(spec.hidden, keys.required_size("embedding_length", kMaxSize));
  AXLE_TRY_ASSIGN(spec.ffn, keys.required_size("feed_forward_length", kMaxSize));
  AXLE_TRY_ASSIGN(spec.heads, keys.required_size("attention.head_count", kMaxSize));
  AXLE_TRY_ASSIGN(const std::optional<std::int64_t> kv_heads,
                  keys.size("attention.head_count_kv", kMaxSize));
  spec.kv_heads = kv_heads.value_or(spec.heads);
  AXLE_TRY(read_head_size(keys, spec));
  AXLE_TRY_ASSIGN(const std::optional<double> eps, keys.number("attention.layer_norm_rms_epsilon"));
  if (!eps) {
    return corrupt(
        fmt::format("key '{}' is missing", keys.full("attention.layer_norm_rms_epsilon")));
  }
  spec.rms_eps = static_cast<float>(*eps);
  if (!(spec.rms_eps > 0.0f && spec.rms_eps < 1.0f)) {
    return corrupt(fmt::format("key '{}' is {}, wanted a number between 0 and 1",
                               keys.full("attention.layer_norm_rms_epsilon"), spec.rms_eps));
  }
  AXLE_TRY(read_rope(keys, spec));
  AXLE_TRY_ASSIGN(spec.max_position,
                  keys.required_size("context_length", std::numeric_limits<std::int32_t>::max()));
  return spec;
}

// ---- Tensors

const GgmlFormat* target_format(const GgmlFormat& source, WeightFormat wanted, bool head) {
  constexpr std::array kKept = {kQ8_0, kQ4_0, std::uint32_t{3} /* q4_1 */,
                                std::uint32_t{7} /* q5_1 */};
  const bool keep = std::find(kKept.begin(), kKept.end(), source.id) != kKept.end();
  if (wanted == WeightFormat::kKeep && keep) return &source;
  // The head's errors reach the choice of every token directly, so only a head that is Q4_0 already
  // is stored so.
  if (wanted == WeightFormat::kQ4_0 && (!head || source.id == kQ4_0)) {
    return find_ggml_format(kQ4_0);
  }
  return find_ggml_format(kQ8_0);
}

// Takes tensors out of the file and remembers which.
class TensorPicker {
 public:
  TensorPicker(const Gguf& gguf, WeightFormat weights) : gguf_(gguf), weights_(weights) {}

  // Errors: kCorrupt  absent, or of another shape; kUnsupported  a format that cannot be read.
  Result<const GgufTensor*> take(const std::string& name, const std::vector<std::int64_t>& shape) {
    const GgufTensor* tensor = gguf_.find_tensor(name);
    if (tensor == nullptr) return corrupt(fmt::format("tensor '{}' is missing", name));
    taken_.insert(tensor);
    std::vector<std::uint64_t> wanted;
    for (auto dim = shape.rbegin(); dim != shape.rend(); ++dim) {
      wanted.push_back(static_cast<std::uint64_t>(*dim));
    }
    if (tensor->dims != wanted) {
      return corrupt(fmt::format("tensor '{}' has the shape [{}], wanted [{}]", name,
                                 fmt::join(tensor->dims, ", "), fmt::join(wanted, ", ")));
    }
    if (!can_decode(*tensor->format)) {
      return unsupported(fmt::format("tensor '{}' is stored as {}, which axle cannot read", name,
                                     tensor->format->name));
    }
    return tensor;
  }

  Result<PlannedWeight> weight(const std::string& tensor_name, const axmodel::WeightSpec& spec,
                               bool head) {
    PlannedWeight weight;
    AXLE_TRY_ASSIGN(weight.tensor, take(tensor_name, spec.shape));
    weight.name = spec.name;
    weight.shape = spec.shape;
    weight.format = spec.shape.size() == 1 ? find_ggml_format(kF32)
                                           : target_format(*weight.tensor->format, weights_, head);
    const std::uint64_t row = weight.tensor->row_elements();
    if (row % weight.format->block_elements != 0) {
      return unsupported(
          fmt::format("tensor '{}' has rows of {} numbers; {} needs a multiple of {}", tensor_name,
                      row, weight.format->name, weight.format->block_elements));
    }
    return weight;
  }

  // Errors: kUnsupported  a tensor that nothing above asked for: the model computes more.
  Status check_all_taken() const {
    for (const GgufTensor& tensor : gguf_.tensors()) {
      if (!taken_.contains(&tensor)) {
        return unsupported(
            fmt::format("tensor '{}' belongs to no layer that axle knows for this "
                        "architecture",
                        tensor.name));
      }
    }
    return {};
  }

  const Gguf& gguf() const { return gguf_; }

 private:
  const Gguf& gguf_;
  WeightFormat weights_;
  std::set<const GgufTensor*> taken_;
};

std::string tensor_name(std::string_view weight) {
  return weight.ends_with(".bias") ? std::string(weight) : fmt::format("{}.weight", weight);
}

Status plan_layers(TensorPicker& picker, std::int64_t count, ImportPlan& plan) {
  for (std::int64_t i = 0; i < count; ++i) {
    std::vector<PlannedWeight> weights;
    for (const axmodel::WeightSpec& spec : axmodel::layer_weights(plan.layer)) {
      AXLE_TRY_ASSIGN(
          PlannedWeight weight,
          picker.weight(fmt::format("blk.{}.{}", i, tensor_name(spec.name)), spec, false));
      weights.push_back(std::move(weight));
    }
    plan.layers.push_back(std::move(weights));
  }
  return {};
}

Status plan_head(TensorPicker& picker, ImportPlan& plan) {
  const GgufTensor* table = picker.gguf().find_tensor("token_embd.weight");
  if (table == nullptr) return corrupt("tensor 'token_embd.weight' is missing");
  constexpr std::uint64_t kMaxVocab = std::uint64_t{1} << 24;
  if (table->rows() > kMaxVocab) {
    return corrupt(fmt::format("tensor 'token_embd.weight' has {} rows, wanted at most {}",
                               table->rows(), kMaxVocab));
  }
  plan.head.hidden = plan.layer.hidden;
  plan.head.vocab = static_cast<std::int64_t>(table->rows());
  plan.head.rms_eps = plan.layer.rms_eps;
  AXLE_TRY_ASSIGN(plan.embedding,
                  picker.take("token_embd.weight", {plan.head.vocab, plan.head.hidden}));
  const bool tied = picker.gguf().find_tensor("output.weight") == nullptr;
  for (const axmodel::WeightSpec& spec : axmodel::head_weights(plan.head)) {
    const std::string name =
        tied && spec.name == "output" ? "token_embd.weight" : tensor_name(spec.name);
    AXLE_TRY_ASSIGN(PlannedWeight weight, picker.weight(name, spec, true));
    plan.head_weights.push_back(std::move(weight));
  }
  return {};
}

// ---- Groups

Status check_range(std::string_view what, std::size_t value, std::size_t low, std::size_t high) {
  if (value >= low && value <= high) return {};
  return invalid_argument(fmt::format("{} is {}, wanted {} to {}", what, value, low, high));
}

// Settles T, n and the ladder, as far as the model's context allows them.
void settle_sizes(const ImportOptions& options, ImportPlan& plan) {
  plan.cells = options.cells;
  plan.chunk = options.chunk;
  const auto context = static_cast<std::size_t>(plan.layer.max_position);
  if (context < plan.cells) {
    plan.cells = std::max<std::size_t>(context, 2);
    plan.chunk = std::min(plan.chunk, plan.cells);
    plan.notes.push_back(fmt::format("the model's context is {} tokens: {} cells instead of {}",
                                     context, plan.cells, options.cells));
  }
  for (const std::size_t history : options.ladder) {
    if (history <= plan.cells) plan.ladder.push_back(history);
  }
  if (options.ladder.empty()) plan.ladder = default_ladder(plan.cells, plan.chunk);
}

void plan_groups(const ImportOptions& options, ImportPlan& plan) {
  const auto add = [&plan](std::size_t rows, std::size_t history) {
    plan.groups.push_back(axmodel::layer_group(plan.layer, static_cast<std::int64_t>(rows),
                                               static_cast<std::int64_t>(history)));
  };
  add(1, plan.cells);
  for (const std::size_t history : plan.ladder) add(plan.chunk, history);
  for (const std::size_t rows : options.small_chunks) {
    if (rows >= plan.chunk) continue;
    add(rows, 0);
    add(rows, plan.cells);
  }
  plan.head_groups.push_back(axmodel::head_group(plan.head));
  for (const std::size_t rows : options.head_rows) {
    plan.head_groups.push_back(axmodel::head_group(plan.head, static_cast<std::int64_t>(rows)));
  }
}

std::string_view weight_format_name(WeightFormat format) {
  switch (format) {
    case WeightFormat::kQ8_0:
      return "q8_0";
    case WeightFormat::kQ4_0:
      return "q4_0";
    case WeightFormat::kKeep:
      return "keep";
  }
  return "";
}

std::uint64_t sum_bytes(const std::vector<PlannedWeight>& weights, bool target) {
  std::uint64_t sum = 0;
  for (const PlannedWeight& weight : weights) {
    sum += target ? weight.target_bytes() : weight.tensor->size_bytes;
  }
  return sum;
}

std::string sampling_text(const SamplingAdvice& advice) {
  const auto text = [](const auto& value) { return value ? fmt::format("{}", *value) : "-"; };
  return fmt::format("{},{},{}", text(advice.temperature), text(advice.top_p), text(advice.top_k));
}

}  // namespace

std::uint64_t PlannedWeight::target_bytes() const {
  return tensor->rows() * tensor->row_elements() / format->block_elements * format->block_bytes;
}

std::string ImportPlan::layer_template() const {
  return fmt::format("{}_p{}_l%d_together.axmodel", layer.architecture, chunk);
}

std::string ImportPlan::post_file() const { return layer.architecture + "_post.axmodel"; }

std::uint64_t ImportPlan::output_bytes() const {
  constexpr std::uint64_t kPerFile = 64 << 10;  // Descriptions, padding, blocks of the disk.
  std::uint64_t sum = sum_bytes(head_weights, true) +
                      embedding->rows() * embedding->row_elements() * 2 + tokenizer_json.size() +
                      8 * kPerFile;
  for (const auto& weights : layers) sum += sum_bytes(weights, true) + kPerFile;
  return sum;
}

std::uint64_t ImportPlan::input_bytes() const {
  std::uint64_t sum = sum_bytes(head_weights, false) + embedding->size_bytes;
  for (const auto& weights : layers) sum += sum_bytes(weights, false);
  return sum;
}

std::vector<std::size_t> default_ladder(std::size_t cells, std::size_t chunk) {
  std::vector<std::size_t> ladder = {0};
  for (std::size_t history = chunk; history + chunk < cells; history *= 2) {
    ladder.push_back(history);
  }
  ladder.push_back(cells);
  return ladder;
}

Status check_import_options(const ImportOptions& options) {
  AXLE_TRY(check_range("the number of cells", options.cells, 2, kMaxCells));
  AXLE_TRY(check_range("the chunk length", options.chunk, 2, std::min(kMaxChunk, options.cells)));
  AXLE_TRY(check_range("the number of threads", options.threads, 1, 64));
  for (const std::size_t rows : options.small_chunks) {
    AXLE_TRY(check_range("the length of a small chunk", rows, 2, options.chunk - 1));
  }
  for (std::size_t i = 0; i < options.head_rows.size(); ++i) {
    AXLE_TRY(check_range("the rows of a group of the head", options.head_rows[i],
                         i == 0 ? 2 : options.head_rows[i - 1] + 1, kMaxHeadRows));
  }
  for (std::size_t i = 0; i < options.ladder.size(); ++i) {
    AXLE_TRY(check_range("a history of the ladder", options.ladder[i],
                         i == 0 ? 0 : options.ladder[i - 1] + 1, options.cells));
  }
  return check_range("the number of shape groups",
                     1 + options.ladder.size() + 2 * options.small_chunks.size(), 1, kMaxGroups);
}

Result<ImportPlan> plan_import(const Gguf& gguf, const ImportOptions& options) {
  AXLE_TRY(check_import_options(options));
  ImportPlan plan;
  AXLE_TRY_ASSIGN(const std::string architecture, read_architecture(gguf));
  const Keys keys(gguf, architecture);
  AXLE_TRY_ASSIGN(plan.layer, read_spec(keys));
  AXLE_TRY_ASSIGN(const std::int64_t layers, keys.required_size("block_count", kMaxLayers));

  TensorPicker picker(gguf, options.weights);
  AXLE_TRY(plan_layers(picker, layers, plan));
  AXLE_TRY(plan_head(picker, plan));
  if (gguf.find_tensor("rope_freqs.weight") != nullptr) {
    AXLE_TRY_ASSIGN(plan.rope_factors, picker.take("rope_freqs.weight", {plan.layer.head_dim / 2}));
  }
  AXLE_TRY(picker.check_all_taken());
  AXLE_TRY(plan_text(gguf, static_cast<std::size_t>(plan.head.vocab), plan));

  settle_sizes(options, plan);
  plan_groups(options, plan);
  plan.options = fmt::format("weights={} cells={} chunk={} ladder={} small_chunks={} head_rows={}",
                             weight_format_name(options.weights), plan.cells, plan.chunk,
                             fmt::join(plan.ladder, ","), fmt::join(options.small_chunks, ","),
                             fmt::join(options.head_rows, ","));
  plan.text.sampling = options.sampling;
  if (options.sampling != SamplingAdvice())
    plan.options += " sampling=" + sampling_text(options.sampling);
  return plan;
}

}  // namespace axle::package
