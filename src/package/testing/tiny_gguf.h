#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"

// Tiny random models for tests of every room: real GGUF files of a few hundred kilobytes, and the
// packages made of them. The same options always give the same bytes.
namespace axle::package::testing {

// A small GGUF writer: metadata and tensors in the order of the calls.
class GgufWriter {
 public:
  GgufWriter();
  ~GgufWriter();
  GgufWriter(const GgufWriter&) = delete;
  GgufWriter& operator=(const GgufWriter&) = delete;

  // Each replaces an entry of the same key.
  void set_u32(const std::string& key, std::uint32_t value);
  void set_f32(const std::string& key, float value);
  void set_bool(const std::string& key, bool value);
  void set_string(const std::string& key, const std::string& value);
  void set_strings(const std::string& key, const std::vector<std::string>& values);
  void set_i32s(const std::string& key, const std::vector<std::int32_t>& values);
  void remove(const std::string& key);

  // `dims[0]` is the row length. `data` has the bytes of ggml type `type`.
  void add_tensor(const std::string& name, std::uint32_t type, std::vector<std::uint64_t> dims,
                  std::string data);
  // Random numbers of the given spread, stored as `format` (see TinyGgufOptions::weights).
  void add_random(const std::string& name, const std::string& format,
                  std::vector<std::uint64_t> dims, std::uint32_t seed);
  void remove_tensor(const std::string& name);
  void rename_tensor(const std::string& from, const std::string& to);

  std::string bytes() const;  // The whole file.

 private:
  struct Parts;
  std::unique_ptr<Parts> parts_;
};

struct TinyGgufOptions {
  std::string architecture = "llama";  // "llama", "qwen2" or "qwen3"
  std::size_t layers = 2;
  std::size_t hidden = 64;  // Multiple of 32.
  std::size_t heads = 4;
  std::size_t kv_heads = 2;
  std::size_t head_size = 32;  // qwen3 may have heads * head_size != hidden; others may too.
  std::size_t ffn = 96;        // Multiple of 32.
  std::size_t context = 512;
  std::string weights = "f32";  // Matrices: "f32", "f16", "bf16", "q8_0", "q4_0"
  bool tied = true;             // No output.weight.
  std::uint32_t seed = 1;
  // Changes the list of metadata or tensors before it is written; for tests of refusals.
  std::function<void(GgufWriter&)> edit;
};

// The bytes of a GGUF file with a byte-level BPE vocabulary: all 256 bytes, some merges (" the",
// "he", ...), <|endoftext|>, <|im_start|>, <|im_end|> and a ChatML template. Random weights.
std::string make_tiny_gguf(const TinyGgufOptions& options = {});

struct TinyPackageOptions {
  TinyGgufOptions gguf;
  std::size_t cells = 127;
  std::size_t chunk = 16;
  std::vector<std::size_t> small_chunks;
  std::vector<std::size_t> ladder;  // Empty: the default.
};

// Writes the GGUF into `parent` and imports it as `parent`/`name`. Returns the package folder.
// Errors: as import_gguf().
Result<std::filesystem::path> make_tiny_package(const std::filesystem::path& parent,
                                                const std::string& name,
                                                const TinyPackageOptions& options = {});

// A fresh folder below the system's temporary one, removed with everything in it at the end of the
// scope.
class TemporaryFolder {
 public:
  TemporaryFolder();
  ~TemporaryFolder();
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

}  // namespace axle::package::testing
