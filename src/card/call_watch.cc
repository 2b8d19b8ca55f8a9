#include "card/call_watch.h"

namespace axle::card {
namespace {

std::int64_t now_ns() {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(
             std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

// Each thread starts its search at a slot of its own, so that threads seldom meet.
std::size_t first_slot() {
  static std::atomic<std::size_t> next = 0;
  thread_local const std::size_t mine = next.fetch_add(1, std::memory_order_relaxed);
  return mine;
}

}  // namespace

std::optional<CallInProgress> CallWatch::oldest() const {
  std::optional<CallInProgress> found;
  for (const Slot& slot : slots_) {
    const char* name = slot.name.load(std::memory_order_acquire);
    if (name == nullptr) continue;
    const std::int64_t since_ns = slot.since_ns.load(std::memory_order_acquire);
    // A slot that was just taken still has the time of its last call until the store below: its
    // name is read again, and 0 means "not yet".
    if (since_ns == 0 || slot.name.load(std::memory_order_acquire) != name) continue;
    const std::chrono::steady_clock::time_point since{
        std::chrono::duration_cast<std::chrono::steady_clock::duration>(
            std::chrono::nanoseconds(since_ns))};
    if (!found || since < found->since) found = CallInProgress{name, since};
  }
  return found;
}

CallWatch::Scope::Scope(CallWatch& watch, const char* name) : slot_(nullptr) {
  watch.calls_.fetch_add(1, std::memory_order_relaxed);
  const std::size_t start = first_slot();
  for (std::size_t i = 0; i < kSlots; ++i) {
    Slot& slot = watch.slots_[(start + i) % kSlots];
    const char* expected = nullptr;
    if (!slot.name.compare_exchange_strong(expected, name, std::memory_order_acq_rel)) continue;
    slot.since_ns.store(now_ns(), std::memory_order_release);
    slot_ = &slot;
    return;
  }
}

CallWatch::Scope::~Scope() {
  if (slot_ == nullptr) return;
  // The time goes first: whoever takes the slot next is seen with 0 until it has set its own.
  slot_->since_ns.store(0, std::memory_order_release);
  slot_->name.store(nullptr, std::memory_order_release);
}

}  // namespace axle::card
