#pragma once

#include <string>
#include <vector>

#include "axmodel/graph.h"
#include "base/result.h"
#include "package/picture_package.h"

// The time embedding of a U-Net that takes a timestep, found in its graph so that its rows can be
// computed beforehand. Not part of the room's interface. Source: diffusers,
// models/embeddings.py (Timesteps, TimestepEmbedding) as SD 1.5 uses them.
namespace axle::package {

// y = W x + b.
struct Linear {
  std::size_t inputs = 0;
  std::size_t outputs = 0;
  std::vector<float> weight;  // [outputs, inputs], row-major.
  std::vector<float> bias;    // [outputs]
};

struct TimeEmbedding {
  Linear first;
  Linear second;
  // SiLU(second(SiLU(first(p(t))))), where the graph has it: once, or once in each residual block.
  std::vector<std::string> rows;

  std::size_t width() const { return second.outputs; }
  // The row of a timestep, with p(t) = [cos(t f_i)..., sin(t f_i)...], f_i = 10000^(-i / half),
  // `half` being half of first.inputs.
  std::vector<float> row(int timestep) const;
};

// Finds the embedding behind the input `timestep`.
// Errors: kUnsupported  it is not of that form (what is missing).
//         kCorrupt      constants whose shapes do not fit each other.
Result<TimeEmbedding> find_time_embedding(const axmodel::GraphFile& unet,
                                          const std::string& timestep);

}  // namespace axle::package
