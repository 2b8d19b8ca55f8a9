#include "softcard/pace.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <string>
#include <thread>
#include <vector>

#include "axmodel/layer.h"

namespace axle::softcard {
namespace {

using std::chrono::nanoseconds;
using std::chrono::steady_clock;

// Sleeping longer than asked is usual; the rest is waited for actively.
constexpr auto kSpin = std::chrono::microseconds(60);
// Spreads a position over all bits of a hash: 2^64 divided by the golden ratio.
constexpr std::uint64_t kPositionFactor = 0x9e3779b97f4a7c15;

nanoseconds to_duration(double seconds) {
  return nanoseconds(static_cast<std::int64_t>(std::clamp(seconds, 0.0, 1e6) * 1e9));
}

double part(double amount, double rate) { return rate > 0.0 ? amount / rate : 0.0; }

std::size_t bytes_of(const axmodel::TensorInfo& tensor) {
  const Result<std::size_t> bytes = axmodel::tensor_bytes(tensor);
  return bytes.ok() ? *bytes : 0;
}

double matrix_numbers(const axmodel::Model& model) {
  double total = 0.0;
  for (const axmodel::Weight& weight : model.weights) {
    if (weight.shape.size() < 2) continue;
    double count = 1.0;
    for (const std::int64_t length : weight.shape) count *= static_cast<double>(length);
    total += count;
  }
  return total;
}

double fixed_seconds(const axmodel::Model& model) {
  const auto entry = model.metadata.find("axle.fixed_ms");
  if (entry == model.metadata.end()) return 0.0;
  const double milliseconds = std::strtod(entry->second.c_str(), nullptr);
  return std::isfinite(milliseconds) && milliseconds > 0.0 ? milliseconds / 1e3 : 0.0;
}

std::uint64_t hash_bytes(const std::byte* data, std::size_t size) {
  std::uint64_t hash = 0xcbf29ce484222325;
  for (std::size_t i = 0; i < size; i += sizeof(std::uint64_t)) {
    std::uint64_t word = 0;
    std::memcpy(&word, data + i, std::min(sizeof word, size - i));
    hash = (hash ^ word) * 0x100000001b3;
    hash ^= hash >> 29;
  }
  return hash;
}

// The number that row `row` has among the positions; 0 where there are none, one for each row.
std::uint64_t position_of(const axmodel::Group& group, std::span<std::byte* const> inputs,
                          std::size_t rows, std::size_t row) {
  std::uint32_t position = 0;
  for (std::size_t i = 0; i < group.inputs.size(); ++i) {
    const axmodel::TensorInfo& tensor = group.inputs[i];
    if (tensor.name != "indices" || bytes_of(tensor) != rows * sizeof position) continue;
    std::memcpy(&position, inputs[i] + row * sizeof position, sizeof position);
  }
  return position;
}

// Rows of a tensor: all but its last dimension.
std::size_t row_count(const axmodel::TensorInfo& tensor) {
  std::size_t rows = 1;
  for (std::size_t i = 0; i + 1 < tensor.shape.size(); ++i) {
    rows *= static_cast<std::size_t>(std::max<std::int64_t>(tensor.shape[i], 1));
  }
  return rows;
}

// One row of numbers from -1 to 1 in a pattern that `hash` chooses, as bf16 or float; small whole
// numbers for other types. One place, chosen by the hash too, is the greatest.
void write_row(axmodel::DataType dtype, std::uint64_t hash, std::byte* row, std::size_t bytes) {
  constexpr std::size_t kPattern = 64;
  const auto value = [hash](std::size_t i) {
    return static_cast<float>((hash >> (i % 57)) & 0x7f) / 64.0f - 1.0f;
  };
  std::vector<std::byte> pattern;
  const auto append = [&pattern](const void* data, std::size_t size) {
    const auto* begin = static_cast<const std::byte*>(data);
    pattern.insert(pattern.end(), begin, begin + size);
  };
  const auto put = [&](float number) {
    std::uint32_t bits = 0;
    std::memcpy(&bits, &number, sizeof bits);
    if (dtype == axmodel::DataType::kBfloat16) {
      const auto upper = static_cast<std::uint16_t>(bits >> 16);
      append(&upper, sizeof upper);
    } else if (dtype == axmodel::DataType::kFloat) {
      append(&bits, sizeof bits);
    } else {
      const auto small = static_cast<std::uint8_t>(bits >> 16 & 0x1f);
      append(&small, sizeof small);
    }
  };
  for (std::size_t i = 0; i < kPattern; ++i) put(value(i));
  const std::size_t width = pattern.size() / kPattern;
  for (std::size_t at = 0; at < bytes; at += pattern.size()) {
    std::memcpy(row + at, pattern.data(), std::min(pattern.size(), bytes - at));
  }
  if (bytes >= width && width > 1) {
    pattern.clear();
    put(4.0f);
    std::memcpy(row + hash % (bytes / width) * width, pattern.data(), width);
  }
}

}  // namespace

EngineCost group_cost(const axmodel::Model& model, std::size_t group) {
  EngineCost cost;
  cost.fixed_seconds = fixed_seconds(model);
  for (const axmodel::Weight& weight : model.weights) {
    cost.bytes += static_cast<double>(weight.data.size());
  }
  const axmodel::Group& shapes = model.groups.at(group);
  double rows = 1.0;
  if (const Result<axmodel::LayerSpec> spec = axmodel::layer_spec(model); spec.ok()) {
    const axmodel::GroupShape shape = axmodel::group_shape(shapes);
    rows = static_cast<double>(shape.rows);
    for (const axmodel::TensorInfo& input : shapes.inputs) {
      if (input.name == "K_cache" || input.name == "V_cache") {
        cost.bytes += static_cast<double>(bytes_of(input));
      }
    }
    const auto seen = static_cast<double>(shape.history + shape.rows);
    cost.flops += 4.0 * rows * seen * static_cast<double>(spec->heads * spec->head_dim);
  } else if (axmodel::head_spec(model).ok()) {
    rows = static_cast<double>(axmodel::head_rows(shapes));
  }
  cost.flops += 2.0 * matrix_numbers(model) * rows;
  return cost;
}

nanoseconds run_time(const Timing& timing, const EngineCost& cost) {
  if (!timing.paced()) return nanoseconds(0);
  if (cost.fixed_seconds > 0.0) return to_duration(cost.fixed_seconds);
  return to_duration(timing.call_seconds + part(cost.bytes, timing.memory_bytes_per_second) +
                     part(cost.flops, timing.flops_per_second));
}

nanoseconds copy_time(const Timing& timing, std::size_t bytes) {
  return to_duration(timing.copy_seconds +
                     part(static_cast<double>(bytes), timing.copy_bytes_per_second));
}

void wait_until(steady_clock::time_point deadline) {
  if (deadline - steady_clock::now() > kSpin) std::this_thread::sleep_until(deadline - kSpin);
  while (steady_clock::now() < deadline) std::this_thread::yield();
}

void fixed_function(const axmodel::Group& group, std::span<std::byte* const> inputs,
                    std::span<std::byte* const> outputs) {
  if (inputs.empty()) return;
  std::size_t source = 0;
  for (std::size_t i = 0; i < group.inputs.size(); ++i) {
    if (group.inputs[i].name == "input") source = i;
  }
  const std::size_t rows = row_count(group.inputs[source]);
  const std::size_t row_bytes = bytes_of(group.inputs[source]) / rows;
  for (std::size_t o = 0; o < outputs.size(); ++o) {
    const axmodel::TensorInfo& tensor = group.outputs[o];
    const std::size_t count = row_count(tensor);
    const std::size_t width = bytes_of(tensor) / count;
    for (std::size_t row = 0; row < count; ++row) {
      const std::size_t read = std::min(row, rows - 1);
      const std::uint64_t position = position_of(group, inputs, rows, read) * kPositionFactor;
      const std::uint64_t hash = hash_bytes(inputs[source] + read * row_bytes, row_bytes);
      write_row(tensor.dtype, (hash ^ position) + o, outputs[o] + row * width, width);
    }
  }
}

void fill_nan(const axmodel::TensorInfo& tensor, std::byte* data) {
  // All bits set is a NaN in bf16, float16, float and double.
  std::memset(data, 0xff, bytes_of(tensor));
}

}  // namespace axle::softcard
