#include "llm/model.h"

#include <algorithm>
#include <filesystem>
#include <system_error>
#include <utility>

#include "base/bf16.h"
#include "card/card.h"

namespace axle::llm {
namespace {

std::size_t widest_kv(const package::Package& package) {
  const auto& widths = package.info().kv_widths;
  return widths.empty() ? 0 : *std::max_element(widths.begin(), widths.end());
}

std::uint64_t file_bytes(const std::filesystem::path& path) {
  std::error_code error;
  const auto size = std::filesystem::file_size(path, error);
  return error ? 0 : size;
}

// Card memory is given in pages of 4 KiB (AXCL runtime V3.10.2, axcl_rt_memory.h).
std::uint64_t in_pages(std::uint64_t bytes) { return (bytes + 4095) / 4096 * 4096; }

// What an engine keeps beside its file: room for the results of its widest group.
std::uint64_t output_bytes(const package::LayerShape& shape, std::size_t kv_width) {
  std::size_t rows = 0;
  for (const package::Group& group : shape.groups) rows = std::max(rows, group.rows);
  return rows * (shape.hidden + 2 * kv_width) * sizeof(Bf16);
}

// What further banks leave of the card's memory, for what the runtime takes by itself.
constexpr std::uint64_t kKeptFreeBytes = 64ull << 20;

}  // namespace

std::uint64_t Model::predicted_bytes(const package::Package& package) {
  const package::LayerShape& shape = package.info().shape;
  std::uint64_t largest_file = file_bytes(package.post_path());
  std::uint64_t engines = in_pages(largest_file) +
                          in_pages(package.info().head_rows * package.vocab_size() * sizeof(Bf16));
  std::uint64_t cache = 0;
  for (std::size_t layer = 0; layer < package.layer_count(); ++layer) {
    const std::uint64_t bytes = file_bytes(package.layer_path(layer));
    const std::size_t kv_width = package.kv_width(layer);
    largest_file = std::max(largest_file, bytes);
    engines += in_pages(bytes) + in_pages(output_bytes(shape, kv_width));
    cache += 2 * in_pages(shape.cache_rows() * kv_width * sizeof(Bf16));
  }
  const std::uint64_t buffers =
      StepRunner::buffer_bytes(shape, widest_kv(package)) +
      Head::buffer_bytes({package.hidden(), package.vocab_size()}, package.info().head_rows);
  // While a file loads, the card holds it twice: as it came and as it is used.
  return engines + std::max(in_pages(largest_file), cache + buffers);
}

Model::Model(card::Card& card, const package::Package& package, Engines engines,
             Embeddings embeddings)
    : card_(card),
      package_(package),
      engines_(std::move(engines)),
      embeddings_(std::move(embeddings)) {}

Result<std::unique_ptr<Model>> Model::load(card::Card& card, const package::Package& package,
                                           const LoadOptions& options) {
  AXLE_TRY(card.check_room(predicted_bytes(package), package.name(),
                           "one with smaller weights or fewer cells"));
  AXLE_TRY_ASSIGN(Embeddings embeddings, Embeddings::open(package.embedding_path(),
                                                          package.vocab_size(), package.hidden()));
  AXLE_TRY_ASSIGN(Engines engines, load_engines(card, package, options.progress));

  std::unique_ptr<Model> model(new Model(card, package, std::move(engines), std::move(embeddings)));
  const package::PackageInfo& info = model->package_.info();
  AXLE_TRY_ASSIGN(KvCache bank, KvCache::allocate(card, info.shape.cache_rows(), info.kv_widths));
  model->banks_.push_back(std::move(bank));
  AXLE_TRY(model->use(options.step));
  return model;
}

StepRunner::Parts Model::step_parts() {
  return {.card = card_,
          .engines = engines_,
          .cache = banks_.front(),
          .embeddings = embeddings_,
          .shape = package_.info().shape};
}

Status Model::use(const StepOptions& options) {
  if (step_ != nullptr && step_options_ == options) return {};
  AXLE_TRY_ASSIGN(std::unique_ptr<StepRunner> step, StepRunner::create(step_parts(), options));
  for (std::size_t bank = 1; bank < banks_.size(); ++bank) AXLE_TRY(step->add_bank(banks_[bank]));
  step_ = std::move(step);
  step_options_ = options;
  return {};
}

Status Model::clear_cells() {
  for (const KvCache& bank : banks_) {
    for (std::size_t layer = 0; layer < bank.layers(); ++layer) {
      AXLE_TRY(card::fill(card_, bank.k(layer), std::byte{0}));
      AXLE_TRY(card::fill(card_, bank.v(layer), std::byte{0}));
    }
  }
  return {};
}

Result<bool> Model::add_bank() {
  const Result<std::uint64_t> free = card_.memory_free();
  if (!free.ok()) {
    if (free.status().code() == Code::kUnsupported) return false;
    return free.status();
  }
  if (*free < banks_.front().memory_bytes() + kKeptFreeBytes) return false;
  const package::PackageInfo& info = package_.info();
  Result<KvCache> bank = KvCache::allocate(card_, info.shape.cache_rows(), info.kv_widths);
  if (!bank.ok() && bank.status().code() == Code::kExhausted) return false;
  AXLE_TRY(bank.status());
  banks_.push_back(std::move(*bank));
  const Status bound = step_->add_bank(banks_.back());
  if (bound.ok()) return true;
  banks_.pop_back();
  return bound;
}

void Model::drop_bank() {
  step_->drop_bank();
  banks_.pop_back();
}

std::size_t Model::context_tokens() const { return std::min(cells(), package_.max_position()); }

std::uint64_t Model::memory_bytes() const {
  std::uint64_t bytes = llm::memory_bytes(engines_) + step_->memory_bytes();
  for (const KvCache& bank : banks_) bytes += bank.memory_bytes();
  return bytes;
}

}  // namespace axle::llm
