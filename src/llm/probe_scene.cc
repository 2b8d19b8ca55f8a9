#include "llm/probe_scene.h"

#include <algorithm>
#include <map>
#include <span>
#include <utility>

#include "card/device_buffer.h"
#include "llm/compare.h"

namespace axle::llm {
namespace {

std::span<const Bf16> row_of(const std::vector<Bf16>& rows, std::size_t row, std::size_t width) {
  return std::span(rows).subspan(row * width, width);
}

}  // namespace

std::vector<ScenePlace> together(const SceneText& text, std::size_t most) {
  std::vector<ScenePlace> places;
  for (std::size_t token = 0; token < std::min(text.tokens.size(), most); ++token) {
    places.push_back({&text, token, static_cast<Cell>(token)});
  }
  return places;
}

SceneRunner::SceneRunner(Model& model)
    : model_(model), buffers_(2 * model.engines().layers.size()) {}

std::size_t SceneRunner::width(std::size_t buffer) const {
  return model_.bank(0).row_bytes(buffer / 2) / sizeof(Bf16);
}

card::DeviceSpan SceneRunner::memory(std::size_t buffer) const {
  const KvCache& cache = model_.bank(0);
  return buffer % 2 == 0 ? cache.k_rows(buffer / 2, 0, kSceneCells)
                         : cache.v_rows(buffer / 2, 0, kSceneCells);
}

void SceneRunner::place(const ScenePlace& place, Image& image) const {
  for (std::size_t buffer = 0; buffer < buffers_; ++buffer) {
    const auto row = row_of(place.text->rows[buffer], place.token, width(buffer));
    std::ranges::copy(
        row, image[buffer].begin() + static_cast<std::ptrdiff_t>(place.cell * width(buffer)));
  }
}

SceneRunner::Image SceneRunner::make_image(const Scene& scene) const {
  Image image(buffers_);
  for (std::size_t buffer = 0; buffer < buffers_; ++buffer) {
    image[buffer].assign(kSceneCells * width(buffer), kBf16Zero);
  }
  for (Cell cell = 0; scene.strangers != nullptr && cell < kSceneCells; ++cell) {
    place({scene.strangers, cell % scene.strangers->tokens.size(), cell}, image);
  }
  for (const ScenePlace& it : scene.history) place(it, image);
  return image;
}

Result<SceneRunner::Outcome> SceneRunner::run(StepRunner& runner, std::size_t group,
                                              const Scene& scene) {
  Outcome outcome{.before = make_image(scene), .after = {}, .logits = {}};
  for (std::size_t buffer = 0; buffer < buffers_; ++buffer) {
    const auto bytes = std::as_bytes(std::span(outcome.before[buffer]));
    AXLE_TRY(card::write(model_.card(), memory(buffer), bytes));
  }
  std::map<const SceneText*, Sequence> sequences;
  for (const ScenePlace& it : scene.history) {
    sequences[it.text].append(it.text->tokens[it.token], static_cast<std::uint32_t>(it.token),
                              it.cell);
  }
  Plan plan{.group = group, .rows = {}};
  for (const ScenePlace& it : scene.rows) {
    plan.rows.push_back({.sequence = &sequences[it.text],
                         .token = it.text->tokens[it.token],
                         .position = static_cast<std::uint32_t>(it.token),
                         .cell = it.cell,
                         .wants_logits = true});
  }
  AXLE_TRY(runner.run(plan));
  for (std::size_t row = 0; row < plan.rows.size(); ++row) {
    AXLE_TRY_ASSIGN(const std::span<const Bf16> logits, runner.logits(row));
    outcome.logits.emplace_back(logits.begin(), logits.end());
  }
  outcome.after = outcome.before;
  for (std::size_t buffer = 0; buffer < buffers_; ++buffer) {
    const auto bytes = std::as_writable_bytes(std::span(outcome.after[buffer]));
    AXLE_TRY(card::read(model_.card(), memory(buffer), bytes));
  }
  return outcome;
}

Result<double> SceneRunner::difference(StepRunner& runner, std::size_t group, const Scene& scene) {
  AXLE_TRY_ASSIGN(Outcome outcome, run(runner, group, scene));
  Image expected = std::move(outcome.before);
  double ulps = 0.0;
  for (std::size_t row = 0; row < scene.rows.size(); ++row) {
    const ScenePlace& it = scene.rows[row];
    place(it, expected);
    ulps = std::max(ulps, difference_in_ulps(it.text->logits[it.token], outcome.logits[row]));
  }
  for (std::size_t buffer = 0; buffer < buffers_; ++buffer) {
    for (std::size_t cell = 0; cell < kSceneCells; ++cell) {
      ulps = std::max(ulps, difference_in_ulps(row_of(expected[buffer], cell, width(buffer)),
                                               row_of(outcome.after[buffer], cell, width(buffer))));
    }
  }
  return ulps;
}

Result<SceneText> SceneRunner::compute(StepRunner& runner, std::size_t group,
                                       const std::vector<TokenId>& tokens) {
  SceneText text{.tokens = tokens, .rows = Image(buffers_), .logits = {}};
  for (std::size_t buffer = 0; buffer < buffers_; ++buffer) {
    text.rows[buffer].assign(tokens.size() * width(buffer), kBf16Zero);
  }
  Scene scene;
  for (std::size_t token = 0; token < tokens.size(); ++token) {
    const ScenePlace place{&text, token, static_cast<Cell>(token)};
    scene.rows = {place};
    AXLE_TRY_ASSIGN(Outcome outcome, run(runner, group, scene));
    for (std::size_t buffer = 0; buffer < buffers_; ++buffer) {
      const auto row = row_of(outcome.after[buffer], token, width(buffer));
      if (!all_finite(row)) return internal("the card computes K and V rows that are no numbers");
      std::ranges::copy(
          row, text.rows[buffer].begin() + static_cast<std::ptrdiff_t>(token * width(buffer)));
    }
    if (!all_finite(outcome.logits[0])) {
      return internal("the card computes logits that are no numbers");
    }
    text.logits.push_back(std::move(outcome.logits[0]));
    scene.history.push_back(place);
  }
  return text;
}

Result<SceneText> SceneRunner::compute_together(StepRunner& runner, std::size_t group,
                                                const SceneText& text) {
  const Scene scene{.rows = together(text, runner.shape().groups[group].rows)};
  AXLE_TRY_ASSIGN(Outcome outcome, run(runner, group, scene));
  SceneText result = text;
  for (std::size_t buffer = 0; buffer < buffers_; ++buffer) {
    std::copy_n(outcome.after[buffer].begin(), scene.rows.size() * width(buffer),
                result.rows[buffer].begin());
  }
  std::ranges::move(outcome.logits, result.logits.begin());
  return result;
}

}  // namespace axle::llm
