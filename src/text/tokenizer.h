#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace axle::text {

// What encode() does with text that spells a special token such as "<|im_end|>".
enum class SpecialTokens : std::uint8_t {
  kParse,  // It becomes that token: for prompts that a chat template wrote.
  kPlain,  // It stays text: for words of a user, who must not be able to end a turn.
};

// What decode() and TokenStream do with special tokens.
enum class SpecialText : std::uint8_t {
  kSkip,  // They give no text.
  kShow,  // They give their name.
};

// The vocabulary of a GGUF file, borrowed for the call.
// Source: GGUF v3 specification, "tokenizer.ggml.*" keys; the kinds of token are llama.cpp's
// (1 normal, 2 unknown, 3 control, 4 user defined, 5 unused, 6 byte).
struct GgufVocab {
  std::vector<std::string_view> tokens;  // tokenizer.ggml.tokens; the index is the id.
  std::vector<std::int32_t> types;       // tokenizer.ggml.token_type; empty: all normal.
  std::vector<std::string_view> merges;  // tokenizer.ggml.merges, "left right", best first.
  std::string pre;                       // tokenizer.ggml.pre, e.g. "smollm", "qwen2"; may be "".
  std::string model;                     // tokenizer.ggml.model: "gpt2" or "llama".
  std::vector<float> scores = {};        // tokenizer.ggml.scores; needed by "llama" only.
  bool add_space_prefix = true;          // tokenizer.ggml.add_space_prefix; "llama" only.
};

// Text to token ids and back, exactly as the model was trained. Adds no begin or end token of its
// own: a chat template writes what the model wants.
//
// Bytes are what tokens stand for; a token may hold a part of a character. Use TokenStream for
// text that is shown while it is generated.
//
// Threading: immutable; one object may be used by many threads at once.
class Tokenizer {
 public:
  // Reads a Hugging Face tokenizer.json. Truncation and padding in it are switched off.
  // Source: the file format of the `tokenizers` library, version 0.23.
  //
  // Errors: kCorrupt      not JSON, or not such a file (with the place).
  //         kUnsupported  a decoder whose tokens do not stand for fixed bytes (word pieces), no
  //                       decoder at all, merging with dropout, or ids above 4194303.
  static Result<Tokenizer> from_json(std::string_view tokenizer_json);

  // Builds the tokenizer that a GGUF file describes. `model` "gpt2" merges bytes; `pre` names how
  // text is cut before that: "default" (also ""), "gpt-2", "smollm", "qwen2", "qwen35",
  // "llama-bpe", and the names that llama.cpp treats like one of these. `model` "llama" merges by
  // scores, with blanks marked and bytes for unknown characters. Text is not normalised, as in
  // llama.cpp.
  // Source: llama.cpp, src/llama-vocab.cpp (its ids are the reference).
  //
  // Errors: kUnsupported  another `model` or `pre`; the message names it.
  //         kCorrupt      empty or doubled tokens, lists of different length, merges that name
  //                       tokens that are not there.
  static Result<Tokenizer> from_gguf_vocab(const GgufVocab& vocab);

  // Reads the vendor's text file (e.g. qwen3_tokenizer.txt): kinds 0 (sentencepiece), 1 (tiktoken)
  // and 3 (Hugging Face BPE). The file does not say everything: a missing or zero number of the
  // pre-tokenizer (older exports) is settled by the vocabulary (Qwen, SmolLM2, Llama 3; else as
  // GPT-2), Qwen's text is composed (NFC) as its own tokenizer does, and of the tokens listed as
  // special those named "<|...|>", the classic ones ("<s>", "</s>", ...) and the stop tokens are;
  // the others ("<think>") are text.
  // Source: github.com/ZHEQIUSHUI/tokenizer, tests/convert_tokenizer.py, commit 0f31721.
  //
  // Errors: kUnsupported  kind 2 (BERT), an unknown kind or pre-tokenizer number.
  //         kCorrupt      not such a file: wrong magic number, line or count (with the line).
  static Result<Tokenizer> from_axera_text(std::string_view text);

  // Reads the two files of CLIP's tokenizer (Stable Diffusion 1.x), vocab.json and merges.txt. Text
  // is composed (NFC), its white space made one blank each, and lower-cased. ClipTokenizer adds
  // what the text encoder wants around it. Source: github.com/openai/CLIP,
  // clip/simple_tokenizer.py.
  //
  // Errors: kCorrupt  not such files, without begin or end token, or not UTF-8 (with the place).
  static Result<Tokenizer> from_clip(std::string_view vocab_json, std::string_view merges_txt);

  Tokenizer(Tokenizer&&) noexcept;
  Tokenizer& operator=(Tokenizer&&) noexcept;
  ~Tokenizer();

  // A tokenizer.json that from_json() reads back to the same tokenizer.
  std::string to_json() const;

  // Token ids of `text` (UTF-8). Bytes for which the vocabulary has no token are dropped.
  //
  // Errors: kInvalidArgument  not UTF-8 (with the byte).
  //         kExhausted        longer than kMaxTextBytes.
  Result<std::vector<std::int32_t>> encode(std::string_view text, SpecialTokens special) const;

  // Text of `ids`; bytes that are not UTF-8 become U+FFFD.
  //
  // Errors: kInvalidArgument  an id outside [0, vocab_size()).
  Result<std::string> decode(std::span<const std::int32_t> ids,
                             SpecialText special = SpecialText::kSkip) const;

  // The highest id plus one. Ids may have holes, and a model's logits may be wider: such entries
  // must not be sampled.
  std::uint32_t vocab_size() const;

  // The id of the token written `name` (as in tokenizer.json, e.g. "<|im_end|>"), if there is one.
  std::optional<std::int32_t> token_id(std::string_view name) const;

  // The bytes that token `id` stands for (a special token: its name). Empty for a hole and for ids
  // outside the vocabulary. Valid while the tokenizer lives.
  std::string_view token_bytes(std::int32_t id) const;

  // Whether `id` is a token that marks structure and is not text.
  bool is_special(std::int32_t id) const;

  // The ends of an answer that the source of the tokenizer names (from_axera_text only; else empty;
  // to_json() does not keep them). Valid while the tokenizer lives.
  std::span<const std::int32_t> stop_ids() const;

  // Whether decoding drops one blank at the very beginning (sentencepiece vocabularies).
  bool strips_first_blank() const;

  // About how much memory the vocabulary takes, in bytes.
  std::size_t memory_bytes() const;

  // Longest text that encode() takes, in bytes. It bounds the memory of a call: about 40 bytes for
  // each byte of text (measured with tokenizers 0.23.2).
  static constexpr std::size_t kMaxTextBytes = std::size_t{8} << 20;

 private:
  struct Impl;
  explicit Tokenizer(std::unique_ptr<Impl> impl);
  template <typename Make>
  static Result<Tokenizer> make(const Make& call);

  std::unique_ptr<Impl> impl_;
};

}  // namespace axle::text
