#include "package/time_embedding.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <utility>

#include "base/half.h"

namespace axle::package {
namespace {

using axmodel::DataType;
using axmodel::GraphConstant;
using axmodel::GraphFile;
using axmodel::GraphNode;

// The numbers of a constant as floats; nothing for other types.
std::optional<std::vector<float>> numbers_of(const GraphConstant& constant) {
  std::vector<float> numbers;
  if (constant.dtype == DataType::kFloat) {
    numbers.resize(constant.data.size() / sizeof(float));
    if (!numbers.empty()) {
      std::memcpy(numbers.data(), constant.data.data(), numbers.size() * sizeof(float));
    }
    return numbers;
  }
  if (constant.dtype != DataType::kFloat16) return std::nullopt;
  numbers.resize(constant.data.size() / 2);
  for (std::size_t i = 0; i < numbers.size(); ++i) {
    Half half;
    std::memcpy(&half, constant.data.data() + 2 * i, sizeof half);
    numbers[i] = to_float(half);
  }
  return numbers;
}

float silu(double x) { return static_cast<float>(x / (1.0 + std::exp(-x))); }

// What the graph says about tensors that depend on the timestep alone.
class Finder {
 public:
  Finder(const GraphFile& unet, const std::string& timestep) : unet_(unet), timestep_(timestep) {}

  Result<TimeEmbedding> find() {
    follow_time();
    TimeEmbedding embedding;
    std::string inner;
    for (const std::size_t node : silus_) {
      if (depth_.at(unet_.nodes()[node].outputs[0]) == 2) {
        embedding.rows.push_back(unet_.nodes()[node].outputs[0]);
        inner = silu_input(unet_.nodes()[node]);
      }
    }
    if (embedding.rows.empty()) {
      return unsupported(
          fmt::format("two layers with SiLU behind the input '{}' were not found: it "
                      "is not a time embedding as SD 1.5 has it",
                      timestep_));
    }
    std::string input;
    AXLE_TRY_ASSIGN(embedding.second, linear_before(inner, input));
    AXLE_TRY_ASSIGN(const std::string first, before_silu(input));
    AXLE_TRY_ASSIGN(embedding.first, linear_before(first, input));
    if (embedding.first.outputs != embedding.second.inputs || embedding.first.inputs % 2 != 0) {
      return corrupt(fmt::format("the layers of the time embedding are {} -> {} and {} -> {}",
                                 embedding.first.inputs, embedding.first.outputs,
                                 embedding.second.inputs, embedding.second.outputs));
    }
    return embedding;
  }

 private:
  // Marks the tensors that depend on the timestep and on constants, with the number of SiLUs
  // before them. Nodes come after those that they read from. The shape of anything counts as a
  // constant: exporters repeat the timestep for each picture of a batch.
  void follow_time() {
    depth_[timestep_] = 0;
    for (std::size_t i = 0; i < unet_.nodes().size(); ++i) {
      const GraphNode& node = unet_.nodes()[i];
      for (const std::string& output : node.outputs) producers_[output] = i;
      const bool shape = node.op_type == "Shape";
      bool known = true;
      int depth = -1;
      for (const std::string& input : node.inputs) {
        const auto timed = depth_.find(input);
        if (timed != depth_.end()) depth = std::max(depth, timed->second);
        known = known && (timed != depth_.end() || is_constant(input));
      }
      if (shape || (known && depth < 0)) {
        constant_.insert(node.outputs.begin(), node.outputs.end());
      } else if (known) {
        if (!silu_input(node).empty()) {
          ++depth;
          silus_.push_back(i);
        }
        for (const std::string& output : node.outputs) depth_[output] = depth;
      }
    }
  }

  bool is_constant(const std::string& name) const {
    return name.empty() || constant_.contains(name) || unet_.find_constant(name) != nullptr;
  }

  const GraphNode* producer(const std::string& tensor) const {
    const auto found = producers_.find(tensor);
    return found == producers_.end() ? nullptr : &unet_.nodes()[found->second];
  }

  // x where `node` is x * Sigmoid(x); empty for others.
  std::string silu_input(const GraphNode& node) const {
    if (node.op_type != "Mul" || node.inputs.size() != 2 || node.outputs.empty()) return {};
    for (const std::size_t side : {0u, 1u}) {
      const GraphNode* gate = producer(node.inputs[side]);
      if (gate != nullptr && gate->op_type == "Sigmoid" && gate->inputs.size() == 1 &&
          gate->inputs[0] == node.inputs[1 - side]) {
        return node.inputs[1 - side];
      }
    }
    return {};
  }

  // The tensor before conversions of its type.
  std::string before_casts(std::string tensor) const {
    for (std::size_t i = 0; i < unet_.nodes().size(); ++i) {  // A damaged graph may have circles.
      const GraphNode* node = producer(tensor);
      const bool passes = node != nullptr && node->inputs.size() == 1 &&
                          (node->op_type == "Cast" || node->op_type == "Identity");
      if (!passes) break;
      tensor = node->inputs[0];
    }
    return tensor;
  }

