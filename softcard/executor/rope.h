#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "axmodel/layer.h"

namespace axle::softcard {

// Cosines and sines of rotary positions: angle i of position p is
// p * rope_scale * rope_theta^(-2i / head_dim) / rope_factors[i].
//
// Threading: immutable after shared().
class RopeTable {
 public:
  // The table for a layer's parameters; layers of one model have the same. Shared, because the
  // executors come and go in any order. Throws std::bad_alloc.
  static std::shared_ptr<const RopeTable> shared(const axmodel::LayerSpec& spec);

  explicit RopeTable(const axmodel::LayerSpec& spec);

  std::size_t pairs() const { return frequencies_.size(); }
  // Cosines [pairs], then sines [pairs]. Points into the table, or computes a position beyond it
  // into `spare` of 2 * pairs() floats.
  const float* at(std::uint32_t position, float* spare) const;

 private:
  void compute(std::uint32_t position, float* to) const;

  std::vector<double> frequencies_;
  std::vector<float> table_;  // [position][2][pairs]
  std::uint32_t positions_ = 0;
};

enum class RopeKind { kNormal, kNeox };

// Rotates one head in place. `angles` as RopeTable::at() gives them.
void rotate(float* head, std::size_t pairs, const float* angles, RopeKind kind);

}  // namespace axle::softcard
