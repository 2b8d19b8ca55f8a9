#include <cstddef>
#include <cstdint>
#include <span>

#include "base/check.h"
#include "package/gguf.h"

// Any bytes as a GGUF file; also that the first half asks for more or fails in the same way.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using axle::package::Gguf;
  const std::span<const std::byte> file = std::as_bytes(std::span(data, size));
  const axle::Result<Gguf> gguf = Gguf::parse(file);
  if (!gguf.ok()) {
    AXLE_CHECK(gguf.status().code() == axle::Code::kCorrupt ||
               gguf.status().code() == axle::Code::kUnsupported);
    static_cast<void>(Gguf::parse(file.first(size / 2), size));
    return 0;
  }
  for (const auto& entry : gguf->entries()) {
    AXLE_CHECK(gguf->find(entry.key) != nullptr);
    static_cast<void>(gguf->get_unsigned(entry.key));
    static_cast<void>(gguf->get_strings(entry.key));
    static_cast<void>(gguf->get_int32s(entry.key));
    static_cast<void>(gguf->get_floats(entry.key));
  }
  for (const auto& tensor : gguf->tensors()) {
    AXLE_CHECK(tensor.offset <= size && tensor.size_bytes <= size - tensor.offset);
    AXLE_CHECK(gguf->find_tensor(tensor.name) == &tensor);
  }
  return 0;
}
