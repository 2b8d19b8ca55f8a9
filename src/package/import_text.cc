#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "package/import_plan.h"
#include "package/text_parts.h"
#include "text/tokenizer.h"
#include "text/utf8.h"

namespace axle::package {
namespace {

// Names of pre-tokenizers whose models expect the begin token although the file does not say so.
// Source: llama.cpp, src/llama-vocab.cpp.
constexpr std::array<std::string_view, 4> kBosByDefault = {"llama3", "llama-v3", "llama-bpe",
                                                           "falcon3"};

Result<std::string> text_value(const Gguf& gguf, std::string_view key) {
  AXLE_TRY_ASSIGN(const std::optional<std::string_view> text, gguf.get_string(key));
  if (!text) return std::string();
  if (const auto at = text::find_invalid_utf8(*text)) {
    return corrupt(fmt::format("key '{}' is not UTF-8 at byte {}", key, *at));
  }
  return std::string(*text);
}

Result<text::GgufVocab> read_vocab(const Gguf& gguf) {
  text::GgufVocab vocab;
  AXLE_TRY_ASSIGN(vocab.model, text_value(gguf, "tokenizer.ggml.model"));
  if (vocab.model.empty()) return corrupt("key 'tokenizer.ggml.model' is missing");
  AXLE_TRY_ASSIGN(vocab.pre, text_value(gguf, "tokenizer.ggml.pre"));
  AXLE_TRY_ASSIGN(auto tokens, gguf.get_strings("tokenizer.ggml.tokens"));
  if (!tokens) return corrupt("key 'tokenizer.ggml.tokens' is missing");
  vocab.tokens = std::move(*tokens);
  AXLE_TRY_ASSIGN(auto types, gguf.get_int32s("tokenizer.ggml.token_type"));
  if (types) vocab.types = std::move(*types);
  AXLE_TRY_ASSIGN(auto merges, gguf.get_strings("tokenizer.ggml.merges"));
  if (merges) vocab.merges = std::move(*merges);
  AXLE_TRY_ASSIGN(auto scores, gguf.get_floats("tokenizer.ggml.scores"));
  if (scores) vocab.scores = std::move(*scores);
  AXLE_TRY_ASSIGN(const auto prefix, gguf.get_bool("tokenizer.ggml.add_space_prefix"));
  vocab.add_space_prefix = prefix.value_or(true);
  return vocab;
}

// A token id of the metadata; nothing where the key is absent.
Result<std::optional<std::int32_t>> special_id(const Gguf& gguf, std::string_view name,
                                               std::size_t tokens) {
  const std::string key = fmt::format("tokenizer.ggml.{}_token_id", name);
  AXLE_TRY_ASSIGN(const std::optional<std::uint64_t> id, gguf.get_unsigned(key));
  if (!id) return std::optional<std::int32_t>();
  if (*id >= tokens) {
    return corrupt(fmt::format("key '{}' is {}, wanted a number below {}", key, *id, tokens));
  }
  return std::optional(static_cast<std::int32_t>(*id));
}

Status read_special_tokens(const Gguf& gguf, const text::GgufVocab& vocab, TextConfig& config) {
  AXLE_TRY_ASSIGN(const auto bos, special_id(gguf, "bos", vocab.tokens.size()));
  if (bos) config.bos_text = vocab.tokens[static_cast<std::size_t>(*bos)];
  for (const std::string_view name : {"eos", "eot", "eom"}) {
    AXLE_TRY_ASSIGN(const auto id, special_id(gguf, name, vocab.tokens.size()));
    if (!id) continue;
    if (name == "eos") config.eos_text = vocab.tokens[static_cast<std::size_t>(*id)];
    config.end_tokens.push_back(*id);
  }
  AXLE_TRY_ASSIGN(config.add_bos, gguf.get_bool("tokenizer.ggml.add_bos_token"));
  if (!config.add_bos) {
    const bool known =
        std::find(kBosByDefault.begin(), kBosByDefault.end(), vocab.pre) != kBosByDefault.end();
    config.add_bos = bos && (vocab.model == "llama" || known);
  }
  return {};
}

void add_end_tokens(const std::vector<std::int32_t>& more, TextConfig& config) {
  for (const std::int32_t id : more) {
    const auto& ids = config.end_tokens;
    if (std::find(ids.begin(), ids.end(), id) == ids.end()) config.end_tokens.push_back(id);
  }
  std::sort(config.end_tokens.begin(), config.end_tokens.end());
  config.end_tokens.erase(std::unique(config.end_tokens.begin(), config.end_tokens.end()),
                          config.end_tokens.end());
}

}  // namespace

Status plan_text(const Gguf& gguf, std::size_t vocab_size, ImportPlan& plan) {
  AXLE_TRY_ASSIGN(const text::GgufVocab vocab, read_vocab(gguf));
  if (vocab.tokens.size() > vocab_size) {
    return corrupt(fmt::format("the vocabulary has {} tokens, but the model has {} logits",
                               vocab.tokens.size(), vocab_size));
  }
  Result<text::Tokenizer> tokenizer = text::Tokenizer::from_gguf_vocab(vocab);
  if (!tokenizer.ok()) return tokenizer.status().with_context("the vocabulary");
  plan.tokenizer_json = tokenizer->to_json();
  AXLE_TRY(read_special_tokens(gguf, vocab, plan.text));
  add_end_tokens(end_tokens_by_name(*tokenizer, plan.text.eos_text), plan.text);
  if (plan.text.end_tokens.empty()) {
    return corrupt("no end token is known: key 'tokenizer.ggml.eos_token_id' is missing");
  }
  AXLE_TRY_ASSIGN(const std::string source, text_value(gguf, "tokenizer.chat_template"));
  if (source.empty()) {
    plan.notes.emplace_back("the file has no chat template: the model completes text, no chat");
    return {};
  }
  plan.text.chat_template = source;
  return try_chat_template(source, plan.text);
}

}  // namespace axle::package
