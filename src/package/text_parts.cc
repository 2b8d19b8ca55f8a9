#include "package/text_parts.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <chrono>

#include "base/file.h"
#include "package/tokenizer.h"
#include "text/chat_template.h"

namespace axle::package {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kMaxTokenizerBytes = std::size_t{128} << 20;
constexpr std::size_t kMaxConfigBytes = std::size_t{16} << 20;

// Names of tokens that end a turn or a text. Source: the model cards of the families; llama.cpp,
// src/llama-vocab.cpp, its list of end-of-generation tokens.
constexpr std::array<std::string_view, 11> kEndNames = {
    "<|im_end|>",         "<|endoftext|>", "<|eot_id|>",         "<|eom_id|>", "<|end_of_text|>",
    "<end_of_turn>",      "<|end|>",       "<end_of_utterance>", "</s>",       "<|endofresponse|>",
    "<|end_of_sentence|>"};

// ChatML, the format of Qwen and SmolLM2.
constexpr std::string_view kChatMl =
    "{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\\n' + "
    "message['content'] + '<|im_end|>\\n' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}";

// ChatML with Qwen3's switch: thinking is skipped by an empty thought.
constexpr std::string_view kQwen3 =
    "{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\\n' + "
    "message['content'] + '<|im_end|>\\n' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}"
    "{% if enable_thinking is defined and enable_thinking is false %}"
    "{{ '<think>\\n\\n</think>\\n\\n' }}{% endif %}{% endif %}";

// Reads `path` and merges it with `merge`; a file that is not there changes nothing.
Status merge_file(const fs::path& path, Status (*merge)(std::string_view, TextConfig&),
                  TextConfig& config) {
  std::error_code error;
  if (!fs::is_regular_file(path, error)) return {};
  AXLE_TRY_ASSIGN(const std::string text, read_file(path, kMaxConfigBytes));
  return merge(text, config).with_context(path.string());
}

Status take_template(std::string_view text, TextConfig& config) {
  if (!config.chat_template) config.chat_template = std::string(text);
  return {};
}

std::string lower(std::string_view text) {
  std::string result(text);
  std::transform(result.begin(), result.end(), result.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return result;
}

}  // namespace

Result<TokenizerKind> detect_tokenizer(const fs::path& path) {
  AXLE_TRY_ASSIGN(const MappedFile file, MappedFile::open(path));
  const std::string_view text(reinterpret_cast<const char*>(file.bytes().data()),
                              std::min<std::size_t>(file.bytes().size(), 64));
  const std::size_t first = text.find_first_not_of(" \t\r\n");
  if (first != std::string_view::npos) {
    if (text[first] == '{') return TokenizerKind::kHuggingFace;
    const std::string_view line = text.substr(first, text.find('\n', first) - first);
    const bool numbers = std::all_of(line.begin(), line.end(), [](char c) {
      return (c >= '0' && c <= '9') || c == ' ' || c == '\r';
    });
    if (numbers && line.size() < text.size()) return TokenizerKind::kVendorText;
  }
  return unsupported(fmt::format(
      "unknown tokenizer {} ({} bytes): it is neither a tokenizer.json nor the vendor's text file",
      path.string(), file.bytes().size()));
}

Result<text::Tokenizer> read_tokenizer(const fs::path& path, TokenizerKind kind) {
  AXLE_TRY_ASSIGN(const std::string text, read_file(path, kMaxTokenizerBytes));
  Result<text::Tokenizer> tokenizer = kind == TokenizerKind::kHuggingFace
                                          ? text::Tokenizer::from_json(text)
                                          : text::Tokenizer::from_axera_text(text);
  if (!tokenizer.ok()) return tokenizer.status().with_context(path.string());
  return tokenizer;
}

Result<TextConfig> read_text_config(const fs::path& folder, const fs::path& tokenizer) {
  TextConfig config;
  std::vector<fs::path> folders = {tokenizer.parent_path()};
  if (folders[0] != folder) folders.push_back(folder);
  for (const fs::path& each : folders) {
    AXLE_TRY(merge_file(each / "chat_template.jinja", take_template, config));
    AXLE_TRY(merge_file(each / "tokenizer_config.json", merge_tokenizer_config, config));
    AXLE_TRY(merge_file(each / "generation_config.json", merge_generation_config, config));
    AXLE_TRY(merge_file(each / "config.json", merge_generation_config, config));
  }
  return config;
}

std::vector<std::int32_t> end_tokens_by_name(const text::Tokenizer& tokenizer,
                                             std::string_view eos_text) {
  std::vector<std::int32_t> ids;
  if (!eos_text.empty()) {
    if (const auto id = tokenizer.token_id(eos_text)) ids.push_back(*id);
  }
  for (const std::string_view name : kEndNames) {
    const std::optional<std::int32_t> id = tokenizer.token_id(name);
    if (id && tokenizer.is_special(*id) && std::find(ids.begin(), ids.end(), *id) == ids.end()) {
      ids.push_back(*id);
    }
  }
  return ids;
}

std::string_view known_chat_template(std::string_view type) {
  const std::string name = lower(type);
  if (name.starts_with("qwen3")) return kQwen3;
  if (name.starts_with("qwen") || name.starts_with("smollm2")) return kChatMl;
  return "";
}

Status try_chat_template(const std::string& source, const TextConfig& config) {
  Result<text::ChatTemplate> compiled = text::ChatTemplate::compile(source);
  if (!compiled.ok()) return corrupt("the chat template: " + compiled.status().message());
  const Result<std::string> text =
      compiled->render(trial_context_json(config), std::chrono::system_clock::time_point());
  if (!text.ok()) return corrupt("the chat template: " + text.status().message());
  return {};
}

Result<text::Tokenizer> load_tokenizer(const Package& package) {
  const PackageInfo& info = package.info();
  AXLE_TRY_ASSIGN(text::Tokenizer tokenizer, read_tokenizer(info.tokenizer, info.tokenizer_kind));
  if (tokenizer.vocab_size() > info.vocab_size) {
    return corrupt(fmt::format("{} has token ids up to {}, but the model has {} logits",
                               info.tokenizer.string(), tokenizer.vocab_size() - 1,
                               info.vocab_size));
  }
  return tokenizer;
}

}  // namespace axle::package
