#include "llm/probe.h"

#include <algorithm>
#include <limits>
#include <map>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "base/log.h"
#include "card/card.h"
#include "llm/probe_layer.h"
#include "llm/probe_scene.h"

namespace axle::llm {
namespace {

constexpr double kNoNumber = std::numeric_limits<double>::infinity();

// Tokens that have nothing to do with each other, the same for every package of a vocabulary.
std::vector<TokenId> some_tokens(std::size_t count, std::size_t first, std::size_t vocab) {
  constexpr std::size_t kStride = 7919;  // A prime.
  std::vector<TokenId> tokens;
  for (std::size_t i = first; i < first + count; ++i) {
    tokens.push_back(static_cast<TokenId>((17 + i * kStride) % vocab));
  }
  return tokens;
}

// The vendor's order with or without a head of several rows; the plainest and what is compared
// with.
constexpr StepOptions kPlain{.submission = Submission::kBlocking,
                             .cell_writes = CellWrites::kCopy,
                             .order = StepOrder::kVendor,
                             .wide_head = false};

class Prober {
 public:
  Prober(Model& model, const ProbeOptions& options)
      : model_(model), options_(options), scenes_(model), shape_(model.package().info().shape) {}

  Result<ProbeReport> run();

 private:
  Status find_groups();
  Status compute_texts();
  Status try_cells();
  Status try_chunks();
  Status try_wide_head();
  Status try_chained();
  Status try_queued();
  Status try_in_place();

  // Tells and asks whether the point is to be tried at all.
  bool begins(ProbePoint point);
  // Adds a difference to what is found of the point; what the card refuses to do counts as one.
  Status judge(ProbePoint point, const Result<double>& difference);
  Result<std::unique_ptr<StepRunner>> make_runner(const StepOptions& options) {
    return StepRunner::create(model_.step_parts(), options);
  }
  // The fourth token of a_ after the others at `cells`, in cell `cell`.
  Scene last_row(const std::vector<Cell>& cells, Cell cell) const;
  bool chunks_work() const { return chunk_ && !report_.refuses(ProbePoint::kChunkRows); }

