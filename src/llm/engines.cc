#include "llm/engines.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <string_view>
#include <system_error>
#include <utility>

#include "base/bf16.h"
#include "card/card.h"

namespace axle::llm {
namespace {

// Finds a tensor by name among the inputs (or outputs) of a group and gives it memory.
class Binder {
 public:
  Binder(const card::Engine& engine, const card::GroupInfo& group, card::Binding& binding)
      : engine_(engine), group_(group), binding_(binding) {}

  Status input(std::string_view name, card::DeviceSpan memory) {
    const auto index = group_.find_input(name);
    return index ? binding_.bind_input(*index, memory) : missing("input", name);
  }
  Status output(std::string_view name, card::DeviceSpan memory) {
    const auto index = group_.find_output(name);
    return index ? binding_.bind_output(*index, memory) : missing("output", name);
  }

 private:
  Status missing(std::string_view kind, std::string_view name) const {
    return corrupt(fmt::format("{}: group {} has no {} \"{}\"", engine_.path().string(),
                               group_.index, kind, name));
  }

  const card::Engine& engine_;
  const card::GroupInfo& group_;
  card::Binding& binding_;
};

Status check_size(const card::Engine& engine, const card::TensorInfo& tensor, std::size_t group,
                  std::size_t wanted) {
  if (tensor.size_bytes == wanted) return {};
  return corrupt(fmt::format(
      "{}: the card says that \"{}\" of group {} has {} bytes, but the package says {}; the engine "
      "file and its package do not belong together",
      engine.path().string(), tensor.name, group, tensor.size_bytes, wanted));
}

// The sizes that matter for where things are written: hidden rows, positions, masks, K/V rows.
Status check_group(const card::Engine& engine, const package::Group& group,
                   const package::LayerShape& shape, std::size_t kv_width) {
  if (group.index >= engine.groups().size()) {
    return corrupt(fmt::format("{}: the card sees {} shape groups, but the package has a group {}",
                               engine.path().string(), engine.groups().size(), group.index));
  }
  const card::GroupInfo& info = engine.group(group.index);
  const std::size_t positions = group.decode() ? 1 : shape.position_rows;
  const std::pair<std::string_view, std::size_t> inputs[] = {
      {"K_cache", group.cache_rows * kv_width * sizeof(Bf16)},
      {"V_cache", group.cache_rows * kv_width * sizeof(Bf16)},
      {"indices", positions * group.rows * sizeof(std::uint32_t)},
      {"input", group.rows * shape.hidden * sizeof(Bf16)},
      {"mask", group.rows * (group.history + group.rows) * sizeof(Bf16)}};
  for (const auto& [name, bytes] : inputs) {
    const auto index = info.find_input(name);
    if (index) AXLE_TRY(check_size(engine, info.inputs[*index], group.index, bytes));
  }
  const std::pair<std::string_view, std::size_t> outputs[] = {
      {"K_cache_out", group.rows * kv_width * sizeof(Bf16)},
      {"V_cache_out", group.rows * kv_width * sizeof(Bf16)},
      {"output", group.rows * shape.hidden * sizeof(Bf16)}};
  for (const auto& [name, bytes] : outputs) {
    const auto index = info.find_output(name);
    if (index) AXLE_TRY(check_size(engine, info.outputs[*index], group.index, bytes));
  }
  return {};
}

// The head's groups that take whole rows and give V logits for each, one of them a single row.
Result<std::vector<HeadGroup>> find_head_groups(const card::Engine& post,
                                                const package::Package& package) {
  const std::size_t input_bytes = package.hidden() * sizeof(Bf16);
  const std::size_t output_bytes = package.vocab_size() * sizeof(Bf16);
  std::vector<HeadGroup> groups;
  for (const card::GroupInfo& group : post.groups()) {
    const auto input = group.find_input("input");
    const auto output = group.find_output("output");
    if (!input || !output) continue;
    const std::size_t rows = group.inputs[*input].size_bytes / input_bytes;
    if (rows > 0 && group.inputs[*input].size_bytes == rows * input_bytes &&
        group.outputs[*output].size_bytes == rows * output_bytes) {
      groups.push_back({rows, group.index});
    }
  }
  std::ranges::sort(groups, {}, &HeadGroup::rows);
  if (!groups.empty() && groups.front().rows == 1) return groups;
  return corrupt(fmt::format("{}: no group takes one row of {} numbers and gives {} logits in bf16",
                             post.path().string(), package.hidden(), package.vocab_size()));
}

std::uint64_t engine_bytes(const card::Engine& engine) {
  if (const auto bytes = engine.memory_bytes()) return *bytes;
  std::error_code error;
  const auto size = std::filesystem::file_size(engine.path(), error);
  return error ? 0 : size;
}

}  // namespace

Result<Engines> load_engines(card::Card& card, const package::Package& package,
                             const LoadCallback& progress) {
  const std::size_t total = package.layer_count() + 1;
  std::vector<card::Engine> layers;
  layers.reserve(package.layer_count());
  const auto loaded = [&](std::size_t done) {
    if (progress) progress(done, total);
  };

  Result<card::Engine> first = card::Engine::load(card, package.post_path());
  if (first.status().code() == Code::kCorrupt && !package.info().has_weights) {
    return unsupported(fmt::format("{}; the card refused {}", package::kNoWeightsNote,
                                   package.post_path().string()));
  }
  AXLE_TRY_ASSIGN(card::Engine post, std::move(first));
  AXLE_TRY_ASSIGN(std::vector<HeadGroup> head_groups, find_head_groups(post, package));
  loaded(1);
  for (std::size_t layer = 0; layer < package.layer_count(); ++layer) {
    AXLE_TRY_ASSIGN(card::Engine engine, card::Engine::load(card, package.layer_path(layer)));
    for (const package::Group& group : package.groups()) {
      AXLE_TRY(check_group(engine, group, package.info().shape, package.kv_width(layer)));
    }
    layers.push_back(std::move(engine));
    loaded(layer + 2);
  }
  return Engines{std::move(layers), std::move(post), std::move(head_groups)};
}

Result<card::Binding> bind_layer(card::Engine& engine, std::size_t group, const LayerMemory& memory,
                                 const card::BindingOptions& options) {
  AXLE_TRY_ASSIGN(card::Binding binding, engine.make_binding(group, options));
  Binder bind(engine, engine.group(group), binding);
  AXLE_TRY(bind.input("K_cache", memory.k_cache));
  AXLE_TRY(bind.input("V_cache", memory.v_cache));
  AXLE_TRY(bind.input("indices", memory.indices));
  AXLE_TRY(bind.input("input", memory.input));
  AXLE_TRY(bind.input("mask", memory.mask));
  AXLE_TRY(bind.output("K_cache_out", memory.k_cache_out));
  AXLE_TRY(bind.output("V_cache_out", memory.v_cache_out));
  AXLE_TRY(bind.output("output", memory.output));
  AXLE_TRY(binding.check());
  return binding;
}

Result<card::Binding> bind_post(Engines& engines, const HeadGroup& group, card::DeviceSpan input,
                                card::DeviceSpan output) {
  AXLE_TRY_ASSIGN(card::Binding binding, engines.post.make_binding(group.index));
  Binder bind(engines.post, engines.post.group(group.index), binding);
  AXLE_TRY(bind.input("input", input));
  AXLE_TRY(bind.output("output", output));
  AXLE_TRY(binding.check());
  return binding;
}

std::uint64_t memory_bytes(const Engines& engines) {
  std::uint64_t bytes = engine_bytes(engines.post);
  for (const card::Engine& layer : engines.layers) bytes += engine_bytes(layer);
  return bytes;
}

}  // namespace axle::llm
