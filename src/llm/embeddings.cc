#include "llm/embeddings.h"

#include <fmt/format.h>

#include <utility>

#include "base/check.h"

namespace axle::llm {

Embeddings::Embeddings(MappedFile file, std::size_t vocab_size, std::size_t hidden)
    : file_(std::move(file)), vocab_size_(vocab_size), hidden_(hidden) {}

Result<Embeddings> Embeddings::open(const std::filesystem::path& path, std::size_t vocab_size,
                                    std::size_t hidden) {
  AXLE_TRY_ASSIGN(MappedFile file, MappedFile::open(path));
  const std::size_t wanted = vocab_size * hidden * sizeof(Bf16);
  if (file.bytes().size() != wanted) {
    return corrupt(
        fmt::format("{}: the embedding table of {} tokens with {} numbers each has {} "
                    "bytes, found {}; import or download the package again",
                    path.string(), vocab_size, hidden, wanted, file.bytes().size()));
  }
  return Embeddings(std::move(file), vocab_size, hidden);
}

std::span<const Bf16> Embeddings::row(jobs::TokenId token) const {
  const auto index = static_cast<std::size_t>(token);
  AXLE_CHECK(token >= 0 && index < vocab_size_);
  // The mapping begins at a page, so rows of 2-byte numbers are aligned.
  const std::byte* bytes = file_.bytes().data() + index * hidden_ * sizeof(Bf16);
  return {reinterpret_cast<const Bf16*>(bytes), hidden_};
}

}  // namespace axle::llm
