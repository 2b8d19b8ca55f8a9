#pragma once

#include <cmath>
#include <cstring>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "axmodel/layer.h"
#include "base/bf16.h"
#include "softcard/executor.h"

// Small random engines, and calls on them, for the executors' tests and benchmarks.
namespace axle::softcard::testing {

// A float as an IEEE half, truncated; for scales of moderate size.
inline std::uint16_t to_half(float value) {
  std::uint32_t bits;
  std::memcpy(&bits, &value, sizeof(bits));
  const std::int32_t exponent = static_cast<std::int32_t>(bits >> 23 & 0xff) - 127 + 15;
  if (exponent <= 0) return 0;
  return static_cast<std::uint16_t>(
      (bits >> 16 & 0x8000u) | static_cast<std::uint32_t>(exponent) << 10 | (bits >> 13 & 0x3ffu));
}

inline double half_value(std::uint16_t half) {
  const double magnitude = std::ldexp(1024.0 + (half & 0x3ff), (half >> 10 & 0x1f) - 25);
  return (half & 0x7fff) == 0 ? 0.0 : (half & 0x8000) != 0 ? -magnitude : magnitude;
}

// A model and the bytes of its weights, in one object that an executor can keep.
struct Engine {
  axmodel::Model model;
  std::map<std::string, std::vector<std::byte>> storage;

  static std::shared_ptr<const axmodel::Model> shared(Engine engine) {
    auto owner = std::make_shared<Engine>(std::move(engine));
    return {owner, &owner->model};
  }
};

// Random blocks of a format: scales around `size` / 40, every bit pattern of the quants.
inline std::vector<std::byte> random_blocks(const std::string& format, std::size_t bytes,
                                            std::mt19937& random) {
  const axmodel::FormatLayout layout = *axmodel::format_layout(format);
  std::vector<std::byte> data(bytes);
  for (std::byte& value : data) value = static_cast<std::byte>(random());
  const bool minimum = format.ends_with("_1");
  const float levels = format == "q8_0" ? 127.0f : format.starts_with("q5") ? 16.0f : 8.0f;
  std::uniform_real_distribution<float> spread(0.05f, 0.15f);
  for (std::size_t at = 0; at < bytes; at += layout.block_bytes) {
    const float range = spread(random);
    const std::uint16_t scale = to_half(range / levels);
    const std::uint16_t least = to_half(-range);
    std::memcpy(data.data() + at, &scale, 2);
    if (minimum) std::memcpy(data.data() + at + 2, &least, 2);
  }
  return data;
}

inline void add_weight(Engine& engine, const axmodel::WeightSpec& spec, const std::string& format,
                       std::mt19937& random) {
  std::vector<std::byte>& data = engine.storage[spec.name];
  if (spec.shape.size() == 1) {
    const bool bias = spec.name.ends_with(".bias");
    std::uniform_real_distribution<float> values(bias ? -0.5f : 0.5f, bias ? 0.5f : 1.5f);
    std::vector<float> floats(static_cast<std::size_t>(spec.shape[0]));
    for (float& value : floats) value = values(random);
    data.resize(floats.size() * sizeof(float));
    std::memcpy(data.data(), floats.data(), data.size());
  } else {
    data = random_blocks(format, *axmodel::weight_bytes(format, spec.shape), random);
  }
  engine.model.weights.push_back(
      {spec.name, spec.shape.size() == 1 ? "f32" : format, spec.shape, data});
}

inline Engine layer_engine(const axmodel::LayerSpec& spec, const std::string& format,
                           const std::vector<axmodel::GroupShape>& groups, std::uint32_t seed = 1) {
  std::mt19937 random(seed);
  Engine engine;
  engine.model = axmodel::layer_model(spec);
  for (const axmodel::GroupShape& group : groups) {
    engine.model.groups.push_back(axmodel::layer_group(spec, group.rows, group.history));
  }
  for (const axmodel::WeightSpec& weight : axmodel::layer_weights(spec))
    add_weight(engine, weight, format, random);
  return engine;
}

inline Engine head_engine(const axmodel::HeadSpec& spec, const std::string& format) {
  std::mt19937 random(7);
  Engine engine;
  engine.model = axmodel::head_model(spec);
  for (const axmodel::WeightSpec& weight : axmodel::head_weights(spec))
    add_weight(engine, weight, format, random);
  return engine;
}

inline std::vector<Bf16> random_bf16(std::size_t count, std::mt19937& random, float size = 1.0f) {
  std::normal_distribution<float> values(0.0f, size);
  std::vector<Bf16> result(count);
  for (Bf16& value : result) value = to_bf16(values(random));
  return result;
}

// The tensors of one layer call, with everything hidden at first.
struct LayerCall {
  LayerCall(const axmodel::LayerSpec& spec, const axmodel::GroupShape& shape)
      : rows(static_cast<std::size_t>(shape.rows)),
        history(static_cast<std::size_t>(shape.history)),
        kv(static_cast<std::size_t>(spec.kv())),
        hidden(static_cast<std::size_t>(spec.hidden)),
        keys(std::max<std::size_t>(history, 1) * kv),
        values(keys.size()),
        positions(rows),
        input(rows * hidden),
        mask(rows * (history + rows), kBf16Hidden),
        key_out(rows * kv),
        value_out(rows * kv),
        output(rows * hidden) {}

  void show(std::size_t row, std::size_t column) {
    mask[row * (history + rows) + column] = kBf16Zero;
  }
  bool shows(std::size_t row, std::size_t column) const {
    return mask[row * (history + rows) + column] == kBf16Zero;
  }

  Status run(Executor& executor, std::size_t group) {
    const auto bytes = [](auto& array) {
      return static_cast<std::byte*>(static_cast<void*>(array.data()));
    };
    std::byte* const inputs[] = {bytes(keys), bytes(values), bytes(positions), bytes(input),
                                 bytes(mask)};
    std::byte* const outputs[] = {bytes(key_out), bytes(value_out), bytes(output)};
    return executor.run(group, inputs, outputs);
  }

  std::size_t rows, history, kv, hidden;
  std::vector<Bf16> keys, values;
  std::vector<std::uint32_t> positions;
  std::vector<Bf16> input, mask, key_out, value_out, output;
};

}  // namespace axle::softcard::testing
