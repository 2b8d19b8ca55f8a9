#include "package/package.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <utility>

#include "axmodel/layer.h"
#include "axmodel/model.h"
#include "base/bf16.h"
#include "base/file.h"
#include "package/config.h"
#include "package/locate.h"
#include "package/package_record.h"
#include "package/text_parts.h"
#include "package/tokenizer.h"

namespace axle::package {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kBf16Bytes = sizeof(Bf16);

// A mapped engine file and what it says.
struct EngineFile {
  MappedFile file;
  axmodel::Model model;
};

Result<EngineFile> open_engine(const fs::path& path) {
  AXLE_TRY_ASSIGN(MappedFile file, MappedFile::open(path));
  Result<axmodel::Model> model = axmodel::parse(file.bytes());
  if (!model.ok()) {
    return model.status().with_context(
        fmt::format("{} ({} bytes)", path.string(), file.bytes().size()));
  }
  return EngineFile{std::move(file), *std::move(model)};
}

std::uint64_t group_bytes(const Group& group, const LayerShape& shape) {
  const std::uint64_t row = 2 * shape.hidden + 2 * shape.kv_width + group.history + group.rows;
  return std::uint64_t{group.rows} * (row * kBf16Bytes + shape.position_rows * 4);
}

std::string group_text(const Group& group) {
  return fmt::format("{} rows, history {}, {} cache rows", group.rows, group.history,
                     group.cache_rows);
}

// Errors: kCorrupt unless layer `path` has the groups and the width of the first.
Status check_same(const LayerShape& first, const LayerShape& shape, const fs::path& path) {
  if (shape.hidden != first.hidden) {
    return corrupt(fmt::format("{}: its rows have {} numbers, wanted {} as in the first layer",
                               path.string(), shape.hidden, first.hidden));
  }
  if (shape.groups.size() != first.groups.size()) {
    return corrupt(fmt::format("{}: it has {} shape groups, wanted {} as in the first layer",
                               path.string(), shape.groups.size(), first.groups.size()));
  }
  for (std::size_t i = 0; i < shape.groups.size(); ++i) {
    if (shape.groups[i] != first.groups[i]) {
      return corrupt(fmt::format("{}: group {} is ({}), wanted ({}) as in the first layer",
                                 path.string(), i, group_text(shape.groups[i]),
                                 group_text(first.groups[i])));
    }
  }
  return {};
}

// Builds a PackageInfo step by step; every step checks what it reads.
class Reader {
 public:
  explicit Reader(PackageFiles files) : files_(std::move(files)) {}

  Result<PackageInfo> read() {
    take_names();
    AXLE_TRY(check_recorded_sizes(info_.folder));
    AXLE_TRY(read_layers());
    AXLE_TRY(read_head());
    AXLE_TRY(check_embedding());
    AXLE_TRY(check_config());
    AXLE_TRY(read_text());
    measure_memory();
    return std::move(info_);
  }

 private:
  void take_names() {
    info_.folder = files_.folder;
    info_.name = files_.folder.filename().string();
    info_.model_name = info_.name;
    info_.family = files_.family;
    info_.layers = files_.layers;
    info_.post = files_.post;
    info_.embedding = files_.embedding;
    info_.tokenizer = files_.tokenizer;
    if (!files_.config) return;
    if (!files_.config->model_name.empty()) info_.model_name = files_.config->model_name;
    info_.system_prompt = files_.config->system_prompt;
    info_.notes = files_.config->notes;
  }

  Status read_layers() {
    for (std::size_t i = 0; i < info_.layers.size(); ++i) {
      AXLE_TRY_ASSIGN(const LayerShape shape, read_layer(i));
      if (i == 0) info_.shape = shape;
      AXLE_TRY(check_same(info_.shape, shape, info_.layers[i]));
      info_.kv_widths.push_back(shape.kv_width);
    }
    if (info_.producer == Producer::kVendor && info_.shape.groups.size() == 1) {
      info_.notes.emplace_back("the prefill groups of its engines are known to the card only");
    }
    if (info_.shape.max_prefill_end() == 0 && info_.producer == Producer::kAxle) {
      info_.notes.emplace_back("it has no prefill group: prompts run one token at a time");
    }
    return {};
  }

