#include "llm/kv_cache.h"

#include <utility>

#include "base/bf16.h"

namespace axle::llm {
namespace {

Result<card::DeviceBuffer> allocate_zeroed(card::Card& card, std::size_t size_bytes) {
  AXLE_TRY_ASSIGN(card::DeviceBuffer buffer, card::DeviceBuffer::allocate(card, size_bytes));
  AXLE_TRY(buffer.fill(0, size_bytes, std::byte{0}));
  return buffer;
}

}  // namespace

Result<KvCache> KvCache::allocate(card::Card& card, std::size_t rows,
                                  std::span<const std::size_t> widths) {
  KvCache cache;
  cache.layers_.reserve(widths.size());
  for (const std::size_t width : widths) {
    Layer layer;
    layer.row_bytes = width * sizeof(Bf16);
    AXLE_TRY_ASSIGN(layer.k, allocate_zeroed(card, rows * layer.row_bytes));
    AXLE_TRY_ASSIGN(layer.v, allocate_zeroed(card, rows * layer.row_bytes));
    cache.layers_.push_back(std::move(layer));
  }
  return cache;
}

card::DeviceSpan KvCache::k_rows(std::size_t layer, Cell first, std::size_t count) const {
  const std::size_t row = layers_[layer].row_bytes;
  return layers_[layer].k.slice(first * row, count * row);
}

card::DeviceSpan KvCache::v_rows(std::size_t layer, Cell first, std::size_t count) const {
  const std::size_t row = layers_[layer].row_bytes;
  return layers_[layer].v.slice(first * row, count * row);
}

std::uint64_t KvCache::memory_bytes() const {
  std::uint64_t bytes = 0;
  for (const Layer& layer : layers_) bytes += layer.k.size_bytes() + layer.v.size_bytes();
  return bytes;
}

}  // namespace axle::llm
