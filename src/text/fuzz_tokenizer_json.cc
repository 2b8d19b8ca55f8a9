#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/check.h"
#include "text/tokenizer.h"

// A tokenizer.json, then a byte 0, then text to encode with it.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace axle::text;
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  const std::size_t cut = std::min(input.find('\0'), input.size());
  const axle::Result<Tokenizer> tokenizer = Tokenizer::from_json(input.substr(0, cut));
  if (!tokenizer.ok()) return 0;
  const std::string_view text = input.substr(std::min(cut + 1, input.size()));
  for (const SpecialTokens special : {SpecialTokens::kParse, SpecialTokens::kPlain}) {
    const auto ids = tokenizer->encode(text, special);
    if (ids.ok()) AXLE_CHECK(tokenizer->decode(*ids, SpecialText::kShow).ok());
  }
  const axle::Result<Tokenizer> again = Tokenizer::from_json(tokenizer->to_json());
  AXLE_CHECK(again.ok());
  AXLE_CHECK(again->vocab_size() == tokenizer->vocab_size());
  return 0;
}
