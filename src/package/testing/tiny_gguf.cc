#include "package/testing/tiny_gguf.h"

#include <fmt/format.h>
#include <stdlib.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <fstream>
#include <span>
#include <string_view>
#include <utility>

#include "base/check.h"
#include "package/gguf.h"
#include "package/import.h"
#include "package/transcode.h"

namespace axle::package::testing {
namespace {

constexpr std::size_t kAlignment = 32;

template <typename T>
void put(std::string& out, T value) {
  std::array<char, sizeof(T)> bytes{};
  std::memcpy(bytes.data(), &value, sizeof value);
  out.append(bytes.data(), bytes.size());
}

void put_string(std::string& out, std::string_view text) {
  put(out, std::uint64_t{text.size()});
  out.append(text);
}

void pad(std::string& out) { out.resize((out.size() + kAlignment - 1) / kAlignment * kAlignment); }

// SplitMix64: the same numbers with every standard library.
class Random {
 public:
  explicit Random(std::uint64_t seed) : state_(seed * 0x9e3779b97f4a7c15u + 1) {}
  // Evenly in [-1, 1).
  float next() {
    state_ += 0x9e3779b97f4a7c15u;
    std::uint64_t z = state_;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    z ^= z >> 31;
    return static_cast<float>(z >> 40) / static_cast<float>(1 << 23) - 1.0f;
  }

 private:
  std::uint64_t state_;
};

const GgmlFormat& format_named(std::string_view name) {
  for (std::uint32_t id = 0; id < 64; ++id) {
    const GgmlFormat* format = find_ggml_format(id);
    if (format != nullptr && format->name == name) return *format;
  }
  AXLE_CHECK(false);
}

std::string encode_numbers(const std::vector<float>& numbers, const GgmlFormat& format,
                           std::size_t row) {
  std::string data(numbers.size() / format.block_elements * format.block_bytes, '\0');
  TranscodeError error;
  const Status status = transcode({find_ggml_format(0), std::as_bytes(std::span(numbers))}, row,
                                  format, std::as_writable_bytes(std::span(data)), error);
  AXLE_CHECK(status.ok());
  return data;
}

// The character that stands for a byte in byte-level vocabularies. Source: GPT-2, encoder.py.
std::string byte_character(int byte) {
  int code = byte;
  const auto printable = [](int b) {
    return (b >= 33 && b <= 126) || (b >= 161 && b <= 172) || (b >= 174 && b <= 255);
  };
  if (!printable(byte)) {
    code = 256;
    for (int b = 0; b < byte; ++b) code += printable(b) ? 0 : 1;
  }
  if (code < 128) return std::string(1, static_cast<char>(code));
  return {static_cast<char>(0xc0 | (code >> 6)), static_cast<char>(0x80 | (code & 0x3f))};
}

struct Vocabulary {
  std::vector<std::string> tokens;
  std::vector<std::int32_t> types;
  std::vector<std::string> merges;
};

Vocabulary make_vocabulary() {
  Vocabulary vocabulary;
  for (int byte = 0; byte < 256; ++byte) vocabulary.tokens.push_back(byte_character(byte));
  const std::string blank = byte_character(' ');
  const std::vector<std::pair<std::string, std::string>> merges = {
      {"h", "e"}, {"t", "he"},         {blank, "the"}, {"i", "n"},
      {"e", "r"}, {"o", "n"},          {blank, "a"},   {"e", "n"},
      {"l", "l"}, {"ll", "o"},         {"he", "llo"},  {blank, "w"},
      {"o", "r"}, {blank + "w", "or"}, {"l", "d"},     {blank + "wor", "ld"},
      {"i", "s"}, {blank, "is"},       {"a", "t"},     {blank, "in"}};
  for (const auto& [left, right] : merges) {
    vocabulary.merges.push_back(left + " " + right);
    vocabulary.tokens.push_back(left + right);
  }
  vocabulary.types.assign(vocabulary.tokens.size(), 1);
  for (const char* name : {"<|endoftext|>", "<|im_start|>", "<|im_end|>"}) {
    vocabulary.tokens.emplace_back(name);
    vocabulary.types.push_back(3);
  }
  return vocabulary;
}

void set_vocabulary(GgufWriter& writer, const Vocabulary& vocabulary, bool qwen) {
  const auto last = static_cast<std::uint32_t>(vocabulary.tokens.size() - 1);
  writer.set_string("tokenizer.ggml.model", "gpt2");
  writer.set_string("tokenizer.ggml.pre", qwen ? "qwen2" : "smollm");
  writer.set_strings("tokenizer.ggml.tokens", vocabulary.tokens);
  writer.set_i32s("tokenizer.ggml.token_type", vocabulary.types);
  writer.set_strings("tokenizer.ggml.merges", vocabulary.merges);
  writer.set_u32("tokenizer.ggml.bos_token_id", last - 1);
  writer.set_u32("tokenizer.ggml.eos_token_id", last);
  writer.set_bool("tokenizer.ggml.add_bos_token", false);
  writer.set_string("tokenizer.chat_template",
                    "{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\n' + "
                    "message['content'] + '<|im_end|>\n' }}{% endfor %}"
                    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}");
}

void set_sizes(GgufWriter& writer, const TinyGgufOptions& options) {
  const std::string prefix = options.architecture + ".";
  const auto set = [&](const char* key, std::size_t value) {
    writer.set_u32(prefix + key, static_cast<std::uint32_t>(value));
  };
  writer.set_string("general.architecture", options.architecture);
  writer.set_string("general.name", "tiny " + options.architecture);
  set("block_count", options.layers);
  set("context_length", options.context);
  set("embedding_length", options.hidden);
  set("feed_forward_length", options.ffn);
  set("attention.head_count", options.heads);
  set("attention.head_count_kv", options.kv_heads);
  set("attention.key_length", options.head_size);
  set("attention.value_length", options.head_size);
  writer.set_f32(prefix + "rope.freq_base", 10000.0f);
  writer.set_f32(prefix + "attention.layer_norm_rms_epsilon", 1e-5f);
}

// Adds the tensors of layer `index`; `seed` counts up so that no two are alike.
void add_layer(GgufWriter& writer, const TinyGgufOptions& options, std::size_t index,
               std::uint32_t& seed) {
  const std::uint64_t hidden = options.hidden;
  const std::uint64_t q = options.heads * options.head_size;
  const std::uint64_t kv = options.kv_heads * options.head_size;
  const auto add = [&](const char* name, const std::string& format,
                       std::vector<std::uint64_t> dims) {
    writer.add_random(fmt::format("blk.{}.{}", index, name), format, std::move(dims), ++seed);
  };
  add("attn_norm.weight", "f32", {hidden});
  add("attn_q.weight", options.weights, {hidden, q});
  add("attn_k.weight", options.weights, {hidden, kv});
  add("attn_v.weight", options.weights, {hidden, kv});
  if (options.architecture == "qwen2") {
    add("attn_q.bias", "f32", {q});
    add("attn_k.bias", "f32", {kv});
    add("attn_v.bias", "f32", {kv});
  }
  if (options.architecture == "qwen3") {
    add("attn_q_norm.weight", "f32", {options.head_size});
    add("attn_k_norm.weight", "f32", {options.head_size});
  }
  add("attn_output.weight", options.weights, {q, hidden});
  add("ffn_norm.weight", "f32", {hidden});
  add("ffn_gate.weight", options.weights, {hidden, options.ffn});
  add("ffn_up.weight", options.weights, {hidden, options.ffn});
  add("ffn_down.weight", options.weights, {options.ffn, hidden});
}

}  // namespace

struct GgufWriter::Parts {
  struct Tensor {
    std::string name;
    std::uint32_t type = 0;
    std::vector<std::uint64_t> dims;
    std::string data;
  };
  std::vector<std::pair<std::string, std::string>> entries;  // Key; type and value as in the file.
  std::vector<Tensor> tensors;

