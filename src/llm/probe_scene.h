#pragma once

#include <cstddef>
#include <memory>
#include <vector>

#include "base/bf16.h"
#include "base/result.h"
#include "llm/model.h"
#include "llm/sequence.h"
#include "llm/step.h"

// Single steps on prepared K/V memory, for the probe.
namespace axle::llm {

// The cells that are prepared and compared.
inline constexpr std::size_t kSceneCells = 16;

// A short text and what its rows are known to give.
struct SceneText {
  std::vector<TokenId> tokens;
  std::vector<std::vector<Bf16>> rows;    // [2 layers][tokens, kv]: K, then V of each layer.
  std::vector<std::vector<Bf16>> logits;  // [tokens][V]
};

// A token of a text, and its cell.
struct ScenePlace {
  const SceneText* text = nullptr;
  std::size_t token = 0;
  Cell cell = 0;
};

// What is in the cells before a step, and its rows. Positions are the tokens' places in their text.
struct Scene {
  std::vector<ScenePlace> history = {};  // Of the texts in `rows`, in order.
  std::vector<ScenePlace> rows = {};
  const SceneText* strangers = nullptr;  // Fills all cells that are not named; null: zeros.
};

// The first tokens of a text, at most so many, in the first cells.
std::vector<ScenePlace> together(const SceneText& text, std::size_t most);

// Threading: one thread at a time. Lifetime: the Model must outlive it.
class SceneRunner {
 public:
  explicit SceneRunner(Model& model);

  // Computes `tokens` one by one in `group` with `runner`: what it gives counts as known.
  // Errors: as StepRunner::run; kInternal  it is no number.
  Result<SceneText> compute(StepRunner& runner, std::size_t group,
                            const std::vector<TokenId>& tokens);

  // Sets the scene, runs its rows and gives the largest difference from what is known, see
  // difference_in_ulps(): of the rows' logits and of all cells of the scene.
  // Errors: as StepRunner::run.
  Result<double> difference(StepRunner& runner, std::size_t group, const Scene& scene);

  // The text with what together() gives in `group` in place of what was known.
  // Errors: as StepRunner::run.
  Result<SceneText> compute_together(StepRunner& runner, std::size_t group, const SceneText& text);

 private:
  // [2 layers][kSceneCells, kv], as SceneText::rows.
  using Image = std::vector<std::vector<Bf16>>;
  struct Outcome {
    Image before;
    Image after;
    std::vector<std::vector<Bf16>> logits;  // [rows][V]
  };

  std::size_t width(std::size_t buffer) const;
  card::DeviceSpan memory(std::size_t buffer) const;
  Image make_image(const Scene& scene) const;
  void place(const ScenePlace& place, Image& image) const;
  Result<Outcome> run(StepRunner& runner, std::size_t group, const Scene& scene);

  Model& model_;
  std::size_t buffers_;  // K and V of all layers.
};

}  // namespace axle::llm
