#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "base/result.h"
#include "package/config.h"
#include "package/package.h"
#include "text/tokenizer.h"

// Tokenizer and chat template of a package. Not part of the room's interface.
namespace axle::package {

// The kind of a tokenizer file, by its first bytes.
// Errors: kUnsupported  neither (what it begins with).
Result<TokenizerKind> detect_tokenizer(const std::filesystem::path& path);

// Reads the tokenizer file. Errors: those of text::Tokenizer, with the path.
Result<text::Tokenizer> read_tokenizer(const std::filesystem::path& path, TokenizerKind kind);

// What the files beside the tokenizer and in `folder` say: chat_template.jinja,
// tokenizer_config.json, generation_config.json, a Hugging Face config.json.
Result<TextConfig> read_text_config(const std::filesystem::path& folder,
                                    const std::filesystem::path& tokenizer);

// Tokens of `tokenizer` that end a turn by their names ("<|im_end|>", "<|eot_id|>", ...), and the
// one named `eos_text`.
std::vector<std::int32_t> end_tokens_by_name(const text::Tokenizer& tokenizer,
                                             std::string_view eos_text);

// The chat template of a family whose packages carry none; "" where none is known. `type` is the
// vendor's tokenizer_type or the family.
std::string_view known_chat_template(std::string_view type);

// Compiles `source` and renders one user message.
// Errors: kCorrupt.
Status try_chat_template(const std::string& source, const TextConfig& config);

}  // namespace axle::package