  Result<LayerShape> read_layer(std::size_t index) {
    const fs::path& path = info_.layers[index];
    AXLE_TRY_ASSIGN(const EngineFile engine, open_engine(path));
    const Producer producer = engine.model.is_vendor() ? Producer::kVendor : Producer::kAxle;
    if (index == 0) {
      info_.producer = producer;
      info_.toolchain = axmodel::compiler_version(engine.model);
    } else if (producer != info_.producer) {
      return corrupt(fmt::format("{}: built by {}, but the first layer was built by {}",
                                 path.string(), engine.model.producer, info_.toolchain));
    }
    note_weights(engine.model);
    if (producer == Producer::kAxle) AXLE_TRY(read_spec(engine.model, index));
    return derive_layer_shape(engine.model.groups, path.string());
  }

  void note_weights(const axmodel::Model& model) {
    if (model.has_weights() || !info_.has_weights) return;
    info_.has_weights = false;
    info_.notes.emplace_back(kNoWeightsNote);
  }

  // Our own engines say more than their tensors do.
  Status read_spec(const axmodel::Model& model, std::size_t index) {
    const Result<axmodel::LayerSpec> spec = axmodel::layer_spec(model);
    if (!spec.ok()) return spec.status().with_context(info_.layers[index].string());
    if (index == 0) {
      info_.family = spec->architecture;
      info_.max_position = static_cast<std::size_t>(std::max<std::int64_t>(spec->max_position, 0));
    }
    return {};
  }

  Status read_head() {
    AXLE_TRY_ASSIGN(const EngineFile engine, open_engine(info_.post));
    note_weights(engine.model);
    if (!engine.model.is_vendor()) {
      const Result<axmodel::HeadSpec> spec = axmodel::head_spec(engine.model);
      if (!spec.ok()) return spec.status().with_context(info_.post.string());
    }
    AXLE_TRY_ASSIGN(const HeadShape head,
                    derive_head_shape(engine.model.groups, info_.post.string()));
    if (head.hidden != info_.shape.hidden) {
      return corrupt(fmt::format("{}: 'input' has {} numbers a row, wanted {} as in the layers",
                                 info_.post.string(), head.hidden, info_.shape.hidden));
    }
    info_.vocab_size = head.vocab_size;
    info_.head_rows = head.rows;
    if (info_.max_position == 0) info_.max_position = info_.shape.cells();
    return {};
  }

  Status check_embedding() {
    const std::uint64_t found = size_of(info_.embedding);
    const std::uint64_t wanted = std::uint64_t{info_.vocab_size} * info_.shape.hidden * kBf16Bytes;
    if (found == wanted) return {};
    return corrupt(fmt::format("{}: it has {} bytes, wanted {} ({} tokens of {} bf16 numbers)",
                               info_.embedding.string(), found, wanted, info_.vocab_size,
                               info_.shape.hidden));
  }

  Status check_config() {
    if (!files_.config) return {};
    const auto check = [this](std::string_view key, std::size_t found, std::size_t wanted) {
      if (found == wanted) return Status();
      return corrupt(fmt::format("{}: \"{}\" is {}, but the engines have {}",
                                 (files_.folder / "config.json").string(), key, found, wanted));
    };
    AXLE_TRY(check("tokens_embed_num", files_.config->vocab_size, info_.vocab_size));
    return check("tokens_embed_size", files_.config->hidden, info_.shape.hidden);
  }

