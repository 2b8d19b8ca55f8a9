#include "softcard/faults.h"

#include <utility>

namespace axle::softcard {

Faults::Faults(const std::vector<FaultRule>& rules, const std::string& program, Claim claim)
    : claim_(std::move(claim)) {
  for (const FaultRule& rule : rules) {
    if (!rule.process.empty() && rule.process != program) continue;
    watched_[static_cast<std::size_t>(rule.call)] = true;
    rules_.push_back({.rule = rule});
  }
}

bool Faults::due(Rule& entry, std::uint64_t call_number) {
  const FaultRule& rule = entry.rule;
  if (entry.refused || (rule.count != 0 && entry.hits >= rule.count)) return false;
  if (rule.after_executes.has_value()) {
    if (executes_.load(std::memory_order_relaxed) < *rule.after_executes) return false;
  } else if (call_number < rule.first) {
    return false;
  }
  if (rule.once && entry.hits == 0 && !claim_(rule.key)) {
    entry.refused = true;
    return false;
  }
  ++entry.hits;
  return true;
}

const FaultRule* Faults::on_call(CallId call) {
  const auto index = static_cast<std::size_t>(call);
  if (!watched_[index]) return nullptr;
  const MutexLock lock(mutex_);
  const std::uint64_t number = ++calls_[index];
  const FaultRule* hit = nullptr;
  for (Rule& entry : rules_) {
    if (entry.rule.call == call && hit == nullptr && due(entry, number)) hit = &entry.rule;
  }
  return hit;
}

}  // namespace axle::softcard
