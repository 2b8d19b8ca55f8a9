#include "card/testing/contract_engine.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstring>
#include <vector>

#include "axmodel/layer.h"
#include "axmodel/model.h"

namespace axle::card {
namespace {

std::vector<std::byte> ones(std::size_t count) {
  const std::vector<float> values(count, 1.0f);
  std::vector<std::byte> bytes(count * sizeof(float));
  std::memcpy(bytes.data(), values.data(), bytes.size());
  return bytes;
}

// Q8_0 blocks: a scale of 2^-7 as float16, then 32 signed bytes.
std::vector<std::byte> q8_blocks(std::size_t count) {
  constexpr std::size_t kBlockBytes = 34;
  std::vector<std::byte> bytes(count * kBlockBytes);
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    const std::size_t at = i % kBlockBytes;
    bytes[i] = at == 0   ? std::byte{0x00}
               : at == 1 ? std::byte{0x20}
                         : static_cast<std::byte>(i * 37);
  }
  return bytes;
}

}  // namespace

std::filesystem::path write_contract_engine() {
  axmodel::HeadSpec spec;
  spec.hidden = kContractHidden;
  spec.vocab = kContractVocab;
  spec.rms_eps = 1e-5f;
  axmodel::Model model = axmodel::head_model(spec);
  model.groups = {axmodel::head_group(spec)};
  std::vector<std::vector<std::byte>> storage;
  for (const axmodel::WeightSpec& weight : axmodel::head_weights(spec)) {
    const bool matrix = weight.shape.size() == 2;
    storage.push_back(matrix ? q8_blocks(kContractVocab * kContractHidden / 32)
                             : ones(kContractHidden));
    model.weights.push_back({weight.name, matrix ? "q8_0" : "f32", weight.shape, storage.back()});
  }
  const std::filesystem::path path = std::filesystem::path(testing::TempDir()) /
                                     ("contract_" + std::to_string(getpid()) + ".axmodel");
  const Status written = axmodel::write(model, path);
  EXPECT_TRUE(written.ok()) << written;
  return path;
}

}  // namespace axle::card