  Status read_text() {
    AXLE_TRY_ASSIGN(info_.tokenizer_kind, detect_tokenizer(info_.tokenizer));
    AXLE_TRY_ASSIGN(TextConfig config, read_text_config(info_.folder, info_.tokenizer));
    info_.bos_text = config.bos_text;
    info_.eos_text = config.eos_text;
    info_.sampling = config.sampling;
    info_.add_bos = config.add_bos.value_or(false);
    const std::string type = files_.config && !files_.config->tokenizer_type.empty()
                                 ? files_.config->tokenizer_type
                                 : info_.family;
    if (!config.chat_template && info_.producer == Producer::kVendor) {
      config.chat_template = known_chat_template(type);
    }
    info_.chat_template = config.chat_template.value_or("");
    if (info_.chat_template.empty()) {
      info_.notes.emplace_back("it has no chat template: it completes text but cannot chat");
    } else {
      AXLE_TRY(try_chat_template(info_.chat_template, config).with_context(info_.folder.string()));
    }
    return take_end_tokens(config);
  }

  Status take_end_tokens(const TextConfig& config) {
    info_.end_tokens = config.end_tokens;
    if (info_.end_tokens.empty()) {
      AXLE_TRY_ASSIGN(const text::Tokenizer tokenizer,
                      read_tokenizer(info_.tokenizer, info_.tokenizer_kind));
      info_.end_tokens = end_tokens_by_name(tokenizer, config.eos_text);
    }
    if (info_.end_tokens.empty()) {
      return corrupt(
          fmt::format("{}: no end token is known: neither generation_config.json nor the "
                      "tokenizer names one",
                      info_.folder.string()));
    }
    for (const std::int32_t id : info_.end_tokens) {
      if (static_cast<std::size_t>(id) >= info_.vocab_size) {
        return corrupt(fmt::format("{}: end token {} is not below the {} tokens of the model",
                                   info_.folder.string(), id, info_.vocab_size));
      }
    }
    return {};
  }

  void measure_memory() {
    for (const fs::path& path : info_.layers) info_.memory.engines += size_of(path);
    info_.memory.engines += size_of(info_.post);
    for (const std::size_t width : info_.kv_widths) {
      info_.memory.cache += std::uint64_t{2} * info_.shape.cache_rows() * width * kBf16Bytes;
    }
    std::uint64_t widest = 0;
    for (const Group& group : info_.shape.groups) {
      widest = std::max(widest, group_bytes(group, info_.shape));
    }
    info_.memory.buffers =
        widest + std::uint64_t{info_.vocab_size + info_.shape.hidden} * kBf16Bytes;
  }

  PackageFiles files_;
  PackageInfo info_;
};

// Errors: kCorrupt  a number that is infinite or not a number (which token).
Status check_embedding_numbers(const PackageInfo& info) {
  AXLE_TRY_ASSIGN(const MappedFile file, MappedFile::open(info.embedding));
  const std::span<const std::byte> bytes = file.bytes();
  for (std::size_t at = 0; at + kBf16Bytes <= bytes.size(); at += kBf16Bytes) {
    Bf16 number;
    std::memcpy(&number.bits, bytes.data() + at, kBf16Bytes);
    if ((number.bits & 0x7f80u) == 0x7f80u) {
      return corrupt(fmt::format("{}: the row of token {} holds a number that is not finite",
                                 info.embedding.string(), at / kBf16Bytes / info.shape.hidden));
    }
  }
  return {};
}

}  // namespace

Package::Package(PackageInfo info) : info_(std::make_shared<const PackageInfo>(std::move(info))) {}

Result<Package> Package::open(const fs::path& folder) {
  AXLE_TRY_ASSIGN(PackageFiles files, locate_package(folder));
  AXLE_TRY_ASSIGN(PackageInfo info, Reader(std::move(files)).read());
  return Package(std::move(info));
}

Status Package::verify() const {
  AXLE_TRY(check_recorded_hashes(info_->folder));
  AXLE_TRY(check_embedding_numbers(*info_));
  AXLE_TRY(check_chat_template(*this));
  return load_tokenizer(*this).status();
}

Status check_chat_template(const Package& package) {
  const PackageInfo& info = package.info();
  if (info.chat_template.empty()) return {};
  TextConfig config;
  config.bos_text = info.bos_text;
  config.eos_text = info.eos_text;
  return try_chat_template(info.chat_template, config).with_context(info.folder.string());
}

}  // namespace axle::package
