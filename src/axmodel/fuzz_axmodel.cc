#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <vector>

#include "axmodel/layer.h"
#include "axmodel/model.h"

// Any bytes: parse() and the operator checks answer, and every weight stays inside the bytes.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace axle::axmodel;
  const std::span<const std::byte> bytes = std::as_bytes(std::span(data, size));
  const axle::Result<Model> model = parse(bytes);
  if (!model.ok()) return 0;
  for (const Weight& weight : model->weights) {
    if (weight.data.empty()) continue;
    const bool inside = weight.data.data() >= bytes.data() &&
                        weight.data.data() + weight.data.size() <= bytes.data() + bytes.size();
    if (!inside) __builtin_trap();
  }
  for (const Group& group : model->groups) {
    for (const TensorInfo& tensor : group.inputs) (void)tensor_bytes(tensor).ok();
  }
  (void)compiler_version(*model);
  (void)layer_spec(*model).ok();
  (void)head_spec(*model).ok();
  return 0;
}
