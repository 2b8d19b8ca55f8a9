#include "text/tokenizer.h"

#include <fmt/format.h>

#include <utility>

#include "text/shim_support.h"
#include "text/utf8.h"

namespace axle::text {
namespace {

struct TokenizerFree {
  void operator()(AxtTokenizer* tokenizer) const { axt_tokenizer_free(tokenizer); }
};

std::vector<AxtText> borrow_all(const std::vector<std::string_view>& texts) {
  std::vector<AxtText> borrowed;
  borrowed.reserve(texts.size());
  for (const std::string_view text : texts) borrowed.push_back(shim::borrow(text));
  return borrowed;
}

}  // namespace

struct Tokenizer::Impl {
  std::unique_ptr<AxtTokenizer, TokenizerFree> handle;
  std::uint32_t vocab_size = 0;
};

Tokenizer::Tokenizer(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Tokenizer::Tokenizer(Tokenizer&&) noexcept = default;
Tokenizer& Tokenizer::operator=(Tokenizer&&) noexcept = default;
Tokenizer::~Tokenizer() = default;

template <typename Make>
Result<Tokenizer> Tokenizer::make(const Make& call) {
  shim::init();
  AxtTokenizer* made = nullptr;
  AXLE_TRY(shim::check([&](AxtBuffer* error) { return call(&made, error); }));
  auto impl = std::make_unique<Impl>();
  impl->handle.reset(made);
  impl->vocab_size = axt_vocab_size(made);
  return Tokenizer(std::move(impl));
}

Result<Tokenizer> Tokenizer::from_json(std::string_view tokenizer_json) {
  return make([&](AxtTokenizer** out, AxtBuffer* error) {
    return axt_tokenizer_from_json(shim::borrow(tokenizer_json), out, error);
  });
}

Result<Tokenizer> Tokenizer::from_gguf_vocab(const GgufVocab& vocab) {
  const std::vector<AxtText> tokens = borrow_all(vocab.tokens);
  const std::vector<AxtText> merges = borrow_all(vocab.merges);
  const AxtGgufVocab raw = {
      .tokens = tokens.data(),
      .token_count = tokens.size(),
      .types = vocab.types.data(),
      .type_count = vocab.types.size(),
      .scores = vocab.scores.data(),
      .score_count = vocab.scores.size(),
      .merges = merges.data(),
      .merge_count = merges.size(),
      .pre = shim::borrow(vocab.pre),
      .model = shim::borrow(vocab.model),
      .add_space_prefix = vocab.add_space_prefix ? 1 : 0,
  };
  return make([&](AxtTokenizer** out, AxtBuffer* error) {
    return axt_tokenizer_from_gguf(&raw, out, error);
  });
}

Result<Tokenizer> Tokenizer::from_axera_text(std::string_view text) {
  return make([&](AxtTokenizer** out, AxtBuffer* error) {
    return axt_tokenizer_from_axera(shim::borrow(text), out, error);
  });
}

Result<Tokenizer> Tokenizer::from_clip(std::string_view vocab_json, std::string_view merges_txt) {
  return make([&](AxtTokenizer** out, AxtBuffer* error) {
    return axt_tokenizer_from_clip(shim::borrow(vocab_json), shim::borrow(merges_txt), out, error);
  });
}

std::string Tokenizer::to_json() const {
  shim::Buffer json;
  const Status status = shim::check([&](AxtBuffer* error) {
    return axt_tokenizer_to_json(impl_->handle.get(), json.get(), error);
  });
  AXLE_CHECK(status.ok());  // A tokenizer that was read can be written.
  return json.text();
}

Result<std::vector<std::int32_t>> Tokenizer::encode(std::string_view text,
                                                    SpecialTokens special) const {
  if (text.size() > kMaxTextBytes) {
    return exhausted(
        fmt::format("a text of {} bytes: at most {} can be tokenized", text.size(), kMaxTextBytes));
  }
  if (const auto at = find_invalid_utf8(text)) {
    return invalid_argument(fmt::format("the text is not UTF-8 at byte {}", *at));
  }
  shim::Ids ids;
  AXLE_TRY(shim::check([&](AxtBuffer* error) {
    return axt_encode(impl_->handle.get(), shim::borrow(text),
                      special == SpecialTokens::kParse ? 1 : 0, ids.get(), error);
  }));
  return ids.values();
}

Result<std::string> Tokenizer::decode(std::span<const std::int32_t> ids,
                                      SpecialText special) const {
  std::string bytes;
  for (const std::int32_t id : ids) {
    if (id < 0 || static_cast<std::uint32_t>(id) >= vocab_size()) {
      return invalid_argument(
          fmt::format("token id {}: the vocabulary has ids 0 to {}", id, vocab_size() - 1));
    }
    if (special == SpecialText::kShow || !is_special(id)) bytes += token_bytes(id);
  }
  if (strips_first_blank() && bytes.starts_with(' ')) bytes.erase(0, 1);
  if (!find_invalid_utf8(bytes)) return bytes;
  std::string text;
  Utf8Stream utf8;
  utf8.push(bytes, text);
  utf8.finish(text);
  return text;
}

std::uint32_t Tokenizer::vocab_size() const { return impl_->vocab_size; }

std::optional<std::int32_t> Tokenizer::token_id(std::string_view name) const {
  const std::int64_t id = axt_token_id(impl_->handle.get(), shim::borrow(name));
  if (id < 0) return std::nullopt;
  return static_cast<std::int32_t>(id);
}

std::string_view Tokenizer::token_bytes(std::int32_t id) const {
  if (id < 0) return {};
  const AxtText bytes = axt_token_bytes(impl_->handle.get(), static_cast<std::uint32_t>(id));
  return {bytes.data, bytes.len};
}

bool Tokenizer::is_special(std::int32_t id) const {
  return id >= 0 && axt_is_special(impl_->handle.get(), static_cast<std::uint32_t>(id)) != 0;
}

std::span<const std::int32_t> Tokenizer::stop_ids() const {
  std::size_t count = 0;
  const std::int32_t* ids = axt_stop_ids(impl_->handle.get(), &count);
  return {ids, count};
}

bool Tokenizer::strips_first_blank() const {
  return axt_strips_first_blank(impl_->handle.get()) != 0;
}

std::size_t Tokenizer::memory_bytes() const { return axt_memory_bytes(impl_->handle.get()); }

}  // namespace axle::text
