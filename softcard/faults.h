#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "base/mutex.h"
#include "softcard/profile.h"

namespace axle::softcard {

// Decides which calls go wrong. Counts the calls of this process at which a rule exists.
//
// Threading: every function from any thread; calls without rules take no lock.
class Faults {
 public:
  // Asked before a rule with `once` acts: may it? (True for one process of the machine only.)
  using Claim = std::function<bool(std::uint64_t key)>;

  // Rules of other programs than `program` are left out.
  Faults(const std::vector<FaultRule>& rules, const std::string& program, Claim claim);

  // Counts a call and gives the rule that hits it; null: none. The rule lives as long as this.
  const FaultRule* on_call(CallId call);
  // Counts a finished engine run.
  void on_executed() { executes_.fetch_add(1, std::memory_order_relaxed); }

 private:
  struct Rule {
    FaultRule rule;
    std::uint64_t hits = 0;
    bool refused = false;  // Claimed by another process.
  };
  bool due(Rule& entry, std::uint64_t call_number) AXLE_REQUIRES(mutex_);

  Claim claim_;
  std::array<bool, static_cast<std::size_t>(CallId::kCount)> watched_{};  // Fixed when constructed.
  std::atomic<std::uint64_t> executes_{0};
  Mutex mutex_;
  std::vector<Rule> rules_ AXLE_GUARDED_BY(mutex_);
  std::array<std::uint64_t, static_cast<std::size_t>(CallId::kCount)> calls_
      AXLE_GUARDED_BY(mutex_){};
};

}  // namespace axle::softcard
