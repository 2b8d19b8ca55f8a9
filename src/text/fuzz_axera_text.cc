#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/check.h"
#include "text/tokenizer.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace axle::text;
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  const axle::Result<Tokenizer> tokenizer = Tokenizer::from_axera_text(input);
  if (!tokenizer.ok()) return 0;
  const auto ids = tokenizer->encode("a b<|end|> 12", SpecialTokens::kParse);
  if (ids.ok()) AXLE_CHECK(tokenizer->decode(*ids, SpecialText::kShow).ok());
  return 0;
}
