#include "worker/arbiter.h"

#include <algorithm>
#include <utility>

#include "base/check.h"

namespace axle::worker {

std::size_t Arbiter::choose(std::span<const Candidate> candidates) {
  AXLE_CHECK(!candidates.empty());
  for (auto& [flow, state] : flows_) {
    const auto is_it = [number = flow](const Candidate& candidate) {
      return candidate.flow == number;
    };
    state.active = state.active && std::ranges::any_of(candidates, is_it);
  }
  std::size_t best = 0;
  for (std::size_t i = 0; i < candidates.size(); ++i) {
    State& state = flows_[candidates[i].flow];
    if (!std::exchange(state.active, true)) state.served = std::max(state.served, now_);
    const auto rank = [this](const Candidate& candidate) {
      return std::pair(-std::int64_t{candidate.priority}, flows_[candidate.flow].served);
    };
    if (rank(candidates[i]) < rank(candidates[best])) best = i;
  }
  now_ = flows_[candidates[best].flow].served;
  return best;
}

void Arbiter::account(Flow flow, double seconds) { flows_[flow].served += seconds; }

void Arbiter::forget(Flow flow) { flows_.erase(flow); }

}  // namespace axle::worker
