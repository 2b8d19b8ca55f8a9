#include "llm/prefix_cache.h"

#include <algorithm>
#include <utility>

#include "base/result.h"

namespace axle::llm {
namespace {

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

std::size_t PrefixCache::match(std::span<const TokenId> tokens) const {
  std::size_t length = 0;
  for (const Entry& entry : entries_)
    length = std::max(length, common_length(entry.tokens, tokens));
  return length;
}

std::vector<Cell> PrefixCache::acquire(std::span<const TokenId> tokens) {
  const std::size_t length = match(tokens);
  if (length == 0) return {};
  const auto best = std::ranges::find_if(
      entries_, [&](const Entry& entry) { return common_length(entry.tokens, tokens) == length; });
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

Status PrefixCache::make_free(std::size_t count, const Farewell& farewell) {
  while (cells_.free_count() < count) {
    Entry* const oldest = oldest_to_gain_from();
    if (oldest == nullptr) return {};
    if (farewell && !oldest->told) {
      oldest->told = true;
      AXLE_TRY(farewell(oldest->tokens, oldest->cells));
    }
    drop_last_cell(*oldest);
    if (oldest->cells.empty()) drop(static_cast<std::size_t>(oldest - entries_.data()));
  }
  return {};
}

// Who shares a cell shares all cells before it, so nothing can be gained before a shared end.
PrefixCache::Entry* PrefixCache::oldest_to_gain_from() {
  Entry* oldest = nullptr;
  for (Entry& entry : entries_) {
    if (!only_here(entry.cells.back())) continue;
    if (oldest == nullptr || entry.used < oldest->used) oldest = &entry;
  }
  return oldest;
}

std::vector<Cell> PrefixCache::idle_cells(std::size_t limit) const {
  std::vector<const Entry*> by_age;
  for (const Entry& entry : entries_) by_age.push_back(&entry);
  std::ranges::sort(by_age, {}, &Entry::used);
  std::vector<Cell> idle;
  std::vector<bool> listed(held_.size(), false);
  for (const Entry* entry : by_age) {
    for (const Cell cell : entry->cells) {
      if (cell >= limit || listed[cell] || !only_here(cell)) continue;
      listed[cell] = true;
      idle.push_back(cell);
    }
  }
  return idle;
}

void PrefixCache::renumber(std::span<const Cell> by_cell) {
  std::ranges::fill(held_, 0u);
  for (Entry& entry : entries_) {
    for (Cell& cell : entry.cells) {
      cell = by_cell[cell];
      ++held_[cell];
    }
  }
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
