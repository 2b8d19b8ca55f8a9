#include "llm/kv_store.h"

#include <algorithm>
#include <numeric>
#include <utility>

#include "llm/plan.h"

namespace axle::llm {
namespace {

// Free cells that must be left for growing texts before another request may start beside them; with
// fewer, requests would push each other out all the time.
constexpr std::size_t kGrowthCells = 32;
constexpr std::size_t kCachedTexts = 256;
// Fewer texts run as fast one by one: a chunk of 128 rows costs about two decode steps, its heads
// left out (layer times of Qwen3-VL-4B on an AX650N, AXERA-TECH/Qwen3-VL.AXERA).
constexpr std::size_t kWorthSharing = 3;
// Low cells are freed for so many steps at a time.
constexpr std::size_t kStepsAhead = 16;
// Fewer tokens are computed sooner than they are carried: a copy costs 0.122 ms, a layer has two
// (time model of the paced card, docs/softcard.md).
constexpr std::size_t kWorthCarrying = 16;

// The last token is always computed anew: its row gives the logits.
std::span<const TokenId> shareable(const Conversation& conversation) {
  return conversation.tokens().first(conversation.tokens().size() - 1);
}

// Rows of the widest group.
std::size_t widest_group(const package::LayerShape& shape) {
  return std::ranges::max(shape.groups, {}, &package::Group::rows).rows;
}

std::size_t count_from(std::span<const Cell> cells, std::size_t limit) {
  return static_cast<std::size_t>(
      std::ranges::count_if(cells, [&](Cell cell) { return cell >= limit; }));
}

}  // namespace

KvStore::Bank::Bank(std::size_t count) : cells(count), cache(cells, kCachedTexts) {}

KvStore::KvStore(const package::LayerShape& shape, RowMover& mover, const KvStoreOptions& options)
    : shape_(shape),
      mover_(mover),
      options_(options),
      host_(mover.row_bytes(), options.prefix_cache ? options.host_cache_bytes : 0) {
  for (const package::Group& group : shape.groups) histories_.push_back(group.history);
  std::ranges::sort(histories_);
  banks_.emplace_back(shape.cells());
}

// ---- What there is.

std::size_t KvStore::known(std::span<const TokenId> tokens) const {
  std::size_t length = host_.find(tokens).length;
  for (const Bank& bank : banks_) length = std::max(length, bank.cache.match(tokens));
  return length;
}

std::size_t KvStore::spare(std::size_t bank) const {
  return banks_[bank].cells.free_count() + banks_[bank].cache.evictable();
}

std::size_t KvStore::cells_total() const { return banks_.size() * shape_.cells(); }

std::size_t KvStore::cells_used() const {
  std::size_t used = cells_total();
  for (const Bank& bank : banks_) used -= bank.cells.free_count();
  return used;
}

std::size_t KvStore::cells_cached() const {
  std::size_t cached = 0;
  for (const Bank& bank : banks_) cached += bank.cache.evictable();
  return cached;
}

// The smallest history of a group that sees all cells below `end`.
std::size_t KvStore::seen_by(std::size_t end) const {
  const auto place = std::ranges::lower_bound(histories_, end);
  return place == histories_.end() ? shape_.cells() : *place;
}

// ---- Texts come.

Result<bool> KvStore::admit(Conversation& conversation, Running running, const StepCosts& guesses) {
  for (const std::size_t bank : by_company(shareable(conversation), running)) {
    AXLE_TRY_ASSIGN(const bool admitted, admit_to(bank, conversation, running, guesses));
    if (admitted) return true;
  }
  if (conversation.tokens().size() > shape_.cells()) return false;
  AXLE_TRY_ASSIGN(const bool added, add_bank());
  if (!added) return false;
  return admit_to(banks_.size() - 1, conversation, running, guesses);
}

// Banks, the one first that has most of `tokens`.
std::vector<std::size_t> KvStore::by_match(std::span<const TokenId> tokens) const {
  std::vector<std::size_t> order(banks_.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  if (!options_.prefix_cache || banks_.size() == 1) return order;
  std::ranges::stable_sort(order, std::ranges::greater{},
                           [&](std::size_t bank) { return banks_[bank].cache.match(tokens); });
  return order;
}

// Banks, the one first in which most of `running` are: only texts of one bank share steps. Of
// others that which has most of `tokens`; what another bank has can be carried over.
std::vector<std::size_t> KvStore::by_company(std::span<const TokenId> tokens,
                                             Running running) const {
  std::vector<std::size_t> order = by_match(tokens);
  std::vector<std::size_t> company(banks_.size(), 0);
  for (const Conversation* it : running) ++company[it->bank];
  std::ranges::stable_sort(order, std::ranges::greater{},
                           [&](std::size_t bank) { return company[bank]; });
  return order;
}

Result<bool> KvStore::add_bank() {
  if (banks_.size() >= options_.max_banks || banks_are_full_) return false;
  AXLE_TRY_ASSIGN(const bool added, mover_.add_bank());
  banks_are_full_ = !added;
  if (added) banks_.emplace_back(shape_.cells());
  return added;
}

Result<bool> KvStore::admit_to(std::size_t number, Conversation& conversation, Running running,
                               const StepCosts& guesses) {
  Bank& bank = banks_[number];
  const auto tokens = conversation.tokens();
  const std::vector<Cell> cached = cached_beginning(bank, shareable(conversation), guesses);
  const std::size_t wanted = tokens.size() - cached.size();
  const bool beside =
      std::ranges::any_of(running, [&](const Conversation* it) { return it->bank == number; });
  if (wanted + (beside ? kGrowthCells : 0) > spare(number)) {
    for (const Cell cell : cached) bank.cells.release(cell);
    return false;
  }
  conversation.bank = number;
  for (std::size_t i = 0; i < cached.size(); ++i) {
    conversation.sequence.append(tokens[i], static_cast<std::uint32_t>(i), cached[i]);
  }
  AXLE_TRY(make_free(number, wanted));
  std::vector<Conversation*> holders(running.begin(), running.end());
  holders.push_back(&conversation);
  AXLE_TRY(bring_down(conversation, holders));
  // Where not all of them can be low, those that can are.
  const std::size_t end = bank.cells.end_of_lowest(wanted);
  const std::vector<Cell> taken =
      bank.cells.take(wanted, end > prefill_history(shape_) ? end : seen_by(end));
  conversation.reserved.assign(taken.begin(), taken.end());
  AXLE_TRY(bring(conversation, guesses));
  conversation.mark_cached(conversation.sequence.size());
  return true;
}

// Cells of a computed beginning, shared; none where starting afresh is faster, as with a package
// whose prefill groups cannot see those cells.
std::vector<Cell> KvStore::cached_beginning(Bank& bank, std::span<const TokenId> tokens,
                                            const StepCosts& guesses) {
  if (!options_.prefix_cache) return {};
  std::vector<Cell> cached = bank.cache.acquire(tokens);
  if (cached.empty()) return cached;
  // Cells above can be brought down, but not below the number of them.
  const std::size_t end = std::min(std::size_t{*std::ranges::max_element(cached)} + 1,
                                   std::max(cached.size(), prefill_history(shape_)));
  const double with = prefill_cost(shape_, guesses, {tokens.size() + 1 - cached.size(), end});
  const double without = prefill_cost(shape_, guesses, {tokens.size() + 1, 0});
  if (with <= without) return cached;
  for (const Cell cell : cached) bank.cells.release(cell);
  return {};
}

// Makes sure that prefill groups see what they must of a conversation about to be computed: the
// part that is computed already, and what is computed before the last of its rows.
Status KvStore::bring_down(const Conversation& conversation, Running running) {
  const std::size_t visible = prefill_history(shape_);
  if (visible == 0) return {};
  const auto cached = conversation.sequence.cells();
  const std::size_t high = count_from(cached, visible);
  const std::size_t low = cached.size() - high;
  const std::size_t total = conversation.tokens().size();
  const std::size_t last = (total - cached.size() - 1) % widest_group(shape_) + 1;
  const auto missing = [&](std::size_t rows) {
    const std::size_t wanted = std::min(rows, visible);
    return wanted - std::min(low, wanted);
  };
  const std::size_t urgent = missing(total - last);
  AXLE_TRY(make_low_room(conversation.bank,
                         {.wanted = missing(total), .urgent = urgent, .least = urgent},
                         &conversation, running));
  return move_down(conversation, running);
}

// Texts of a bank that may be sent up, in that order: those that are up in part already, then the
// youngest of the lowest priority.
std::vector<const Conversation*> KvStore::who_goes_up(std::size_t bank, Running running) const {
  std::vector<const Conversation*> order;
  for (const Conversation* it : running) {
    if (it->bank == bank && it->answered()) order.push_back(it);
  }
  const std::size_t visible = prefill_history(shape_);
  std::ranges::sort(order, [visible](const Conversation* left, const Conversation* right) {
    const bool left_is_up = left->sequence.cells_end() > visible;
    const bool right_is_up = right->sequence.cells_end() > visible;
    return left_is_up != right_is_up ? left_is_up : right->goes_before(*left);
  });
  return order;
}

// Frees cells below the largest history of a prefill group. What is in them goes up, and a running
// text of which that is true runs row by row; that of `stays` (may be null) does not.
Status KvStore::make_low_room(std::size_t number, const LowRoom& room, const Conversation* stays,
                              Running running) {
  const std::size_t visible = prefill_history(shape_);
  Bank& bank = banks_[number];
  const std::size_t there = bank.cells.free_below(visible);
  if (there >= room.wanted) return {};
  std::vector<Cell> sources = bank.cache.idle_cells(visible);
  if (sources.size() > room.wanted - there) sources.resize(room.wanted - there);
  std::vector<bool> passed(bank.cells.count(), false);
  for (const Cell cell : sources) passed[cell] = true;
  if (stays != nullptr) {
    for (const Cell cell : stays->sequence.cells()) passed[cell] = true;
  }
  for (const Conversation* it : who_goes_up(number, running)) {
    const bool is_up = it->sequence.cells_end() > visible;
    if (it == stays || (!is_up && there + sources.size() >= room.least)) continue;
    for (const Cell cell : it->sequence.cells()) {
      if (there + sources.size() >= room.urgent) break;
      if (cell >= visible || passed[cell]) continue;
      passed[cell] = true;
      sources.push_back(cell);
    }
  }
  std::ranges::sort(sources);
  std::vector<CellMove> moves;
  for (std::size_t cell = visible; cell < bank.cells.count() && moves.size() < sources.size();
       ++cell) {
    if (bank.cells.references(static_cast<Cell>(cell)) > 0) continue;
    moves.push_back({sources[moves.size()], static_cast<Cell>(cell)});
  }
  return move(number, moves, running);
}

// Its cells that no prefill group sees go to the lowest free ones, as far as there are any.
Status KvStore::move_down(const Conversation& conversation, Running running) {
  const std::size_t visible = prefill_history(shape_);
  std::vector<CellMove> moves;
  Cells after = banks_[conversation.bank].cells;
  for (const Cell cell : conversation.sequence.cells()) {
    if (cell < visible || after.free_below(visible) == 0) continue;
    moves.push_back({cell, *after.take()});
  }
  return move(conversation.bank, moves, running);
}

// Carries rows within a bank; all who hold a cell hold the other one after it.
Status KvStore::move(std::size_t number, std::span<const CellMove> moves, Running running) {
  if (moves.empty()) return {};
  Bank& bank = banks_[number];
  std::vector<Cell> by_cell(bank.cells.count());
  std::iota(by_cell.begin(), by_cell.end(), Cell{0});
  std::vector<Cell> from;
  std::vector<Cell> to;
  for (const CellMove& one : moves) {
    bank.cells.move(one);
    by_cell[one.from] = one.to;
    from.push_back(one.from);
    to.push_back(one.to);
  }
  bank.cache.renumber(by_cell);
  for (Conversation* it : running) {
    if (it->bank == number) it->sequence.renumber(by_cell);
  }
  return mover_.copy({number, from}, {number, to});
}

// Rows that another bank or the host has of what is still to be computed.
Status KvStore::bring(Conversation& conversation, const StepCosts& guesses) {
  const auto tokens = shareable(conversation);
  const std::size_t bank = by_match(tokens).front();
  const std::size_t there = bank == conversation.bank ? 0 : banks_[bank].cache.match(tokens);
  const HostTexts::Match saved = host_.find(tokens);
  const std::size_t length = std::max(there, saved.length);
  if (!options_.prefix_cache || !worth_bringing(conversation, length, guesses)) return {};

  const std::size_t first = conversation.sequence.size();
  std::vector<Cell> cells(
      conversation.reserved.begin(),
      conversation.reserved.begin() + static_cast<std::ptrdiff_t>(length - first));
  if (there == length) {
    const std::vector<Cell> shared = banks_[bank].cache.acquire(tokens);
    const Status copied =
        mover_.copy({bank, std::span(shared).subspan(first)}, {conversation.bank, cells});
    for (const Cell cell : shared) banks_[bank].cells.release(cell);
    AXLE_TRY(copied);
  } else {
    AXLE_TRY(mover_.load(host_.use(tokens).text->rows, first, {conversation.bank, cells}));
  }
  for (const Cell cell : cells) {
    const std::size_t at = conversation.sequence.size();
    conversation.sequence.append(tokens[at], static_cast<std::uint32_t>(at), cell);
    conversation.reserved.pop_front();
  }
  return {};
}

bool KvStore::worth_bringing(const Conversation& conversation, std::size_t length,
                             const StepCosts& guesses) const {
  const Sequence& sequence = conversation.sequence;
  if (length < sequence.size() + kWorthCarrying) return false;
  const std::size_t brought = length - sequence.size();
  std::size_t end = sequence.cells_end();
  for (std::size_t i = 0; i < brought; ++i) {
    end = std::max(end, std::size_t{conversation.reserved[i]} + 1);
  }
  const std::size_t pending = conversation.pending();
  return prefill_cost(shape_, guesses, {pending - brought, end}) <=
         prefill_cost(shape_, guesses, {pending, sequence.cells_end()});
}

// ---- Texts go on and end.

void KvStore::keep(const Conversation& conversation) {
  if (options_.prefix_cache) banks_[conversation.bank].cache.keep(conversation.sequence);
}

void KvStore::release(Conversation& conversation) {
  keep(conversation);
  for (const Cell cell : conversation.sequence.cells()) give_back(conversation.bank, cell);
  for (const Cell cell : conversation.reserved) give_back(conversation.bank, cell);
  conversation.sequence.clear();
  conversation.reserved.clear();
  banks_are_full_ = false;
}

void KvStore::give_back(std::size_t bank, Cell cell) { banks_[bank].cells.release(cell); }

Result<std::vector<Cell>> KvStore::take(std::size_t bank, std::size_t count,
                                        std::size_t history_end) {
  AXLE_TRY(make_free(bank, count));
  Cells& cells = banks_[bank].cells;
  const std::size_t visible = prefill_history(shape_);
  if (history_end > visible) return cells.take(count, cells.count(), visible);
  return cells.take(count, seen_by(std::max(history_end, cells.end_of_lowest(count))));
}

Status KvStore::make_free(std::size_t bank, std::size_t count) {
  return banks_[bank].cache.make_free(
      count, [&](std::span<const TokenId> tokens, std::span<const Cell> cells) {
        return save(bank, tokens, cells);
      });
}

// What leaves the card goes to the host, if there is room for it.
Status KvStore::save(std::size_t bank, std::span<const TokenId> tokens,
                     std::span<const Cell> cells) {
  if (tokens.size() < kWorthCarrying || !host_.wants(tokens)) return {};
  std::vector<std::byte> rows(tokens.size() * mover_.row_bytes());
  AXLE_TRY(mover_.save({bank, cells}, rows));
  host_.keep(tokens, std::move(rows));
  return {};
}

Result<std::size_t> KvStore::drop_idle_banks() {
  std::size_t dropped = 0;
  while (banks_.size() > 1 && spare(banks_.size() - 1) == shape_.cells()) {
    AXLE_TRY(make_free(banks_.size() - 1, shape_.cells()));
    banks_.pop_back();
    mover_.drop_bank();
    ++dropped;
  }
  return dropped;
}

Status KvStore::settle(std::size_t number, Running running) {
  const std::size_t visible = prefill_history(shape_);
  const auto texts = static_cast<std::size_t>(
      std::ranges::count_if(running, [&](const Conversation* it) { return it->bank == number; }));
  if (visible == 0 || texts < kWorthSharing) return {};
  const std::size_t ahead = std::max(texts, std::min(texts * kStepsAhead, visible / 4));
  const Bank& bank = banks_[number];
  const auto low = static_cast<std::size_t>(std::ranges::count_if(running, [&](const auto* it) {
    return it->bank == number && it->sequence.cells_end() <= visible;
  }));
  if (bank.cells.free_below(visible) < low) {
    return make_low_room(number, {.wanted = ahead, .urgent = ahead, .least = low}, nullptr,
                         running);
  }
  for (const Conversation* it : who_goes_up(number, running)) {
    const std::size_t high = count_from(it->sequence.cells(), visible);
    if (high == 0) return {};  // Nor is any after it.
    const std::size_t idle = bank.cache.idle_cells(visible).size();
    if (high + ahead > bank.cells.free_below(visible) + idle) continue;
    AXLE_TRY(make_low_room(number, {.wanted = high}, nullptr, running));
    AXLE_TRY(move_down(*it, running));
  }
  return {};
}

}  // namespace axle::llm
