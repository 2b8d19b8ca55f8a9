#pragma once

#include <cstddef>
#include <filesystem>
#include <span>

#include "base/bf16.h"
#include "base/file.h"
#include "base/result.h"
#include "jobs/sampling.h"

namespace axle::llm {

// The embedding table of a model, mapped from its file and left on the host: [V, H] bf16.
//
// Threading: immutable.
class Embeddings {
 public:
  // Errors: as MappedFile::open; kCorrupt  the file has not V * H numbers (both sizes).
  static Result<Embeddings> open(const std::filesystem::path& path, std::size_t vocab_size,
                                 std::size_t hidden);

  // The row of one token: [H] bf16. REQUIRES: 0 <= token < V.
  std::span<const Bf16> row(jobs::TokenId token) const;
  std::size_t vocab_size() const { return vocab_size_; }
  std::size_t hidden() const { return hidden_; }

 private:
  Embeddings(MappedFile file, std::size_t vocab_size, std::size_t hidden);

  MappedFile file_;
  std::size_t vocab_size_;
  std::size_t hidden_;
};

}  // namespace axle::llm
