#include "llm/head.h"

#include <algorithm>
#include <utility>

namespace axle::llm {
namespace {

// Card memory is given in pages (AXCL runtime V3.10.2, axcl_rt_memory.h).
constexpr std::uint64_t kPageBytes = 4096;

std::uint64_t in_pages(std::uint64_t bytes) {
  return (bytes + kPageBytes - 1) / kPageBytes * kPageBytes;
}

}  // namespace

std::uint64_t Head::buffer_bytes(Sizes sizes, std::size_t rows) {
  return in_pages(rows * sizes.hidden * sizeof(Bf16)) +
         in_pages(rows * sizes.vocab_size * sizeof(Bf16));
}

Result<Head> Head::create(card::Card& card, Engines& engines, Sizes sizes,
                          const card::DeviceBuffer& last, const Options& options) {
  Head head(engines, sizes);
  const auto groups =
      std::span(engines.head_groups).first(options.wide ? engines.head_groups.size() : 1);
  const std::size_t rows = groups.back().rows;
  for (const auto& [buffer, width] :
       {std::pair{&head.input_, sizes.hidden}, std::pair{&head.logits_, sizes.vocab_size}}) {
    const std::size_t bytes = rows * width * sizeof(Bf16);
    AXLE_TRY_ASSIGN(*buffer, card::DeviceBuffer::allocate(card, bytes));
    AXLE_TRY(buffer->fill(0, bytes, std::byte{0}));  // Padding rows must be finite.
  }
  for (const HeadGroup& group : groups) {
    AXLE_TRY_ASSIGN(card::Binding binding,
                    bind_post(engines, group, head.input_.span(), head.logits_.span()));
    head.groups_.push_back({group.rows, std::move(binding)});
  }
  if (!options.direct) return head;
  AXLE_TRY_ASSIGN(card::Binding direct, bind_post(engines, engines.head_groups.front(), last.span(),
                                                  head.logits_.span()));
  head.direct_.push_back(std::move(direct));
  return head;
}

// The narrowest group that takes all, else the widest.
std::size_t Head::group_for(std::size_t rows) const {
  const auto fits =
      std::ranges::find_if(groups_, [rows](const Group& group) { return group.rows >= rows; });
  return fits == groups_.end() ? groups_.size() - 1
                               : static_cast<std::size_t>(fits - groups_.begin());
}

std::size_t Head::rows_at_once(std::size_t rows) const {
  return std::min(rows, groups_[group_for(rows)].rows);
}

// Binding an engine to an address inside a buffer is not safe on every firmware: rows are copied to
// where the group reads. Neighbours go in one copy.
Status Head::gather(Commands& commands, const card::DeviceBuffer& last,
                    std::span<const std::size_t> rows) {
  const std::size_t row_bytes = sizes_.hidden * sizeof(Bf16);
  for (std::size_t first = 0; first < rows.size();) {
    std::size_t count = 1;
    while (first + count < rows.size() && rows[first + count] == rows[first] + count) ++count;
    AXLE_TRY(commands.copy(last.slice(rows[first] * row_bytes, count * row_bytes),
                           input_.slice(first * row_bytes, count * row_bytes)));
    first += count;
  }
  return {};
}

Status Head::run(Commands& commands, const card::DeviceBuffer& last,
                 std::span<const std::size_t> rows, std::span<Bf16> logits) {
  if (rows.size() == 1 && rows.front() == 0 && !direct_.empty()) {
    AXLE_TRY(commands.run(engines_->post, direct_.front()));
  } else {
    AXLE_TRY(gather(commands, last, rows));
    AXLE_TRY(commands.run(engines_->post, groups_[group_for(rows.size())].binding));
  }
  const std::size_t bytes = rows.size() * sizes_.vocab_size * sizeof(Bf16);
  return commands.read(logits_.slice(0, bytes), std::as_writable_bytes(logits));
}

}  // namespace axle::llm