  Model& model_;
  const ProbeOptions& options_;
  SceneRunner scenes_;
  const package::LayerShape& shape_;
  ProbeReport report_;
  std::size_t decode_ = 0;
  std::optional<std::size_t> chunk_;           // The group of most rows, of the least history.
  std::optional<std::size_t> deep_;            // A group of several rows that sees the whole scene.
  std::map<std::size_t, std::size_t> widths_;  // Rows -> a group of so many.
  std::unique_ptr<StepRunner> plain_;
  SceneText a_, b_;
  SceneText a_in_chunk_;  // What a_ gives in chunk_, plainly.
};

Result<ProbeReport> Prober::run() {
  if (shape_.cells() < kSceneCells) return report_;
  AXLE_TRY(find_groups());
  AXLE_TRY(model_.clear_cells());
  AXLE_TRY_ASSIGN(plain_, make_runner(kPlain));
  AXLE_TRY(compute_texts());
  AXLE_TRY(try_cells());
  if (chunk_) AXLE_TRY(try_chunks());
  if (chunks_work()) AXLE_TRY(try_wide_head());
  AXLE_TRY(try_chained());
  if (!report_.refuses(ProbePoint::kChained)) {
    AXLE_TRY(try_queued());
    AXLE_TRY(try_in_place());
  }
  // Rows may have gone astray: everywhere.
  AXLE_TRY(model_.clear_cells());
  AXLE_TRY(probe_first_layer(model_, report_));
  AXLE_TRY(model_.clear_cells());
  return report_;
}

Status Prober::find_groups() {
  for (std::size_t i = 0; i < shape_.groups.size(); ++i) {
    const package::Group& group = shape_.groups[i];
    if (group.decode()) {
      if (group.history == shape_.cells()) decode_ = i;
      continue;
    }
    const auto better = [&](std::size_t than) {
      const package::Group& other = shape_.groups[than];
      return group.rows != other.rows ? group.rows > other.rows : group.history < other.history;
    };
    if (!chunk_ || better(*chunk_)) chunk_ = i;
    if (group.history >= kSceneCells && (!deep_ || better(*deep_))) deep_ = i;
    widths_.emplace(group.rows, i);
  }
  return {};
}

Status Prober::compute_texts() {
  const std::size_t vocab = model_.vocab_size();
  AXLE_TRY_ASSIGN(a_, scenes_.compute(*plain_, decode_, some_tokens(4, 0, vocab)));
  AXLE_TRY_ASSIGN(b_, scenes_.compute(*plain_, decode_, some_tokens(3, 4, vocab)));
  return {};
}

bool Prober::begins(ProbePoint point) {
  if (options_.skip[static_cast<std::size_t>(point)]) {
    report_[point] = finding_of(kNoNumber);
    return false;
  }
  if (options_.trying) options_.trying(point);
  return true;
}

Status Prober::judge(ProbePoint point, const Result<double>& difference) {
  if (difference.status().code() == Code::kCardLost) return difference.status();
  if (!difference.ok()) {
    AXLE_LOG_WARN("llm", "{}: {}: {}", model_.package().name(), point_name(point),
                  difference.status().to_string());
  }
  report_[point] =
      finding_of(std::max(report_[point].ulps, difference.ok() ? *difference : kNoNumber));
  return {};
}

Scene Prober::last_row(const std::vector<Cell>& cells, Cell cell) const {
  Scene scene;
  for (std::size_t token = 0; token < cells.size(); ++token) {
    scene.history.push_back({&a_, token, cells[token]});
  }
  scene.rows = {{&a_, cells.size(), cell}};
  return scene;
}

Status Prober::try_cells() {
  if (begins(ProbePoint::kSharedCells)) {
    Scene scene = last_row({0, 1, 2}, 3);
    scene.strangers = &b_;
    AXLE_TRY(judge(ProbePoint::kSharedCells, scenes_.difference(*plain_, decode_, scene)));
  }
  if (begins(ProbePoint::kPermutedCells)) {
    const Scene scene = last_row({9, 2, 5}, 12);
    AXLE_TRY(judge(ProbePoint::kPermutedCells, scenes_.difference(*plain_, decode_, scene)));
  }
  return {};
}

Status Prober::try_chunks() {
  if (!begins(ProbePoint::kChunkRows)) return {};
  for (const auto& [rows, group] : widths_) {
    AXLE_TRY(judge(ProbePoint::kChunkRows,
                   scenes_.difference(*plain_, group, {.rows = together(a_, rows)})));
  }
  if (!chunks_work()) return {};
  AXLE_TRY_ASSIGN(a_in_chunk_, scenes_.compute_together(*plain_, *chunk_, a_));
  // The same questions as of the decode group: other engines answer them.
  if (deep_ && !report_.refuses(ProbePoint::kSharedCells)) {
    Scene scene = last_row({0, 1, 2}, 3);
    scene.strangers = &b_;
    AXLE_TRY(judge(ProbePoint::kSharedCells, scenes_.difference(*plain_, *deep_, scene)));
  }
  if (deep_ && !report_.refuses(ProbePoint::kPermutedCells)) {
    const Scene scene = last_row({9, 2, 5}, 12);
    AXLE_TRY(judge(ProbePoint::kPermutedCells, scenes_.difference(*plain_, *deep_, scene)));
  }
  if (!begins(ProbePoint::kMixedChunks)) return {};
  Scene mixed{.rows = {{&a_, 0, 0},
                       {&b_, 0, 8},
                       {&a_, 1, 1},
                       {&b_, 1, 9},
                       {&a_, 2, 2},
                       {&b_, 2, 10},
                       {&a_, 3, 3}}};
  mixed.rows.resize(std::min(mixed.rows.size(), shape_.groups[*chunk_].rows));
  return judge(ProbePoint::kMixedChunks, scenes_.difference(*plain_, *chunk_, mixed));
}

Status Prober::try_wide_head() {
  const bool there = model_.engines().head_groups.size() > 1 && options_.wanted.wide_head;
  if (!there || !begins(ProbePoint::kWideHead)) return {};
  StepOptions wide = kPlain;
  wide.wide_head = true;
  AXLE_TRY_ASSIGN(const auto runner, make_runner(wide));
  const Scene scene{.rows = together(a_, shape_.groups[*chunk_].rows)};
  return judge(ProbePoint::kWideHead, scenes_.difference(*runner, *chunk_, scene));
}

Status Prober::try_chained() {
  if (options_.wanted.order != StepOrder::kChained || !begins(ProbePoint::kChained)) return {};
  StepOptions chained = kPlain;
  chained.order = StepOrder::kChained;
  AXLE_TRY_ASSIGN(const auto runner, make_runner(chained));
  AXLE_TRY(
      judge(ProbePoint::kChained, scenes_.difference(*runner, decode_, last_row({0, 1, 2}, 3))));
  if (!chunks_work()) return {};
  const Scene chunk{.rows = together(a_in_chunk_, shape_.groups[*chunk_].rows)};
  return judge(ProbePoint::kChained, scenes_.difference(*runner, *chunk_, chunk));
}

Status Prober::try_queued() {
  const bool there = model_.card().features().async &&
                     options_.wanted.order == StepOrder::kChained &&
                     options_.wanted.submission != Submission::kBlocking;
  if (!there || !begins(ProbePoint::kQueued)) return {};
  StepOptions queued = kPlain;
  queued.order = StepOrder::kChained;
  queued.submission = Submission::kQueued;
  AXLE_TRY_ASSIGN(const auto runner, make_runner(queued));
  // Two in a row: what is stale is of the one before.
  AXLE_TRY(judge(ProbePoint::kQueued, scenes_.difference(*runner, decode_, last_row({0, 1}, 2))));
  AXLE_TRY(
      judge(ProbePoint::kQueued, scenes_.difference(*runner, decode_, last_row({0, 1, 2}, 3))));
  if (!chunks_work()) return {};
  const Scene chunk{.rows = together(a_in_chunk_, shape_.groups[*chunk_].rows)};
  return judge(ProbePoint::kQueued, scenes_.difference(*runner, *chunk_, chunk));
}

Status Prober::try_in_place() {
  if (options_.wanted.order != StepOrder::kChained) return {};
  StepOptions in_place = kPlain;
  in_place.order = StepOrder::kChained;
  in_place.cell_writes = options_.wanted.cell_writes;
  AXLE_TRY_ASSIGN(const auto runner, make_runner(in_place));
  if (!runner->in_place() || !begins(ProbePoint::kInPlace)) return {};
  AXLE_TRY(
      judge(ProbePoint::kInPlace, scenes_.difference(*runner, decode_, last_row({0, 1, 2}, 3))));
  return judge(ProbePoint::kInPlace, scenes_.difference(*runner, decode_, last_row({0, 1, 2}, 6)));
}

}  // namespace

Result<ProbeReport> probe(Model& model, const ProbeOptions& options) {
  return Prober(model, options).run();
}

}  // namespace axle::llm
