#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <numeric>

#include "softcard/executor/test_engines.h"

namespace axle::softcard {
namespace {

using testing::Engine;
using testing::half_value;
using testing::LayerCall;
using testing::random_bf16;

using Vector = std::vector<double>;

// The layer by its definition, in double precision, with exact activations.
class Reference {
 public:
  Reference(const axmodel::LayerSpec& spec, const axmodel::Model& model)
      : spec_(spec), model_(model) {}

  struct Row {
    Vector q, k, v;
  };

  Vector floats(const std::string& name) const {
    const axmodel::Weight& weight = *model_.find_weight(name);
    std::vector<float> values(weight.data.size() / 4);
    std::memcpy(values.data(), weight.data.data(), weight.data.size());
    return {values.begin(), values.end()};
  }

  // y = W x for a q8_0 matrix.
  Vector product(const std::string& name, const Vector& x) const {
    const axmodel::Weight& weight = *model_.find_weight(name);
    Vector y(static_cast<std::size_t>(weight.shape[0]));
    const std::byte* block = weight.data.data();
    for (double& sum : y) {
      for (std::size_t b = 0; b < x.size() / 32; ++b, block += 34) {
        std::uint16_t scale;
        std::memcpy(&scale, block, 2);
        for (std::size_t i = 0; i < 32; ++i) {
          sum += half_value(scale) * static_cast<double>(static_cast<std::int8_t>(block[2 + i])) *
                 x[32 * b + i];
        }
      }
    }
    return y;
  }

  Vector norm(const Vector& x, const std::string& name) const {
    const Vector weight = floats(name);
    Vector y = x;
    for (std::size_t start = 0; start < x.size(); start += weight.size()) {
      double squares = 0.0;
      for (std::size_t i = 0; i < weight.size(); ++i) squares += x[start + i] * x[start + i];
      const double scale = 1.0 / std::sqrt(squares / static_cast<double>(weight.size()) +
                                           static_cast<double>(spec_.rms_eps));
      for (std::size_t i = 0; i < weight.size(); ++i)
        y[start + i] = x[start + i] * scale * weight[i];
    }
    return y;
  }

  void rotate(Vector& heads, std::uint32_t position) const {
    const auto dim = static_cast<std::size_t>(spec_.head_dim);
    for (std::size_t start = 0; start < heads.size(); start += dim) {
      for (std::size_t i = 0; i < dim / 2; ++i) {
        double frequency = std::pow(static_cast<double>(spec_.rope_theta),
                                    -2.0 * static_cast<double>(i) / static_cast<double>(dim));
        if (!spec_.rope_factors.empty()) frequency /= static_cast<double>(spec_.rope_factors[i]);
        const double angle = position * static_cast<double>(spec_.rope_scale) * frequency;
        const bool neox = spec_.rope_kind == "neox";
        double& a = heads[start + (neox ? i : 2 * i)];
        double& b = heads[start + (neox ? i + dim / 2 : 2 * i + 1)];
        const double turned = a * std::cos(angle) - b * std::sin(angle);
        b = a * std::sin(angle) + b * std::cos(angle);
        a = turned;
      }
    }
  }

  Row project(const Vector& input, std::uint32_t position) const {
    const Vector normal = norm(input, "attn_norm");
    Row row{product("attn_q", normal), product("attn_k", normal), product("attn_v", normal)};
    if (spec_.architecture == "qwen2") {
      for (auto& [vector, name] :
           {std::pair{&row.q, "attn_q.bias"}, {&row.k, "attn_k.bias"}, {&row.v, "attn_v.bias"}}) {
        const Vector bias = floats(name);
        for (std::size_t i = 0; i < bias.size(); ++i) (*vector)[i] += bias[i];
      }
    }
    if (spec_.architecture == "qwen3") {
      row.q = norm(row.q, "attn_q_norm");
      row.k = norm(row.k, "attn_k_norm");
    }
    rotate(row.q, position);
    rotate(row.k, position);
    return row;
  }

  Vector attend(const Vector& q, const std::vector<Vector>& keys,
                const std::vector<Vector>& values) const {
    const auto dim = static_cast<std::size_t>(spec_.head_dim);
    const auto shared = static_cast<std::size_t>(spec_.heads / spec_.kv_heads);
    Vector output(q.size());
    for (std::size_t head = 0; head < q.size() / dim; ++head) {
      const std::size_t offset = head / shared * dim;
      double total = 0.0;
      for (std::size_t cell = 0; cell < keys.size(); ++cell) {
        double score = 0.0;
        for (std::size_t d = 0; d < dim; ++d) score += q[head * dim + d] * keys[cell][offset + d];
        const double weight = std::exp(score / std::sqrt(static_cast<double>(dim)));
        total += weight;
        for (std::size_t d = 0; d < dim; ++d)
          output[head * dim + d] += weight * values[cell][offset + d];
      }
      for (std::size_t d = 0; d < dim; ++d) output[head * dim + d] /= total;
    }
    return output;
  }

