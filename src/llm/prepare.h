#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "base/result.h"
#include "llm/cost.h"
#include "llm/features.h"
#include "llm/generator.h"
#include "llm/model.h"

namespace axle::llm {

enum class ProbeChoice : std::uint8_t {
  kAuto,    // Where nothing is known of this card, its software and this package.
  kAlways,  // At every load.
  kOff,     // Never; everything is taken as the engines' contract lets expect.
};

struct PrepareOptions {
  OrderChoice order = OrderChoice::kAuto;
  ProbeChoice probe = ProbeChoice::kAuto;
  std::filesystem::path cache_folder = {};  // Empty: nothing is kept.
  StepOptions step = {};                    // What is wanted where the card allows it.
  GeneratorOptions generator = {};
};

// How a model was made ready.
struct Prepared {
  ProbeReport report;
  std::string summary;         // For logs and people: where the report comes from, and describe().
  GeneratorOptions generator;  // To write texts with.
};

// Makes a freshly loaded model ready for a Generator: probes its card, or finds what an earlier
// probe of the same card, software and package told; measures what steps cost; sets the way in
// which the model runs its steps. What is refused is told in the log, with what that costs. A probe
// that fails for another reason than the loss of the card leaves the plainest way of all.
//
// A point over which the card was lost twice is not tried a third time.
//
// Errors: kCardLost. Otherwise as Model::use.
Result<Prepared> prepare(Model& model, const PrepareOptions& options);

}  // namespace axle::llm