  Result<std::string> before_silu(const std::string& tensor) const {
    const GraphNode* node = producer(before_casts(tensor));
    const std::string input = node == nullptr ? std::string() : silu_input(*node);
    if (!input.empty()) return input;
    return unsupported(fmt::format("the time embedding has no SiLU before '{}'", tensor));
  }

  // The layer that makes `tensor`: Gemm, or MatMul and Add. `input` becomes what it reads.
  Result<Linear> linear_before(const std::string& tensor, std::string& input) const {
    const GraphNode* node = producer(before_casts(tensor));
    if (node != nullptr && node->op_type == "Gemm" && node->inputs.size() == 3) {
      const auto transposed = node->integers.find("transB");
      input = node->inputs[0];
      return linear_of(node->inputs[1], node->inputs[2],
                       transposed != node->integers.end() && transposed->second == 1);
    }
    if (node != nullptr && node->op_type == "Add" && node->inputs.size() == 2) {
      for (const std::size_t side : {0u, 1u}) {
        const GraphNode* product = producer(before_casts(node->inputs[1 - side]));
        if (product == nullptr || product->op_type != "MatMul" || product->inputs.size() != 2) {
          continue;
        }
        input = product->inputs[0];
        return linear_of(product->inputs[1], node->inputs[side], false);
      }
    }
    return unsupported(
        fmt::format("'{}' in the time embedding is not made by Gemm, or by MatMul "
                    "and Add",
                    tensor));
  }

  // `outputs_first`: the matrix is [outputs, inputs], else [inputs, outputs].
  Result<Linear> linear_of(const std::string& weight, const std::string& bias,
                           bool outputs_first) const {
    const GraphConstant* matrix = unet_.find_constant(before_casts(weight));
    const GraphConstant* vector = unet_.find_constant(before_casts(bias));
    if (matrix == nullptr || vector == nullptr || matrix->shape.size() != 2 ||
        vector->shape.size() != 1 || std::min(matrix->shape[0], matrix->shape[1]) <= 0) {
      return unsupported(
          fmt::format("the time embedding's '{}' and '{}' are not constants of 2 and "
                      "1 dimensions",
                      weight, bias));
    }
    const std::optional<std::vector<float>> numbers = numbers_of(*matrix);
    const std::optional<std::vector<float>> offsets = numbers_of(*vector);
    if (!numbers || !offsets) return unsupported(fmt::format("'{}' is not float", weight));
    Linear linear;
    linear.outputs = static_cast<std::size_t>(matrix->shape[outputs_first ? 0 : 1]);
    linear.inputs = static_cast<std::size_t>(matrix->shape[outputs_first ? 1 : 0]);
    if (numbers->size() != linear.inputs * linear.outputs || offsets->size() != linear.outputs ||
        linear.inputs == 0) {
      return corrupt(fmt::format("'{}' and '{}' do not fit each other", weight, bias));
    }
    linear.bias = *offsets;
    linear.weight.resize(numbers->size());
    for (std::size_t i = 0; i < numbers->size(); ++i) {
      const std::size_t row = i / (outputs_first ? linear.inputs : linear.outputs);
      const std::size_t column = i % (outputs_first ? linear.inputs : linear.outputs);
      linear.weight[outputs_first ? i : column * linear.inputs + row] = (*numbers)[i];
    }
    return linear;
  }

  const GraphFile& unet_;
  const std::string& timestep_;
  std::map<std::string, std::size_t> producers_;
  std::map<std::string, int> depth_;  // SiLUs before a tensor that depends on the time alone.
  std::set<std::string> constant_;
  std::vector<std::size_t> silus_;
};

// The numbers after a layer.
std::vector<double> output_of(const Linear& linear, const std::vector<double>& x) {
  std::vector<double> y(linear.outputs);
  for (std::size_t row = 0; row < linear.outputs; ++row) {
    double sum = static_cast<double>(linear.bias[row]);
    for (std::size_t i = 0; i < linear.inputs; ++i) {
      sum += static_cast<double>(linear.weight[row * linear.inputs + i]) * x[i];
    }
    y[row] = sum;
  }
  return y;
}

}  // namespace

std::vector<float> TimeEmbedding::row(int timestep) const {
  const std::size_t half = first.inputs / 2;
  std::vector<double> x(first.inputs);
  for (std::size_t i = 0; i < half; ++i) {
    const double angle =
        timestep * std::pow(10000.0, -static_cast<double>(i) / static_cast<double>(half));
    x[i] = std::cos(angle);
    x[half + i] = std::sin(angle);
  }
  x = output_of(first, x);
  for (double& value : x) value = static_cast<double>(silu(value));
  std::vector<float> row;
  for (const double value : output_of(second, x)) row.push_back(silu(value));
  return row;
}

Result<TimeEmbedding> find_time_embedding(const GraphFile& unet, const std::string& timestep) {
  return Finder(unet, timestep).find();
}

}  // namespace axle::package