  // The layer's output without the input that the residual adds.
  Vector change(const Vector& input, const Vector& attention) const {
    Vector x = product("attn_output", attention);
    for (std::size_t i = 0; i < x.size(); ++i) x[i] += input[i];
    const Vector normal = norm(x, "ffn_norm");
    Vector gate = product("ffn_gate", normal);
    const Vector up = product("ffn_up", normal);
    for (std::size_t i = 0; i < gate.size(); ++i)
      gate[i] = gate[i] / (1.0 + std::exp(-gate[i])) * up[i];
    const Vector down = product("ffn_down", gate);
    for (std::size_t i = 0; i < x.size(); ++i) x[i] += down[i] - input[i];
    return x;
  }

 private:
  axmodel::LayerSpec spec_;
  const axmodel::Model& model_;
};

Vector to_doubles(const std::vector<Bf16>& values, std::size_t start, std::size_t count) {
  Vector result(count);
  for (std::size_t i = 0; i < count; ++i)
    result[i] = static_cast<double>(to_float(values[start + i]));
  return result;
}

double relative_error(const Vector& found, const Vector& wanted) {
  double error = 0.0;
  double size = 0.0;
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    error += (found[i] - wanted[i]) * (found[i] - wanted[i]);
    size += wanted[i] * wanted[i];
  }
  return std::sqrt(error / size);
}

axmodel::LayerSpec spec_of(const std::string& architecture) {
  axmodel::LayerSpec spec;
  spec.architecture = architecture;
  spec.hidden = 96;
  spec.heads = 6;
  spec.kv_heads = 2;
  spec.head_dim = architecture == "qwen3" ? 32 : 16;
  spec.ffn = 160;
  spec.rms_eps = 1e-5f;
  spec.rope_theta = 10000.0f;
  spec.rope_kind = architecture == "llama" ? "normal" : "neox";
  spec.max_position = 64;
  return spec;
}

// Runs a chunk of 5 rows over 9 history cells, of which some are hidden, and compares each row.
void compare(const axmodel::LayerSpec& spec) {
  constexpr axmodel::GroupShape kShape{5, 9};
  const auto model = Engine::shared(testing::layer_engine(spec, "q8_0", {kShape}));
  auto executor = make_executor(model, {.threads = 2});
  ASSERT_TRUE(executor.ok()) << executor.status();
  std::mt19937 random(3);
  LayerCall call(spec, kShape);
  call.keys = random_bf16(call.keys.size(), random);
  call.values = random_bf16(call.values.size(), random);
  call.input = random_bf16(call.input.size(), random);
  for (std::size_t row = 0; row < 5; ++row) {
    call.positions[row] = static_cast<std::uint32_t>(11 + 17 * row);  // The last is past the table.
    for (std::size_t column = 0; column <= 9 + row; ++column) {
      if (column % 4 != 1) call.show(row, column);
    }
    call.show(row, 9 + row);
  }
  ASSERT_TRUE(call.run(**executor, 0).ok());

  const Reference reference(spec, *model);
  for (std::size_t row = 0; row < 5; ++row) {
    const Vector input = to_doubles(call.input, row * call.hidden, call.hidden);
    const Reference::Row own = reference.project(input, call.positions[row]);
    EXPECT_LT(relative_error(to_doubles(call.key_out, row * call.kv, call.kv), own.k), 0.01);
    EXPECT_LT(relative_error(to_doubles(call.value_out, row * call.kv, call.kv), own.v), 0.01);
    std::vector<Vector> keys;
    std::vector<Vector> values;
    for (std::size_t column = 0; column < 14; ++column) {
      if (!call.shows(row, column)) continue;
      const bool old = column < 9;
      keys.push_back(to_doubles(old ? call.keys : call.key_out,
                                (old ? column : column - 9) * call.kv, call.kv));
      values.push_back(to_doubles(old ? call.values : call.value_out,
                                  (old ? column : column - 9) * call.kv, call.kv));
    }
    const Vector wanted = reference.change(input, reference.attend(own.q, keys, values));
    Vector found = to_doubles(call.output, row * call.hidden, call.hidden);
    for (std::size_t i = 0; i < found.size(); ++i) found[i] -= input[i];
    EXPECT_LT(relative_error(found, wanted), 0.02) << "row " << row;
  }
}

TEST(LayerTest, LlamaAgreesWithTheDefinition) { compare(spec_of("llama")); }
TEST(LayerTest, Qwen2AgreesWithTheDefinition) { compare(spec_of("qwen2")); }
TEST(LayerTest, Qwen3AgreesWithTheDefinition) { compare(spec_of("qwen3")); }

TEST(LayerTest, RopeScalingAgreesWithTheDefinition) {
  axmodel::LayerSpec spec = spec_of("llama");
  spec.rope_scale = 0.25f;
  spec.rope_factors = {1.0f, 1.0f, 1.5f, 2.0f, 3.0f, 8.0f, 8.0f, 8.0f};
  compare(spec);
}

TEST(HeadTest, LogitsAgreeWithTheDefinition) {
  const axmodel::HeadSpec spec{96, 203, 1e-5f};
  const auto model = Engine::shared(testing::head_engine(spec, "q8_0"));
  auto executor = make_executor(model, {.threads = 2});
  ASSERT_TRUE(executor.ok()) << executor.status();
  std::mt19937 random(3);
  std::vector<Bf16> input = random_bf16(96, random);
  std::vector<Bf16> logits(203);
  std::byte* const in[] = {static_cast<std::byte*>(static_cast<void*>(input.data()))};
  std::byte* const out[] = {static_cast<std::byte*>(static_cast<void*>(logits.data()))};
  ASSERT_TRUE((*executor)->run(0, in, out).ok());
  axmodel::LayerSpec norm_only;
  norm_only.rms_eps = spec.rms_eps;
  const Reference reference(norm_only, *model);
  const Vector wanted =
      reference.product("output", reference.norm(to_doubles(input, 0, 96), "output_norm"));
  EXPECT_LT(relative_error(to_doubles(logits, 0, 203), wanted), 0.01);
}

class MakeExecutorTest : public ::testing::Test {
 protected:
  static Status status_of(Engine engine) {
    return make_executor(Engine::shared(std::move(engine)), {}).status();
  }
  static Engine layer() { return testing::layer_engine(spec_of("llama"), "q8_0", {{1, 7}}); }
};

TEST_F(MakeExecutorTest, RefusesTheVendorsEnginesByName) {
  Engine engine = layer();
  engine.model.producer = "Pulsar2";
  engine.model.doc_string = "Pulsar2 Version: 5.2\nPulsar2 Commit: abc";
  EXPECT_EQ(status_of(engine).code(), Code::kUnsupported);
  EXPECT_THAT(status_of(engine).message(), ::testing::HasSubstr("5.2 abc"));
}

TEST_F(MakeExecutorTest, SaysWhatOrdinaryGraphsNeed) {
  Engine engine = layer();
  engine.model.op_domain = "";
  engine.model.op_type = "Conv";
  EXPECT_EQ(status_of(engine).code(), Code::kUnsupported);
  EXPECT_THAT(status_of(engine).message(), ::testing::HasSubstr("OpenVINO"));
}

TEST_F(MakeExecutorTest, RefusesUnknownOperatorsAndFormats) {
  Engine other = layer();
  other.model.op_type = "Mixture";
  EXPECT_EQ(status_of(other).code(), Code::kUnsupported);
  EXPECT_EQ(status_of(testing::layer_engine(spec_of("llama"), "f16", {{1, 7}})).code(),
            Code::kUnsupported);
}

TEST_F(MakeExecutorTest, RefusesBrokenLayersByWhatIsBroken) {
  Engine engine = layer();
  engine.model.weights.pop_back();
  EXPECT_EQ(status_of(engine).code(), Code::kCorrupt);
}

TEST_F(MakeExecutorTest, RunRefusesWrongGroupsAndPointers) {
  auto executor = make_executor(Engine::shared(layer()), {.threads = 1});
  ASSERT_TRUE(executor.ok()) << executor.status();
  LayerCall call(spec_of("llama"), {1, 7});
  EXPECT_EQ(call.run(**executor, 1).code(), Code::kInvalidArgument);
  std::byte byte{};
  std::byte* const three[] = {&byte, &byte, &byte};
  EXPECT_EQ((*executor)->run(0, three, three).code(), Code::kInvalidArgument);
  std::byte* const unbound[] = {&byte, &byte, nullptr, &byte, &byte};
  EXPECT_EQ((*executor)->run(0, unbound, three).code(), Code::kInvalidArgument);
}

TEST_F(MakeExecutorTest, ReportsTheMemoryOfItsRepackedWeights) {
  auto executor = make_executor(Engine::shared(layer()), {.threads = 1});
  ASSERT_TRUE(executor.ok()) << executor.status();
  std::size_t stored = 0;
  const Engine engine = layer();
  for (const axmodel::Weight& weight : engine.model.weights)
    stored += weight.shape.size() == 2 ? weight.data.size() : 0;
  EXPECT_GE((*executor)->memory_bytes(), stored);
  EXPECT_LE((*executor)->memory_bytes(), stored * 5 / 4);
}

}  // namespace
}  // namespace axle::softcard
