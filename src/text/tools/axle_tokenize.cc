// Reads a vocabulary and texts, writes token ids: what tools/compare_tokenizers.py runs beside
// another tokenizer.
//
//   axle_tokenize VOCABULARY parse|plain < TEXTS
//
// VOCABULARY: a tokenizer.json, or the blocks "tokens, types, scores, merges, pre, model,
// add_space_prefix" that the script writes (file name ending in .vocab; numbers are 32 bits, little
// endian; texts are length and bytes). TEXTS: length and bytes, one after the other. Output: for
// each text one line, "=" or "!" (whether decoding the ids gives the text back) and the ids. The
// tokenizer goes through to_json() and from_json() first, and each text also through TokenStream,
// so that both are compared too.

#include <cstdio>
#include <cstring>
#include <filesystem>
#include <string>
#include <vector>

#include "base/file.h"
#include "text/token_stream.h"
#include "text/tokenizer.h"

namespace axle::text {
namespace {

// Cuts numbers and texts off the front of a block of bytes.
class Reader {
 public:
  explicit Reader(std::string_view bytes) : rest_(bytes) {}

  bool empty() const { return rest_.empty(); }

  Result<std::string_view> bytes(std::size_t size) {
    if (size > rest_.size()) return corrupt("the input ends too early");
    const std::string_view taken = rest_.substr(0, size);
    rest_.remove_prefix(size);
    return taken;
  }

  template <typename Number>
  Result<Number> number() {
    Number value{};
    AXLE_TRY_ASSIGN(const std::string_view raw, bytes(sizeof(value)));
    std::memcpy(&value, raw.data(), sizeof(value));
    return value;
  }

  Result<std::string_view> text() {
    AXLE_TRY_ASSIGN(const auto size, number<std::uint32_t>());
    return bytes(size);
  }

  Result<std::vector<std::string_view>> texts() {
    std::vector<std::string_view> all;
    AXLE_TRY_ASSIGN(const auto count, number<std::uint32_t>());
    for (std::uint32_t i = 0; i < count; ++i) {
      AXLE_TRY_ASSIGN(const std::string_view one, text());
      all.push_back(one);
    }
    return all;
  }

  template <typename Number>
  Result<std::vector<Number>> numbers() {
    std::vector<Number> all;
    AXLE_TRY_ASSIGN(const auto count, number<std::uint32_t>());
    for (std::uint32_t i = 0; i < count; ++i) {
      AXLE_TRY_ASSIGN(const Number one, number<Number>());
      all.push_back(one);
    }
    return all;
  }

 private:
  std::string_view rest_;
};

Result<Tokenizer> read_blocks(std::string_view bytes) {
  Reader reader(bytes);
  GgufVocab vocab;
  AXLE_TRY_ASSIGN(vocab.tokens, reader.texts());
  AXLE_TRY_ASSIGN(vocab.types, reader.numbers<std::int32_t>());
  AXLE_TRY_ASSIGN(vocab.scores, reader.numbers<float>());
  AXLE_TRY_ASSIGN(vocab.merges, reader.texts());
  AXLE_TRY_ASSIGN(const std::string_view pre, reader.text());
  AXLE_TRY_ASSIGN(const std::string_view model, reader.text());
  AXLE_TRY_ASSIGN(const auto add_space_prefix, reader.number<std::uint32_t>());
  vocab.pre = pre;
  vocab.model = model;
  vocab.add_space_prefix = add_space_prefix != 0;
  return Tokenizer::from_gguf_vocab(vocab);
}

Result<Tokenizer> read_tokenizer(const std::filesystem::path& path) {
  AXLE_TRY_ASSIGN(const std::string bytes, read_file(path));
  if (path.extension() != ".vocab") return Tokenizer::from_json(bytes);
  AXLE_TRY_ASSIGN(const Tokenizer direct, read_blocks(bytes));
  return Tokenizer::from_json(direct.to_json());
}

Result<std::string> streamed(const Tokenizer& tokenizer, const std::vector<std::int32_t>& ids) {
  TokenStream stream(tokenizer, SpecialText::kShow);
  std::string all;
  for (const std::int32_t id : ids) {
    AXLE_TRY_ASSIGN(const std::string piece, stream.push(id));
    all += piece;
  }
  return all + stream.finish();
}

Status tokenize_all(const Tokenizer& tokenizer, SpecialTokens special, std::string_view input) {
  Reader reader(input);
  while (!reader.empty()) {
    AXLE_TRY_ASSIGN(const std::string_view text, reader.text());
    AXLE_TRY_ASSIGN(const std::vector<std::int32_t> ids, tokenizer.encode(text, special));
    AXLE_TRY_ASSIGN(const std::string whole, tokenizer.decode(ids, SpecialText::kShow));
    AXLE_TRY_ASSIGN(const std::string pieces, streamed(tokenizer, ids));
    if (pieces != whole) return internal("the stream's text differs from the whole: " + whole);
    std::fputs(whole == text ? "=" : "!", stdout);
    for (const std::int32_t id : ids) std::fprintf(stdout, " %d", id);
    std::fputs("\n", stdout);
  }
  return {};
}

std::string read_input() {
  std::string all;
  std::vector<char> block(std::size_t{1} << 16);
  for (std::size_t size = 0; (size = std::fread(block.data(), 1, block.size(), stdin)) > 0;) {
    all.append(block.data(), size);
  }
  return all;
}

Status run(std::string_view vocabulary, std::string_view mode) {
  if (mode != "parse" && mode != "plain") {
    return invalid_argument("the second argument is \"parse\" or \"plain\"");
  }
  AXLE_TRY_ASSIGN(const Tokenizer tokenizer, read_tokenizer(vocabulary));
  const auto special = mode == "parse" ? SpecialTokens::kParse : SpecialTokens::kPlain;
  return tokenize_all(tokenizer, special, read_input());
}

}  // namespace
}  // namespace axle::text

int main(int argc, char** argv) {
  if (argc != 3) {
    std::fputs("usage: axle_tokenize VOCABULARY parse|plain < TEXTS\n", stderr);
    return 2;
  }
  const axle::Status status = axle::text::run(argv[1], argv[2]);
  if (!status.ok()) std::fprintf(stderr, "axle_tokenize: %s\n", status.to_string().c_str());
  return status.ok() ? 0 : 1;
}
