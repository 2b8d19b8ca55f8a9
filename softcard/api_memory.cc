#include <cstdlib>
#include <cstring>

#include "softcard/runtime.h"

// Device and host memory, copies.

using namespace axle::softcard;

namespace {

// A synchronous call: in the order of the context's default stream, in this thread.
template <typename Work>
axclError in_order(CallId call, const Work& work) {
  return guarded(kMemoryHost, [&] {
    Caller caller;
    if (const axclError code = enter(call, caller); code != kOk) return code;
    return caller.stream().run([&] { return work(caller.device()); });
  });
}

// The stream of an asynchronous call: the named one, or the context's own for null.
axclError find_stream(axclrtStream handle, std::shared_ptr<Context>& context,
                      std::shared_ptr<Stream>& stream) {
  Caller caller;
  if (const axclError code = bind_caller(caller); code != kOk) return code;
  context = caller.context;
  stream = caller.context->stream;
  if (handle == nullptr) return kOk;
  const std::shared_ptr<StreamEntry> entry = Runtime::instance().streams.find(handle);
  if (entry == nullptr) return kStreamIllegal;
  context = entry->context;
  stream = entry->stream;
  return kOk;
}

template <typename Work>
axclError queued(CallId call, axclrtStream handle, const Work& work) {
  return guarded(kMemoryHost, [&] {
    std::shared_ptr<Context> context;
    std::shared_ptr<Stream> stream;
    if (const axclError code = find_stream(handle, context, stream); code != kOk) return code;
    return stream->enqueue([call, context, work] {
      if (!context->device->alive()) return kTaskExecute;
      const Strike strike = context->device->strike(call);
      return strike.code != kOk ? strike.code : work(*context->device);
    });
  });
}

axclError allocate(void** pointer, std::size_t size) {
  if (pointer == nullptr) return kMemoryNull;
  return in_order(CallId::kMalloc, [&](Device& device) {
    std::uint64_t address = 0;
    const axclError code = device.allocate(size, address);
    if (code == kOk) *pointer = HandleTable<Context>::to_handle(address);
    return code;
  });
}

// Flush and invalidate: nothing to do where the card's memory is the host's, but the address must
// be one of a live allocation.
axclError check_base(const void* pointer) {
  if (pointer == nullptr) return kMemoryNull;
  Caller caller;
  if (const axclError code = bind_caller(caller); code != kOk) return code;
  const bool base = caller.device().arena().block_bytes(to_address(pointer)).has_value();
  return base ? kOk : kNotDeviceMemory;
}

}  // namespace

axclError axclrtMalloc(void** pointer, std::size_t size, std::int32_t /*policy*/) {
  return allocate(pointer, size);
}

axclError axclrtMallocCached(void** pointer, std::size_t size, std::int32_t /*policy*/) {
  return allocate(pointer, size);
}

axclError axclrtFree(void* pointer) {
  if (pointer == nullptr) return kMemoryNull;
  return in_order(CallId::kFree,
                  [&](Device& device) { return device.release(to_address(pointer)); });
}

axclError axclrtMemFlush(void* pointer, std::size_t /*size*/) { return check_base(pointer); }
axclError axclrtMemInvalidate(void* pointer, std::size_t /*size*/) { return check_base(pointer); }

axclError axclrtMallocHost(void** pointer, std::size_t size) {
  if (pointer == nullptr) return kMemoryNull;
  *pointer = std::malloc(size == 0 ? 1 : size);
  return *pointer == nullptr ? kMemoryHost : kOk;
}

axclError axclrtFreeHost(void* pointer) {
  std::free(pointer);
  return kOk;
}

axclError axclrtMemset(void* pointer, std::uint8_t value, std::size_t count) {
  if (pointer == nullptr) return kMemoryNull;
  return in_order(CallId::kMemset,
                  [&](Device& device) { return device.fill(pointer, value, count); });
}

axclError axclrtMemcpy(void* to, const void* from, std::size_t count, std::int32_t kind) {
  if (to == nullptr || from == nullptr) return kMemoryNull;
  if (kind == kHostToHost) {
    std::memmove(to, from, count);
    return kOk;
  }
  return in_order(CallId::kMemcpy,
                  [&](Device& device) { return device.copy(to, from, count, kind); });
}

axclError axclrtMemcmp(const void* one, const void* other, std::size_t count) {
  if (one == nullptr || other == nullptr) return kMemoryNull;
  return in_order(CallId::kMemcmp,
                  [&](Device& device) { return device.compare(one, other, count); });
}

axclError axclrtMemsetAsync(void* pointer, std::uint8_t value, std::size_t count,
                            axclrtStream stream) {
  if (pointer == nullptr) return kMemoryNull;
  return queued(CallId::kMemset, stream,
                [=](Device& device) { return device.fill(pointer, value, count); });
}

axclError axclrtMemcpyAsync(void* to, const void* from, std::size_t count, std::int32_t kind,
                            axclrtStream stream) {
  if (to == nullptr || from == nullptr) return kMemoryNull;
  if (kind == kHostToHost) return kBareUnsupported;
  return queued(CallId::kMemcpy, stream,
                [=](Device& device) { return device.copy(to, from, count, kind); });
}

axclError axclrtMemcmpAsync(const void* one, const void* other, std::size_t count,
                            axclrtStream stream) {
  if (one == nullptr || other == nullptr) return kMemoryNull;
  return queued(CallId::kMemcmp, stream, [=](Device& device) {
    // A difference is an answer, not a failure; there is nowhere to put it.
    const axclError code = device.compare(one, other, count);
    return code == kMemoryExecute ? code : kOk;
  });
}
