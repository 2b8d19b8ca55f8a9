#include "softcard/executor/rope.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "base/mutex.h"
#include "softcard/executor/simd.h"

namespace axle::softcard {
namespace {

// Positions kept in the table; later ones are computed when they come.
constexpr std::int64_t kTablePositions = 8192;

bool same_angles(const axmodel::LayerSpec& a, const axmodel::LayerSpec& b) {
  return a.head_dim == b.head_dim && a.rope_theta == b.rope_theta && a.rope_scale == b.rope_scale &&
         a.rope_factors == b.rope_factors && a.max_position == b.max_position;
}

}  // namespace

std::shared_ptr<const RopeTable> RopeTable::shared(const axmodel::LayerSpec& spec) {
  static Mutex mutex;
  static std::vector<std::pair<axmodel::LayerSpec, std::weak_ptr<const RopeTable>>> tables;
  const MutexLock lock(mutex);
  std::erase_if(tables, [](const auto& entry) { return entry.second.expired(); });
  for (const auto& [key, table] : tables) {
    if (!same_angles(key, spec)) continue;
    if (std::shared_ptr<const RopeTable> found = table.lock()) return found;
  }
  auto made = std::make_shared<const RopeTable>(spec);
  tables.emplace_back(spec, made);
  return made;
}

RopeTable::RopeTable(const axmodel::LayerSpec& spec) {
  const auto pairs = static_cast<std::size_t>(spec.head_dim / 2);
  for (std::size_t i = 0; i < pairs; ++i) {
    const double exponent = -2.0 * static_cast<double>(i) / static_cast<double>(spec.head_dim);
    const double factor =
        spec.rope_factors.empty() ? 1.0 : static_cast<double>(spec.rope_factors[i]);
    frequencies_.push_back(static_cast<double>(spec.rope_scale) *
                           std::pow(static_cast<double>(spec.rope_theta), exponent) / factor);
  }
  positions_ =
      static_cast<std::uint32_t>(std::clamp(spec.max_position, std::int64_t{0}, kTablePositions));
  table_.resize(positions_ * 2 * pairs);
  for (std::uint32_t position = 0; position < positions_; ++position) {
    compute(position, table_.data() + position * 2 * pairs);
  }
}

void RopeTable::compute(std::uint32_t position, float* to) const {
  for (std::size_t i = 0; i < pairs(); ++i) {
    const double angle = static_cast<double>(position) * frequencies_[i];
    to[i] = static_cast<float>(std::cos(angle));
    to[pairs() + i] = static_cast<float>(std::sin(angle));
  }
}

const float* RopeTable::at(std::uint32_t position, float* spare) const {
  if (position < positions_) return table_.data() + position * 2 * pairs();
  compute(position, spare);
  return spare;
}

void rotate(float* head, std::size_t pairs, const float* angles, RopeKind kind) {
  const float* sines = angles + pairs;
  const std::size_t stride = kind == RopeKind::kNormal ? 2 : 1;
  float* other = kind == RopeKind::kNormal ? head + 1 : head + pairs;
  for (std::size_t i = 0; i < pairs; ++i) {
    const float a = head[i * stride];
    const float b = other[i * stride];
    head[i * stride] = fma(a, angles[i], -(b * sines[i]));
    other[i * stride] = fma(a, sines[i], b * angles[i]);
  }
}

}  // namespace axle::softcard
