#include "softcard/runtime.h"

// Events. They share the stream's error numbers.

using namespace axle::softcard;

namespace {

// The stream of a call: the named one, or for null that of the thread's context.
axclError find_stream(axclrtStream handle, std::shared_ptr<StreamEntry>& stream) {
  Runtime& runtime = Runtime::instance();
  if (handle == nullptr) {
    const std::shared_ptr<Context> context = runtime.current();
    if (context == nullptr) return kContextNoBind;
    handle = context->stream_handle;
  }
  stream = runtime.streams.find(handle);
  if (stream == nullptr) return kStreamIllegal;
  return stream->context->device->alive() ? kOk : kTaskExecute;
}

axclError find(axclrtEvent handle, std::shared_ptr<Event>& event) {
  if (handle == nullptr) return kStreamNull;
  event = Runtime::instance().events.find(handle);
  return event == nullptr ? kStreamIllegal : kOk;
}

axclError wait_for(axclrtStream stream_handle, axclrtEvent event_handle,
                   std::optional<std::chrono::milliseconds> timeout) {
  return guarded(kEventWait, [&] {
    std::shared_ptr<Event> event;
    if (const axclError code = find(event_handle, event); code != kOk) return code;
    std::shared_ptr<StreamEntry> stream;
    if (const axclError code = find_stream(stream_handle, stream); code != kOk) return code;
    return stream->stream->enqueue([event, timeout, mark = event->newest()] {
      return event->wait(mark, timeout) ? kOk : kEventWait;
    });
  });
}

}  // namespace

axclError axclrtCreateEvent(axclrtEvent* event) {
  if (event == nullptr) return kStreamNull;
  return guarded(kTaskExecute, [&] {
    Caller caller;
    if (const axclError code = bind_caller(caller, kDeviceNoActive); code != kOk) return code;
    *event = Runtime::instance().events.add(std::make_shared<Event>());
    return kOk;
  });
}

axclError axclrtDestroyEvent(axclrtEvent event) {
  if (event == nullptr) return kStreamNull;
  return Runtime::instance().events.remove(event) == nullptr ? kStreamIllegal : kOk;
}

axclError axclrtRecordEvent(axclrtEvent event_handle, axclrtStream stream_handle) {
  return guarded(kTaskExecute, [&] {
    std::shared_ptr<Event> event;
    if (const axclError code = find(event_handle, event); code != kOk) return code;
    std::shared_ptr<StreamEntry> stream;
    if (const axclError code = find_stream(stream_handle, stream); code != kOk) return code;
    return stream->stream->enqueue([event, mark = event->record()] {
      event->reach(mark);
      return kOk;
    });
  });
}

axclError axclrtStreamWaitEvent(axclrtStream stream, axclrtEvent event) {
  return wait_for(stream, event, std::nullopt);
}

axclError axclrtStreamWaitEventWithTimeout(axclrtStream stream, axclrtEvent event,
                                           std::int32_t timeout_ms) {
  if (timeout_ms < 0) return wait_for(stream, event, std::nullopt);
  return wait_for(stream, event, std::chrono::milliseconds(timeout_ms));
}
