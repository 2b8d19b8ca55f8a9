#include "llm/kv_rows.h"

#include <array>
#include <functional>

#include "base/check.h"
#include "llm/kv_cache.h"
#include "llm/model.h"

namespace axle::llm {
namespace {

// Neighbours in `from` that are neighbours in `to` as well, beginning at `first`.
std::size_t run_length(std::span<const Cell> from, std::span<const Cell> to, std::size_t first) {
  std::size_t count = 1;
  while (first + count < from.size() && from[first + count] == from[first] + count &&
         to[first + count] == to[first] + count) {
    ++count;
  }
  return count;
}

std::size_t run_length(std::span<const Cell> cells, std::size_t first) {
  return run_length(cells, cells, first);
}

// K and V of `count` cells of one layer.
std::array<card::DeviceSpan, 2> rows_of(const KvCache& cache, std::size_t layer, Cell first,
                                        std::size_t count) {
  return {cache.k_rows(layer, first, count), cache.v_rows(layer, first, count)};
}

// Does `submit`, and waits for what it has queued whether it went well or not.
Status finish_after(Commands& commands, const std::function<Status()>& submit) {
  const Status submitted = submit();
  const Status finished = commands.finish();
  return submitted.ok() ? finished : submitted;
}

}  // namespace

std::size_t ModelRows::row_bytes() const {
  std::size_t bytes = 0;
  const KvCache& cache = model_.bank(0);
  for (std::size_t layer = 0; layer < cache.layers(); ++layer) bytes += 2 * cache.row_bytes(layer);
  return bytes;
}

Status ModelRows::copy(Place from, Place to) {
  AXLE_CHECK(from.cells.size() == to.cells.size());
  const KvCache& source = model_.bank(from.bank);
  const KvCache& target = model_.bank(to.bank);
  Commands& commands = model_.step().commands();
  return finish_after(commands, [&]() -> Status {
    for (std::size_t first = 0; first < from.cells.size();) {
      const std::size_t count = run_length(from.cells, to.cells, first);
      for (std::size_t layer = 0; layer < source.layers(); ++layer) {
        const auto read = rows_of(source, layer, from.cells[first], count);
        const auto write = rows_of(target, layer, to.cells[first], count);
        for (std::size_t i = 0; i < read.size(); ++i) AXLE_TRY(commands.copy(read[i], write[i]));
      }
      first += count;
    }
    return {};
  });
}

Status ModelRows::save(Place from, std::span<std::byte> rows) {
  const KvCache& source = model_.bank(from.bank);
  Commands& commands = model_.step().commands();
  return finish_after(commands, [&]() -> Status {
    std::size_t offset = 0;
    for (std::size_t layer = 0; layer < source.layers(); ++layer) {
      const std::size_t row = source.row_bytes(layer);
      for (std::size_t i = 0; i < 2; ++i) {
        for (std::size_t first = 0; first < from.cells.size();) {
          const std::size_t count = run_length(from.cells, first);
          const auto read = rows_of(source, layer, from.cells[first], count);
          AXLE_TRY(commands.read(read[i], rows.subspan(offset + first * row, count * row)));
          first += count;
        }
        offset += from.cells.size() * row;
      }
    }
    return {};
  });
}

Status ModelRows::load(std::span<const std::byte> rows, std::size_t first_token, Place to) {
  const KvCache& target = model_.bank(to.bank);
  const std::size_t tokens = rows.size() / row_bytes();
  AXLE_CHECK(first_token + to.cells.size() <= tokens);
  Commands& commands = model_.step().commands();
  return finish_after(commands, [&]() -> Status {
    std::size_t offset = 0;
    for (std::size_t layer = 0; layer < target.layers(); ++layer) {
      const std::size_t row = target.row_bytes(layer);
      for (std::size_t i = 0; i < 2; ++i) {
        for (std::size_t first = 0; first < to.cells.size();) {
          const std::size_t count = run_length(to.cells, first);
          const auto write = rows_of(target, layer, to.cells[first], count);
          AXLE_TRY(commands.write(write[i],
                                  rows.subspan(offset + (first_token + first) * row, count * row)));
          first += count;
        }
        offset += tokens * row;
      }
    }
    return {};
  });
}

Result<bool> ModelRows::add_bank() {
  if (banks_ == model_.banks()) {
    AXLE_TRY_ASSIGN(const bool added, model_.add_bank());
    if (!added) return false;
  }
  ++banks_;
  return true;
}

void ModelRows::drop_bank() {
  model_.drop_bank();
  --banks_;
}

}  // namespace axle::llm
