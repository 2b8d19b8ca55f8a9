#include "softcard/runtime.h"

// Contexts. The current one is a matter of the thread.

using namespace axle::softcard;

axclError axclrtCreateContext(axclrtContext* context, std::int32_t device) {
  if (context == nullptr) return kContextNull;
  return guarded(kContextCreate,
                 [&] { return Runtime::instance().create_context(device, *context); });
}

axclError axclrtDestroyContext(axclrtContext context) {
  if (context == nullptr) return kContextNull;
  return guarded(kContextDestroy, [&] { return Runtime::instance().destroy_context(context); });
}

axclError axclrtSetCurrentContext(axclrtContext context) {
  if (context == nullptr) return kContextNull;
  Runtime& runtime = Runtime::instance();
  if (runtime.contexts.find(context) == nullptr) return kContextIllegal;
  runtime.bind(context);
  return kOk;
}

axclError axclrtGetCurrentContext(axclrtContext* context) {
  if (context == nullptr) return kContextNull;
  const std::shared_ptr<Context> current = Runtime::instance().current();
  if (current == nullptr) return kContextNoBind;
  *context = current->handle;
  return kOk;
}

axclError axclrtGetDefaultContext(axclrtContext* context, std::int32_t device) {
  if (context == nullptr) return kContextNull;
  void* const handle = Runtime::instance().default_context(device);
  if (handle == nullptr) return kDeviceNotActive;
  *context = handle;
  return kOk;
}

axclError axclrtGetContextId(axclrtContext context, std::uint64_t* id) {
  if (context == nullptr || id == nullptr) return kContextNull;
  if (Runtime::instance().contexts.find(context) == nullptr) return kContextIllegal;
  *id = HandleTable<Context>::to_id(context);
  return kOk;
}