  void set(const std::string& key, GgufType type, std::string value) {
    std::string bytes;
    put(bytes, static_cast<std::uint32_t>(type));
    bytes += value;
    for (auto& [name, old] : entries) {
      if (name == key) {
        old = std::move(bytes);
        return;
      }
    }
    entries.emplace_back(key, std::move(bytes));
  }
};

GgufWriter::GgufWriter() : parts_(std::make_unique<Parts>()) {}
GgufWriter::~GgufWriter() = default;

void GgufWriter::set_u32(const std::string& key, std::uint32_t value) {
  std::string bytes;
  put(bytes, value);
  parts_->set(key, GgufType::kUint32, bytes);
}

void GgufWriter::set_f32(const std::string& key, float value) {
  std::string bytes;
  put(bytes, value);
  parts_->set(key, GgufType::kFloat32, bytes);
}

void GgufWriter::set_bool(const std::string& key, bool value) {
  parts_->set(key, GgufType::kBool, std::string(1, value ? '\1' : '\0'));
}

void GgufWriter::set_string(const std::string& key, const std::string& value) {
  std::string bytes;
  put_string(bytes, value);
  parts_->set(key, GgufType::kString, bytes);
}

void GgufWriter::set_strings(const std::string& key, const std::vector<std::string>& values) {
  std::string bytes;
  put(bytes, static_cast<std::uint32_t>(GgufType::kString));
  put(bytes, std::uint64_t{values.size()});
  for (const std::string& value : values) put_string(bytes, value);
  parts_->set(key, GgufType::kArray, bytes);
}

void GgufWriter::set_i32s(const std::string& key, const std::vector<std::int32_t>& values) {
  std::string bytes;
  put(bytes, static_cast<std::uint32_t>(GgufType::kInt32));
  put(bytes, std::uint64_t{values.size()});
  for (const std::int32_t value : values) put(bytes, value);
  parts_->set(key, GgufType::kArray, bytes);
}

void GgufWriter::remove(const std::string& key) {
  std::erase_if(parts_->entries, [&key](const auto& entry) { return entry.first == key; });
}

void GgufWriter::add_tensor(const std::string& name, std::uint32_t type,
                            std::vector<std::uint64_t> dims, std::string data) {
  parts_->tensors.push_back({name, type, std::move(dims), std::move(data)});
}

void GgufWriter::add_random(const std::string& name, const std::string& format,
                            std::vector<std::uint64_t> dims, std::uint32_t seed) {
  const bool matrix = dims.size() > 1;
  std::uint64_t count = 1;
  for (const std::uint64_t dim : dims) count *= dim;
  // Matrices keep the size of what they multiply; norms are near 1, biases small.
  const bool norm = name.find("norm") != std::string::npos;
  const bool table = name.find("token_embd") != std::string::npos;
  const float spread = table ? 1.0f : matrix ? std::sqrt(3.0f / static_cast<float>(dims[0])) : 0.1f;
  Random random(seed);
  std::vector<float> numbers(static_cast<std::size_t>(count));
  for (float& number : numbers) number = (norm ? 1.0f : 0.0f) + spread * random.next();
  const GgmlFormat& stored = format_named(format);
  const auto row = static_cast<std::size_t>(dims[0]);
  add_tensor(name, stored.id, std::move(dims), encode_numbers(numbers, stored, row));
}

void GgufWriter::remove_tensor(const std::string& name) {
  std::erase_if(parts_->tensors,
                [&name](const Parts::Tensor& tensor) { return tensor.name == name; });
}

void GgufWriter::rename_tensor(const std::string& from, const std::string& to) {
  for (Parts::Tensor& tensor : parts_->tensors) {
    if (tensor.name == from) tensor.name = to;
  }
}

std::string GgufWriter::bytes() const {
  std::string out = "GGUF";
  put(out, std::uint32_t{3});
  put(out, std::uint64_t{parts_->tensors.size()});
  put(out, std::uint64_t{parts_->entries.size()});
  for (const auto& [key, value] : parts_->entries) {
    put_string(out, key);
    out += value;
  }
  std::uint64_t offset = 0;
  for (const Parts::Tensor& tensor : parts_->tensors) {
    put_string(out, tensor.name);
    put(out, static_cast<std::uint32_t>(tensor.dims.size()));
    for (const std::uint64_t dim : tensor.dims) put(out, dim);
    put(out, tensor.type);
    put(out, offset);
    offset += (tensor.data.size() + kAlignment - 1) / kAlignment * kAlignment;
  }
  for (const Parts::Tensor& tensor : parts_->tensors) {
    pad(out);
    out += tensor.data;
  }
  pad(out);
  return out;
}

std::string make_tiny_gguf(const TinyGgufOptions& options) {
  GgufWriter writer;
  set_sizes(writer, options);
  const Vocabulary vocabulary = make_vocabulary();
  set_vocabulary(writer, vocabulary, options.architecture != "llama");
  std::uint32_t seed = options.seed * 1000;
  const std::vector<std::uint64_t> table = {options.hidden, vocabulary.tokens.size()};
  writer.add_random("token_embd.weight", options.weights, table, ++seed);
  for (std::size_t i = 0; i < options.layers; ++i) add_layer(writer, options, i, seed);
  writer.add_random("output_norm.weight", "f32", {options.hidden}, ++seed);
  if (!options.tied) writer.add_random("output.weight", options.weights, table, ++seed);
  if (options.edit) options.edit(writer);
  return writer.bytes();
}

Result<std::filesystem::path> make_tiny_package(const std::filesystem::path& parent,
                                                const std::string& name,
                                                const TinyPackageOptions& options) {
  const std::filesystem::path gguf = parent / (name + ".gguf");
  std::ofstream(gguf, std::ios::binary) << make_tiny_gguf(options.gguf);
  ImportOptions import;
  import.gguf = gguf;
  import.output = parent / name;
  import.cells = options.cells;
  import.chunk = options.chunk;
  import.small_chunks = options.small_chunks;
  import.ladder = options.ladder;
  import.threads = 1;
  AXLE_TRY_ASSIGN(const ImportReport report, import_gguf(import));
  std::error_code error;
  std::filesystem::remove(gguf, error);
  return report.folder;
}

TemporaryFolder::TemporaryFolder() {
  // In memory where possible: imports sync their files, which a busy disk makes slow.
  const bool memory = ::access("/dev/shm", W_OK | X_OK) == 0;
  std::error_code error;
  const std::filesystem::path parent =
      memory ? std::filesystem::path("/dev/shm") : std::filesystem::temp_directory_path(error);
  std::string name = (parent / "axle-test-XXXXXX").string();
  AXLE_CHECK(::mkdtemp(name.data()) != nullptr);
  path_ = name;
}

TemporaryFolder::~TemporaryFolder() {
  std::error_code error;
  std::filesystem::remove_all(path_, error);
}

}  // namespace axle::package::testing
