#include "softcard/runtime.h"

// Engines: contexts and runs.

using namespace axle::softcard;

namespace {

// What one run needs, found and checked.
struct Run {
  std::shared_ptr<Engine> engine;
  Bindings bindings;
};

axclError prepare(std::uint64_t model, std::uint64_t context, axclrtEngineIO io,
                  const Device& device, Run& run) {
  Runtime& runtime = Runtime::instance();
  const std::shared_ptr<EngineEntry> entry = runtime.engines.find_id(model);
  if (entry == nullptr || entry->device != device.id()) {
    SOFTCARD_LOG(kError, "engine", "no model {} on device {}", model, device.id());
    return kEngineRefused;
  }
  if (context == 0 || context > entry->contexts.load()) {
    SOFTCARD_LOG(kError, "engine", "model {} has no context {}", model, context);
    return kEngineRefused;
  }
  const std::shared_ptr<EngineIo> bound = runtime.ios.find(io);
  if (bound == nullptr) return kEngineIllegal;
  run.engine = entry->engine;
  run.bindings = bound->bindings();
  return kOk;
}

axclError check_arguments(std::uint64_t model, axclrtEngineIO io) {
  if (model == 0) return kEngineIllegal;
  return io == nullptr ? kEngineNull : kOk;
}

axclError finish(Device& device, axclError code) {
  device.faults().on_executed();
  return code;
}

}  // namespace

axclError axclrtEngineCreateContext(std::uint64_t model, std::uint64_t* context) {
  if (model == 0) return kEngineIllegal;
  if (context == nullptr) return kEngineNull;
  Caller caller;
  if (const axclError code = bind_caller(caller); code != kOk) return code;
  const std::shared_ptr<EngineEntry> entry = Runtime::instance().engines.find_id(model);
  if (entry == nullptr || entry->device != caller.device().id()) return kEngineRefused;
  *context = ++entry->contexts;
  return kOk;
}

axclError axclrtEngineExecute(std::uint64_t model, std::uint64_t context, std::uint32_t group,
                              axclrtEngineIO io) {
  if (const axclError code = check_arguments(model, io); code != kOk) return code;
  return guarded(kEngineFail, [&] {
    Caller caller;
    if (const axclError code = enter(CallId::kEngineExecute, caller); code != kOk) return code;
    Run run;
    if (const axclError code = prepare(model, context, io, caller.device(), run); code != kOk) {
      return code;
    }
    return caller.stream().run([&] {
      return finish(caller.device(), run.engine->run(caller.device(), group, run.bindings,
                                                     {.nan = caller.strike.nan, .queued = false}));
    });
  });
}

axclError axclrtEngineExecuteAsync(std::uint64_t model, std::uint64_t context, std::uint32_t group,
                                   axclrtEngineIO io, axclrtStream stream) {
  if (const axclError code = check_arguments(model, io); code != kOk) return code;
  return guarded(kEngineFail, [&] {
    Caller caller;
    if (const axclError code = bind_caller(caller); code != kOk) return code;
    std::shared_ptr<Context> under = caller.context;
    std::shared_ptr<Stream> queue = under->stream;
    if (stream != nullptr) {
      const std::shared_ptr<StreamEntry> entry = Runtime::instance().streams.find(stream);
      if (entry == nullptr) return kStreamIllegal;
      under = entry->context;
      queue = entry->stream;
    }
    // The table of buffers is sent with the call: it may be changed afterwards.
    auto run = std::make_shared<Run>();
    if (const axclError code = prepare(model, context, io, *under->device, *run); code != kOk) {
      return code;
    }
    return queue->enqueue([under, run, group] {
      Device& device = *under->device;
      if (!device.alive()) return kTaskExecute;
      const Strike strike = device.strike(CallId::kEngineExecute);
      if (strike.code != kOk) return strike.code;
      return finish(device, run->engine->run(device, group, run->bindings,
                                             {.nan = strike.nan, .queued = true}));
    });
  });
}
