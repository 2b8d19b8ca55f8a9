#include "softcard/runtime.h"

// Streams.

using namespace axle::softcard;

namespace {

axclError find(axclrtStream handle, std::shared_ptr<StreamEntry>& entry) {
  if (handle == nullptr) return kStreamNull;
  entry = Runtime::instance().streams.find(handle);
  return entry == nullptr ? kStreamIllegal : kOk;
}

axclError destroy(axclrtStream handle, Stream::Pending pending) {
  return guarded(kStreamDestroy, [&] {
    std::shared_ptr<StreamEntry> entry;
    if (const axclError code = find(handle, entry); code != kOk) return code;
    if (entry->is_default) return kStreamDestroy;
    if (Runtime::instance().streams.remove(handle) == nullptr) return kStreamIllegal;
    if (entry->context->device->answers()) {
      entry->stream->shut_down(pending);
    } else {
      entry->stream->abandon();
    }
    return kOk;
  });
}

axclError synchronize(axclrtStream handle, std::optional<std::chrono::milliseconds> timeout) {
  return guarded(kTaskExecute, [&] {
    std::shared_ptr<StreamEntry> entry;
    if (const axclError code = find(handle, entry); code != kOk) return code;
    Device& device = *entry->context->device;
    if (!device.alive()) return kTaskExecute;
    if (const Strike strike = device.strike(CallId::kSynchronizeStream); strike.code != kOk) {
      return strike.code;
    }
    return entry->stream->synchronize(timeout);
  });
}

}  // namespace

axclError axclrtCreateStream(axclrtStream* stream) {
  if (stream == nullptr) return kStreamNull;
  return guarded(kTaskExecute, [&] {
    Caller caller;
    if (const axclError code = enter(CallId::kCreateStream, caller); code != kOk) return code;
    auto entry = std::make_shared<StreamEntry>();
    entry->stream = std::make_shared<Stream>();
    entry->context = caller.context;
    *stream = Runtime::instance().streams.add(std::move(entry));
    return kOk;
  });
}

axclError axclrtDestroyStream(axclrtStream stream) {
  return destroy(stream, Stream::Pending::kFinish);
}
axclError axclrtDestroyStreamForce(axclrtStream stream) {
  return destroy(stream, Stream::Pending::kDrop);
}

axclError axclrtSynchronizeStream(axclrtStream stream) { return synchronize(stream, std::nullopt); }

axclError axclrtSynchronizeStreamWithTimeout(axclrtStream stream, std::int32_t timeout_ms) {
  if (timeout_ms < 0) return synchronize(stream, std::nullopt);
  return synchronize(stream, std::chrono::milliseconds(timeout_ms));
}

axclError axclrtGetDefaultStream(axclrtContext context, axclrtStream* stream) {
  if (context == nullptr || stream == nullptr) return kStreamNull;
  const std::shared_ptr<Context> found = Runtime::instance().contexts.find(context);
  if (found == nullptr) return kContextIllegal;
  *stream = found->stream_handle;
  return kOk;
}
