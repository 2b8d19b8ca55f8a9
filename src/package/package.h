#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "package/sampling_advice.h"
#include "package/shape.h"

namespace axle::package {

// How the folder keeps its tokenizer.
enum class TokenizerKind : std::uint8_t {
  kHuggingFace,  // tokenizer.json
  kVendorText,   // the vendor's exported text file
};

// Who built the engines.
enum class Producer : std::uint8_t {
  kAxle,    // "axle": runs on the software card.
  kVendor,  // "Pulsar2": runs on the card.
};

// A note of packages that import_shape() made.
inline constexpr std::string_view kNoWeightsNote =
    "it has no weights, only the sizes of a model, for benchmarks: it runs on the software card "
    "with "
    "skip_arithmetic = true";

// What one token step of the model needs on a card, in bytes; an estimate from the files alone.
struct MemoryNeed {
  std::uint64_t engines = 0;  // All engine files.
  std::uint64_t cache = 0;    // K/V memory of all layers, once.
  std::uint64_t buffers = 0;  // Inputs and outputs of the widest groups.
  std::uint64_t total() const { return engines + cache + buffers; }
};

// Everything known about a package. Plain data; paths are absolute.
struct PackageInfo {
  std::string name;        // Name of the folder.
  std::string model_name;  // config.json "model_name", else the name of the folder.
  std::string family;      // "llama", "qwen2", "qwen3", ... as the file prefix or config says.
  std::filesystem::path folder;
  std::vector<std::filesystem::path> layers;  // In order.
  std::filesystem::path post;
  std::filesystem::path embedding;  // bf16 [V][H], row-major, no header.
  std::filesystem::path tokenizer;
  TokenizerKind tokenizer_kind = TokenizerKind::kHuggingFace;
  Producer producer = Producer::kAxle;
  bool has_weights = true;  // False: the shape of a model, see import_shape().
  std::string toolchain;    // Producer and its version, e.g. "Pulsar2 5.2", for logs.

  std::size_t head_rows = 1;           // Rows of the head's widest group.
  std::size_t vocab_size = 0;          // V: columns of the head's logits, rows of the embedding.
  LayerShape shape;                    // Of layer 0; every layer has the same but for kv_width.
  std::vector<std::size_t> kv_widths;  // Per layer.
  std::size_t max_position = 0;        // Positions must be lower; from the engines, else T + n.

  std::vector<std::int32_t> end_tokens;  // Each ends a text. Never empty.
  bool add_bos = false;                  // Put the begin token before a prompt without template.
  std::string bos_text;                  // "" where there is none.
  std::string eos_text;
  std::string chat_template;  // Jinja; "" where the package has none.
  SamplingAdvice sampling;
  std::string system_prompt;  // config.json "system_prompt"; for terminals, never added by itself.
  MemoryNeed memory;
  std::vector<std::string> notes;  // What is odd but does not stop it from working.
};

// A model folder as the vendor publishes it (and as import_gguf() writes it): one engine per
// transformer layer, a head, the embedding table, a tokenizer. Both the layout with a config.json
// (2026) and the older ones are read, in which the files are found by their names. open() reads
// only what describes the model, checks that all parts fit together and says precisely what does
// not; nothing is loaded to a card.
//
// Threading: immutable; share freely.
class Package {
 public:
  // Errors: kNotFound         the folder or a file of it is missing (which, and where it was
  //                           looked for).
  //         kInvalidArgument  `folder` is a file.
  //         kCorrupt          a part is damaged or contradicts another: file, tensor or key, wanted
  //                           and found.
  //         kUnsupported      a kind of model that this build cannot run, e.g. one with linear
  //                           attention.
  static Result<Package> open(const std::filesystem::path& folder);

  const PackageInfo& info() const { return *info_; }

  const std::string& name() const { return info_->name; }
  const std::filesystem::path& layer_path(std::size_t layer) const { return info_->layers[layer]; }
  const std::filesystem::path& post_path() const { return info_->post; }
  const std::filesystem::path& embedding_path() const { return info_->embedding; }
  std::size_t layer_count() const { return info_->layers.size(); }
  std::size_t vocab_size() const { return info_->vocab_size; }
  std::size_t hidden() const { return info_->shape.hidden; }
  std::size_t kv_width(std::size_t layer) const { return info_->kv_widths[layer]; }
  // T: cells that the widest decode group sees.
  std::size_t cells() const { return info_->shape.cells(); }
  // Groups of every layer engine, decode groups too, in the order of the file.
  const std::vector<Group>& groups() const { return info_->shape.groups; }
  std::size_t max_position() const { return info_->max_position; }
  const std::string& chat_template() const { return info_->chat_template; }
  const std::vector<std::int32_t>& end_tokens() const { return info_->end_tokens; }
  const SamplingAdvice& sampling() const { return info_->sampling; }

  // The long check: opens the tokenizer and compiles the chat template, reads the whole embedding
  // table (every number finite) and every weight of our own engines (size as its shape says).
  //
  // Errors: as open(), and what load_tokenizer() and check_chat_template() report.
  Status verify() const;

 private:
  explicit Package(PackageInfo info);
  std::shared_ptr<const PackageInfo> info_;  // Shared: packages are copied into jobs and threads.
};

// Reads and checks the chat template alone: it compiles and renders one short conversation.
// A package without a template passes.
//
// Errors: kCorrupt  the template does not compile, or fails on one user message (its message).
Status check_chat_template(const Package& package);

}  // namespace axle::package
