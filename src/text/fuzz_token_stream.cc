#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "base/check.h"
#include "text/token_stream.h"
#include "text/utf8.h"

namespace {

using namespace axle::text;

// One token for each byte, and "<|x|>" (256).
const Tokenizer& byte_tokenizer() {
  static const Tokenizer tokenizer = [] {
    std::string json =
        R"({"version":"1.0","added_tokens":[{"id":256,"content":"<|x|>",)"
        R"("single_word":false,"lstrip":false,"rstrip":false,"normalized":false,)"
        R"("special":true}],"normalizer":null,"pre_tokenizer":null,)"
        R"("post_processor":null,"decoder":{"type":"Sequence","decoders":[)"
        R"({"type":"ByteFallback"},{"type":"Strip","content":" ","start":1,"stop":0}]},)"
        R"("model":{"type":"BPE","byte_fallback":true,"vocab":{)";
    constexpr std::string_view kDigits = "0123456789ABCDEF";
    for (std::size_t byte = 0; byte < 256; ++byte) {
      json += std::string("\"<0x") + kDigits[byte / 16] + kDigits[byte % 16] +
              ">\":" + std::to_string(byte) + ",";
    }
    json += R"("<|x|>":256},"merges":[]}})";
    return *Tokenizer::from_json(json);
  }();
  return tokenizer;
}

}  // namespace

// Each byte is a token; 0x01 is the special one.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const Tokenizer& tokenizer = byte_tokenizer();
  std::vector<std::int32_t> ids;
  for (std::size_t i = 0; i < size; ++i) ids.push_back(data[i] == 0x01 ? 256 : data[i]);
  for (const SpecialText special : {SpecialText::kSkip, SpecialText::kShow}) {
    TokenStream stream(tokenizer, special);
    std::string joined;
    for (const std::int32_t id : ids) {
      const axle::Result<std::string> text = stream.push(id);
      AXLE_CHECK(text.ok());
      AXLE_CHECK(!find_invalid_utf8(*text));
      joined += *text;
    }
    joined += stream.finish();
    AXLE_CHECK(joined == *tokenizer.decode(ids, special));
  }
  return 0;
}
