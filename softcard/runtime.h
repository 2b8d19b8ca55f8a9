#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/mutex.h"
#include "softcard/codes.h"
#include "softcard/device.h"
#include "softcard/engine.h"
#include "softcard/event.h"
#include "softcard/handle_table.h"
#include "softcard/stream.h"
#include "softcard/vendor_log.h"

namespace axle::softcard {

// A context: a card and the order of the synchronous calls made under it.
struct Context {
  std::shared_ptr<Device> device;  // Shared with the card's other contexts and running calls.
  std::shared_ptr<Stream> stream;  // The default stream; shared with its thread.
  void* handle = nullptr;          // Its own, and its stream's.
  void* stream_handle = nullptr;
  bool is_default = false;
};

// A stream as a handle names it.
struct StreamEntry {
  std::shared_ptr<Stream> stream;    // Shared with its thread.
  std::shared_ptr<Context> context;  // Shared: the calls on the stream need its card.
  bool is_default = false;
};

// A loaded engine as a model id names it.
struct EngineEntry {
  std::shared_ptr<Engine> engine;  // Shared with runs that are queued.
  std::int32_t device = 0;
  std::atomic<std::uint64_t> contexts{0};  // Their ids are 1 to this.
};

// What this process has of the runtime: one per process, as the C ABI has no handle for it.
//
// Threading: every function from any thread.
class Runtime {
 public:
  // Never destroyed: calls may still run while the process ends.
  static Runtime& instance();

  axclError start(const char* config);
  axclError stop();

  // The cards, lowest bus number first; empty while not started.
  std::vector<CardProfile> cards() const;
  // Null while not started.
  std::shared_ptr<Session> session() const;

  // Opens a card, or counts another use of it, and binds its default context to this thread.
  axclError set_device(std::int32_t id);
  axclError reset_device(std::int32_t id);
  // Null where this process has not opened it.
  std::shared_ptr<Device> active_device(std::int32_t id) const;
  axclError create_context(std::int32_t id, void*& handle);
  axclError destroy_context(void* handle);
  void* default_context(std::int32_t id) const;

  // The context of the calling thread; null where it has none (any more).
  std::shared_ptr<Context> current() const;
  void bind(void* context);
  void* current_handle() const;

  HandleTable<Context> contexts{0x5c01};
  HandleTable<StreamEntry> streams{0x5c02};
  HandleTable<Event> events{0x5c03};
  HandleTable<const EngineDescription> infos{0x5c04};
  HandleTable<EngineIo> ios{0x5c05};
  HandleTable<EngineEntry> engines{0};

 private:
  struct OpenCard {
    std::shared_ptr<Device> device;  // Shared with contexts.
    void* default_context = nullptr;
    int uses = 0;
  };
  Runtime() = default;
  axclError open_card(std::int32_t id, OpenCard*& card) AXLE_REQUIRES(mutex_);
  void close_card(std::int32_t id) AXLE_REQUIRES(mutex_);
  void* add_context(const std::shared_ptr<Device>& device, bool is_default);
  bool known(std::int32_t id) const AXLE_REQUIRES(mutex_);

  mutable Mutex mutex_;
  int starts_ AXLE_GUARDED_BY(mutex_) = 0;
  std::shared_ptr<Session> session_ AXLE_GUARDED_BY(mutex_);  // Shared with devices.
  std::map<std::int32_t, OpenCard> open_ AXLE_GUARDED_BY(mutex_);
};

// The card under the calling thread's context, for one call.
struct Caller {
  std::shared_ptr<Context> context;
  Strike strike;

  Device& device() const { return *context->device; }
  Stream& stream() const { return *context->stream; }
};

// Finds the thread's context (else answers `unbound`) and checks that the card lives (else
// kTaskExecute).
axclError bind_caller(Caller& caller, axclError unbound = kContextNoBind);
// As bind_caller, then lets the profile strike this call.
axclError enter(CallId call, Caller& caller, axclError unbound = kContextNoBind);

// Runs a function of the ABI; an exception (no host memory, no thread) becomes `on_exception`.
template <typename Callable>
axclError guarded(axclError on_exception, const Callable& body) {
  try {
    return body();
  } catch (...) {
    SOFTCARD_LOG(kError, "runtime", "out of host memory or threads");
    return on_exception;
  }
}

}  // namespace axle::softcard
