#pragma once

#include <cstdint>
#include <memory>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/mutex.h"

namespace axle::softcard {

// The live objects behind opaque handles. A handle is a number that was never given before, in the
// clothes of a pointer: a stale or invented one is found out, whatever it points to. Objects are
// shared with the calls that use them at the moment.
//
// Threading: every function from any thread.
template <typename T>
class HandleTable {
 public:
  // `kind` tells the handles of different tables apart.
  explicit HandleTable(std::uint32_t kind) : next_((std::uint64_t{kind} << 32) + 1) {}

  void* add(std::shared_ptr<T> object) {
    const MutexLock lock(mutex_);
    const std::uint64_t id = next_++;
    objects_.emplace(id, std::move(object));
    return to_handle(id);
  }
  // Null where there is no such object.
  std::shared_ptr<T> find(const void* handle) const { return find_id(to_id(handle)); }
  std::shared_ptr<T> find_id(std::uint64_t id) const {
    const MutexLock lock(mutex_);
    const auto entry = objects_.find(id);
    return entry == objects_.end() ? nullptr : entry->second;
  }
  std::shared_ptr<T> remove(const void* handle) { return remove_id(to_id(handle)); }
  std::shared_ptr<T> remove_id(std::uint64_t id) {
    const MutexLock lock(mutex_);
    const auto entry = objects_.find(id);
    if (entry == objects_.end()) return nullptr;
    std::shared_ptr<T> object = std::move(entry->second);
    objects_.erase(entry);
    return object;
  }
  // Removes and gives every object that `matches`.
  template <typename Predicate>
  std::vector<std::shared_ptr<T>> remove_if(const Predicate& matches) {
    const MutexLock lock(mutex_);
    std::vector<std::shared_ptr<T>> removed;
    for (auto entry = objects_.begin(); entry != objects_.end();) {
      if (matches(*entry->second)) {
        removed.push_back(std::move(entry->second));
        entry = objects_.erase(entry);
      } else {
        ++entry;
      }
    }
    return removed;
  }

  static std::uint64_t to_id(const void* handle) {
    return reinterpret_cast<std::uintptr_t>(handle);
  }
  static void* to_handle(std::uint64_t id) {
    return reinterpret_cast<void*>(static_cast<std::uintptr_t>(id));
  }

 private:
  mutable Mutex mutex_;
  std::uint64_t next_ AXLE_GUARDED_BY(mutex_);
  std::unordered_map<std::uint64_t, std::shared_ptr<T>> objects_ AXLE_GUARDED_BY(mutex_);
};

}  // namespace axle::softcard
