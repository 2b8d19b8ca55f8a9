#include "llm/prefix_cache.h"

#include <algorithm>
#include <optional>
#include <utility>

namespace axle::llm {
namespace {

std::size_t common_length(std::span<const TokenId> left, std::span<const TokenId> right) {
  const auto ends = std::mismatch(left.begin(), left.end(), right.begin(), right.end());
  return static_cast<std::size_t>(ends.first - left.begin());
}

bool counts_from_zero(std::span<const std::uint32_t> positions) {
  for (std::size_t i = 0; i < positions.size(); ++i) {
    if (positions[i] != i) return false;
  }
  return true;
}

}  // namespace

PrefixCache::PrefixCache(Cells& cells, std::size_t max_entries)
    : cells_(cells), max_entries_(std::max<std::size_t>(max_entries, 1)), held_(cells.count(), 0) {}

PrefixCache::~PrefixCache() {
  while (!entries_.empty()) drop(entries_.size() - 1);
}

std::vector<Cell> PrefixCache::acquire(std::span<const TokenId> tokens) {
  Entry* best = nullptr;
  std::size_t length = 0;
  for (Entry& entry : entries_) {
    const std::size_t common = common_length(entry.tokens, tokens);
    if (common > length) {
      best = &entry;
      length = common;
    }
  }
  if (best == nullptr) return {};
  best->used = ++clock_;
  std::vector<Cell> found(best->cells.begin(),
                          best->cells.begin() + static_cast<std::ptrdiff_t>(length));
  for (const Cell cell : found) cells_.share(cell);
  return found;
}

void PrefixCache::keep(const Sequence& sequence) {
  if (sequence.empty() || !counts_from_zero(sequence.positions())) return;
  for (Entry& entry : entries_) {
    if (common_length(entry.tokens, sequence.tokens()) == sequence.size()) {
      entry.used = ++clock_;  // All of it is here already.
      return;
    }
  }
  for (std::size_t index = entries_.size(); index-- > 0;) {
    const Entry& entry = entries_[index];
    if (common_length(entry.tokens, sequence.tokens()) == entry.tokens.size()) drop(index);
  }
  if (entries_.size() >= max_entries_) drop(least_recent());

  Entry entry;
  entry.tokens.assign(sequence.tokens().begin(), sequence.tokens().end());
  entry.cells.assign(sequence.cells().begin(), sequence.cells().end());
  entry.used = ++clock_;
  for (const Cell cell : entry.cells) {
    cells_.share(cell);
    ++held_[cell];
  }
  entries_.push_back(std::move(entry));
}

bool PrefixCache::evict(std::size_t limit) {
  const auto gained = [&] {
    const std::optional<Cell> cell = cells_.lowest_free();
    return cell && *cell < limit;
  };
  while (!gained()) {
    Entry* oldest = nullptr;
    for (Entry& entry : entries_) {
      if (can_gain(entry, limit) && (oldest == nullptr || entry.used < oldest->used)) {
        oldest = &entry;
      }
    }
    if (oldest == nullptr) return false;
    drop_last_cell(*oldest);
    if (oldest->cells.empty()) drop(static_cast<std::size_t>(oldest - entries_.data()));
  }
  return true;
}

std::size_t PrefixCache::evictable() const {
  std::size_t count = 0;
  for (std::size_t cell = 0; cell < held_.size(); ++cell) {
    if (only_here(static_cast<Cell>(cell))) ++count;
  }
  return count;
}

bool PrefixCache::only_here(Cell cell) const {
  return held_[cell] > 0 && cells_.references(cell) == held_[cell];
}

bool PrefixCache::can_gain(const Entry& entry, std::size_t limit) const {
  // Who shares a cell shares all cells before it, so nothing can be gained before a shared end.
  if (!only_here(entry.cells.back())) return false;
  return limit >= held_.size() ||
         std::any_of(entry.cells.begin(), entry.cells.end(),
                     [&](Cell cell) { return cell < limit && only_here(cell); });
}

void PrefixCache::drop_last_cell(Entry& entry) {
  const Cell cell = entry.cells.back();
  entry.cells.pop_back();
  entry.tokens.pop_back();
  --held_[cell];
  cells_.release(cell);
}

void PrefixCache::drop(std::size_t index) {
  Entry& entry = entries_[index];
  while (!entry.cells.empty()) drop_last_cell(entry);
  entries_.erase(entries_.begin() + static_cast<std::ptrdiff_t>(index));
}

std::size_t PrefixCache::least_recent() const {
  const auto oldest = std::min_element(
      entries_.begin(), entries_.end(),
      [](const Entry& left, const Entry& right) { return left.used < right.used; });
  return static_cast<std::size_t>(oldest - entries_.begin());
}

}  // namespace axle::llm
