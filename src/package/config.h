#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "package/sampling_advice.h"

// The JSON files of a package folder, read into plain structs. Not part of the room's interface.
namespace axle::package {

// config.json of the vendor's runtime (ax-llm 2026, docs/configuration.md). File names are relative
// to the folder of the file and stay inside it.
struct VendorConfig {
  std::string model_name;
  std::string tokenizer_type;
  std::string tokenizer_file;
  std::string layer_template;  // With exactly one %d.
  std::size_t layer_count = 0;
  std::string post_file;
  std::string embedding_file;
  std::size_t vocab_size = 0;
  std::size_t hidden = 0;
  std::string system_prompt;
  bool no_weights = false;  // Written for people; the engines themselves say it to programs.
  std::vector<std::string> notes;
};

// Reads `text`, the content of config.json. Nothing when it is a Hugging Face config (none of the
// vendor's required keys).
//
// Errors: kCorrupt      not JSON (line), a required key missing or of a wrong type, a path that
//                       leaves the folder.
//         kUnsupported  a model kind that axle does not run (linear attention, shared K/V, sliding
//                       window, whole-sequence encoders, image generation).
Result<std::optional<VendorConfig>> parse_vendor_config(std::string_view text);

// The file name of layer `index` after VendorConfig::layer_template.
std::string layer_file_name(std::string_view layer_template, std::size_t index);

// What the Hugging Face files beside a tokenizer say.
struct TextConfig {
  std::optional<std::string> chat_template;
  std::string bos_text;
  std::string eos_text;
  std::optional<bool> add_bos;
  std::vector<std::int32_t> end_tokens;
  SamplingAdvice sampling;
};

// Merge the content of one file into `config`; what is set already stays.
// Errors: kCorrupt  not JSON (line), or a key of a wrong type.
Status merge_tokenizer_config(std::string_view text, TextConfig& config);
// Also HF config.json. Advice on sampling that is no number in its range is passed over.
Status merge_generation_config(std::string_view text, TextConfig& config);

// axle.json: where an imported package came from.
struct FileRecord {
  std::string name;
  std::uint64_t size_bytes = 0;
  std::string sha256;
};
struct ImportRecord {
  std::string source_sha256;
  std::uint64_t source_bytes = 0;
  std::string options;  // All that decides the result, as one line of text.
  std::vector<FileRecord> files;
};
std::string to_json(const ImportRecord& record);
// Errors: kCorrupt  not such a file.
Result<ImportRecord> parse_import_record(std::string_view text);

// Writers of the other files of an imported package.
std::string vendor_config_json(const VendorConfig& config);
std::string tokenizer_config_json(const TextConfig& config);
std::string generation_config_json(const TextConfig& config);
// {"messages": [{"role": "user", "content": "Hello"}], "add_generation_prompt": true, ...}: the
// context that a chat template is tried with.
std::string trial_context_json(const TextConfig& config);

}  // namespace axle::package
