#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <span>
#include <vector>

#include "base/result.h"
#include "llm/cells.h"
#include "llm/conversation.h"
#include "llm/cost.h"
#include "llm/host_texts.h"
#include "llm/prefix_cache.h"
#include "llm/row_mover.h"
#include "package/shape.h"

namespace axle::llm {

struct KvStoreOptions {
  bool prefix_cache = true;            // Keep the cells of finished texts.
  std::size_t max_banks = 1;           // Further ones are taken when the card has room.
  std::uint64_t host_cache_bytes = 0;  // For rows of texts that had to leave the card.
};

// Where the K and V rows of all texts of a model are: in cells of the banks on the card, and what
// has no room there in the host's memory. Finds what a new text has in common with earlier ones,
// makes room, and carries rows to where they are wanted: a prefill group sees only the cells below
// its P, and conversations run in one step only when they are in one bank.
//
// Carrying never changes a bit of a row, so it never changes a text.
//
// Errors of its functions: those of RowMover, after which cells may hold anything.
// Threading: not synchronised.
// Lifetime: the RowMover must outlive it.
class KvStore {
 public:
  KvStore(const package::LayerShape& shape, RowMover& mover, const KvStoreOptions& options);

  // How many of `tokens`, from the first on, are computed somewhere.
  std::size_t known(std::span<const TokenId> tokens) const;

  // Gives a conversation cells for all tokens it has, the computed beginning included, or none
  // (false). `running`: all that have cells. `guesses`: what steps are thought to cost.
  Result<bool> admit(Conversation& conversation, std::span<Conversation* const> running,
                     const StepCosts& guesses);
  // Remembers what is computed of a conversation that goes on.
  void keep(const Conversation& conversation);
  // Takes its cells; what is computed of it is remembered.
  void release(Conversation& conversation);

  // Cells of a bank that could be had for tokens to come.
  std::size_t spare(std::size_t bank) const;
  // Cells for rows of one step, neighbours if that costs no larger history than `history_end`
  // asks for. REQUIRES: count <= spare(bank).
  Result<std::vector<Cell>> take(std::size_t bank, std::size_t count, std::size_t history_end);
  void give_back(std::size_t bank, Cell cell);

  // Keeps as many texts of a bank as possible where prefill groups see them, for only those can
  // share steps: to be called before a step is planned. When low cells run out, one text goes up
  // whole, instead of the next token of each; it comes down when there is room again.
  // `running`: as admit(). REQUIRES: one of them is in the bank.
  Status settle(std::size_t bank, std::span<Conversation* const> running);

  // Gives further banks back that nobody runs in, from the last one on; what was remembered there
  // is saved on the host, as far as there is room. Told how many.
  Result<std::size_t> drop_idle_banks();

  std::size_t banks() const { return banks_.size(); }
  std::size_t cells_total() const;
  std::size_t cells_used() const;
  std::size_t cells_cached() const;  // Those that only remembered texts hold.
  std::uint64_t host_bytes() const { return host_.bytes(); }

 private:
  struct Bank {
    explicit Bank(std::size_t count);
    Cells cells;
    PrefixCache cache;
  };
  using Running = std::span<Conversation* const>;

  std::vector<std::size_t> by_match(std::span<const TokenId> tokens) const;
  std::vector<std::size_t> by_company(std::span<const TokenId> tokens, Running running) const;
  Result<bool> admit_to(std::size_t bank, Conversation& conversation, Running running,
                        const StepCosts& guesses);
  std::vector<Cell> cached_beginning(Bank& bank, std::span<const TokenId> tokens,
                                     const StepCosts& guesses);
  Result<bool> add_bank();
  Status make_free(std::size_t bank, std::size_t count);
  Status save(std::size_t bank, std::span<const TokenId> tokens, std::span<const Cell> cells);
  Status bring_down(const Conversation& conversation, Running running);
  // Low cells that are to be free.
  struct LowRoom {
    std::size_t wanted = 0;  // At the expense of remembered texts,
    std::size_t urgent = 0;  // of running texts that are up in part already,
    std::size_t least = 0;   // of any running text; at most `urgent`.
  };
  Status make_low_room(std::size_t bank, const LowRoom& room, const Conversation* stays,
                       Running running);
  std::vector<const Conversation*> who_goes_up(std::size_t bank, Running running) const;
  Status move_down(const Conversation& conversation, Running running);
  Status move(std::size_t bank, std::span<const CellMove> moves, Running running);
  Status bring(Conversation& conversation, const StepCosts& guesses);
  bool worth_bringing(const Conversation& conversation, std::size_t length,
                      const StepCosts& guesses) const;
  std::size_t seen_by(std::size_t end) const;

  const package::LayerShape& shape_;
  RowMover& mover_;
  KvStoreOptions options_;
  std::vector<std::size_t> histories_;  // Of the groups, rising.
  std::deque<Bank> banks_;              // At least one.
  HostTexts host_;
  bool banks_are_full_ = false;  // Was there no room for another, and nothing has ended since?
};

}  // namespace axle::llm
