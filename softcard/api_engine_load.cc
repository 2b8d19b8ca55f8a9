#include <cstring>
#include <filesystem>
#include <optional>
#include <system_error>
#include <vector>

#include "softcard/runtime.h"

// Engines: start, load, unload, and what can be asked about a model.

using namespace axle::softcard;
namespace fs = std::filesystem;

namespace {

// The kind that EngineInit was given; of the process, as the card's worker is.
std::atomic<std::int32_t> vnpu_kind{0};

constexpr std::int32_t kModelType1Core = 0;
constexpr std::uint64_t kSystemBytes = 64 * 1024;  // Of the card's own system, per engine.

// Card memory that is taken for a while.
class Charge {
 public:
  Charge(Device& device, std::uint64_t bytes)
      : device_(device), bytes_(bytes), ok_(device.charge(bytes)) {}
  ~Charge() {
    if (ok_) device_.discharge(bytes_);
  }
  Charge(const Charge&) = delete;
  Charge& operator=(const Charge&) = delete;
  bool ok() const { return ok_; }
  void keep() { ok_ = false; }

 private:
  Device& device_;
  std::uint64_t bytes_;
  bool ok_;
};

axclError refuse(const axle::Status& why) {
  SOFTCARD_LOG(kError, "engine", "load model fail: {}", why.message());
  return kEngineRefused;
}

axclError register_engine(Device& device, const EngineFile& file, std::uint64_t* model) {
  const axle::Result<EngineDescription> description = describe(*file.model);
  if (!description.ok()) return refuse(description.status());
  Charge charge(device, engine_memory_bytes(file, *description));
  if (!charge.ok()) return kEngineRefused;
  axle::Result<std::shared_ptr<Engine>> engine = Engine::create(file, device.profile());
  if (!engine.ok()) return refuse(engine.status());
  auto entry = std::make_shared<EngineEntry>();
  entry->engine = *std::move(engine);
  entry->device = device.id();
  *model = HandleTable<EngineEntry>::to_id(Runtime::instance().engines.add(std::move(entry)));
  charge.keep();
  return kOk;
}

axclError load_file(Device& device, const char* path, std::uint64_t* model) {
  const auto begin = std::chrono::steady_clock::now();
  std::error_code ignored;
  const std::uint64_t size = fs::file_size(path, ignored);
  // The runtime copies the file to the card, loads it there and frees the copy.
  const Charge copy(device, Arena::round_to_pages(size));
  if (!copy.ok()) return kMemoryExecute;
  const axle::Result<EngineFile> file = open_engine_file(path);
  if (!file.ok()) return refuse(file.status().with_context(path));
  device.pace_copy(file->size_bytes, begin);
  const axclError code = register_engine(device, *file, model);
  if (code != kOk) SOFTCARD_LOG(kError, "engine", "{} was not loaded", path);
  return code;
}

axclError load_memory(Device& device, const void* data, std::uint64_t size, std::uint64_t* model) {
  const std::uint64_t address = to_address(data);
  if (device.arena().clip(address, size) != size) {
    SOFTCARD_LOG(kError, "engine", "{:#x} with {} bytes is not in the card's memory", address,
                 size);
    return kEngineRefused;
  }
  const std::byte* begin = device.arena().host(address);
  const axle::Result<EngineFile> file =
      open_engine_bytes(std::vector<std::byte>(begin, begin + size));
  return file.ok() ? register_engine(device, *file, model) : refuse(file.status());
}

template <typename Work>
axclError in_order(CallId call, axclError unbound, const Work& work) {
  return guarded(kEngineFail, [&] {
    Caller caller;
    if (const axclError code = enter(call, caller, unbound); code != kOk) return code;
    return caller.stream().run([&] { return work(caller.device()); });
  });
}

bool missing(const char* path) {
  std::error_code ignored;
  return !fs::is_regular_file(path, ignored);
}

// The engine of an id, on the caller's card.
axclError find_engine(std::uint64_t model, std::shared_ptr<EngineEntry>& entry) {
  if (model == 0) return kEngineIllegal;
  Caller caller;
  if (const axclError code = bind_caller(caller); code != kOk) return code;
  entry = Runtime::instance().engines.find_id(model);
  return entry != nullptr && entry->device == caller.device().id() ? kOk : kEngineRefused;
}

axclError usage_of(const axle::Result<EngineFile>& file, std::int64_t* system, std::int64_t* cmm) {
  if (!file.ok()) return refuse(file.status());
  const axle::Result<EngineDescription> description = describe(*file->model);
  if (!description.ok()) return refuse(description.status());
  *system = static_cast<std::int64_t>(kSystemBytes);
  *cmm = static_cast<std::int64_t>(engine_memory_bytes(*file, *description));
  return kOk;
}

// An engine file that lies in the card's memory.
axle::Result<EngineFile> file_on_card(Device& device, const void* data, std::uint64_t size) {
  if (device.arena().clip(to_address(data), size) != size) {
    return axle::invalid_argument("not in the card's memory");
  }
  const std::byte* begin = device.arena().host(to_address(data));
  return open_engine_bytes(std::vector<std::byte>(begin, begin + size));
}

}  // namespace

axclError axclrtEngineInit(std::int32_t kind) {
  return in_order(CallId::kEngineInit, kContextNoBind, [kind](Device&) {
    if (kind < 0 || kind > 3) return kEngineIllegal;
    vnpu_kind.store(kind);
    return kOk;
  });
}

axclError axclrtEngineGetVNpuKind(std::int32_t* kind) {
  if (kind == nullptr) return kEngineNull;
  Caller caller;
  if (const axclError code = bind_caller(caller); code != kOk) return code;
  *kind = vnpu_kind.load();
  return kOk;
}

axclError axclrtEngineFinalize() {
  Caller caller;
  return bind_caller(caller);
}

axclError axclrtEngineLoadFromFile(const char* path, std::uint64_t* model) {
  if (path == nullptr || model == nullptr) return kEngineNull;
  if (missing(path)) return kEngineIllegal;
  return in_order(CallId::kEngineLoad, kMemoryExecute,
                  [&](Device& device) { return load_file(device, path, model); });
}

axclError axclrtEngineLoadFromMem(const void* data, std::uint64_t size, std::uint64_t* model) {
  if (data == nullptr || size == 0) return kEngineIllegal;
  if (model == nullptr) return kEngineNull;
  return in_order(CallId::kEngineLoad, kContextNoBind,
                  [&](Device& device) { return load_memory(device, data, size, model); });
}

axclError axclrtEngineUnload(std::uint64_t model) {
  if (model == 0) return kEngineIllegal;
  return in_order(CallId::kEngineUnload, kContextNoBind, [model](Device& device) {
    Runtime& runtime = Runtime::instance();
    const std::shared_ptr<EngineEntry> found = runtime.engines.find_id(model);
    if (found == nullptr || found->device != device.id()) return kEngineRefused;
    if (runtime.engines.remove_id(model) == nullptr) return kEngineRefused;
    device.discharge(found->engine->memory_bytes());
    return kOk;
  });
}

const char* axclrtEngineGetModelCompilerVersion(std::uint64_t model) {
  std::shared_ptr<EngineEntry> entry;
  if (find_engine(model, entry) != kOk) return nullptr;
  return entry->engine->description()->compiler_version.c_str();
}

axclError axclrtEngineSetAffinity(std::uint64_t model, axclrtEngineSet set) {
  if (set == 0) return kEngineIllegal;
  std::shared_ptr<EngineEntry> entry;
  if (const axclError code = find_engine(model, entry); code != kOk) return code;
  entry->engine->affinity.store(set);
  return kOk;
}

axclError axclrtEngineGetAffinity(std::uint64_t model, axclrtEngineSet* set) {
  if (set == nullptr) return kEngineNull;
  std::shared_ptr<EngineEntry> entry;
  if (const axclError code = find_engine(model, entry); code != kOk) return code;
  *set = entry->engine->affinity.load();
  return kOk;
}

axclError axclrtEngineSetContextAffinity(std::uint64_t /*model*/, std::uint64_t /*context*/,
                                         axclrtEngineSet /*set*/) {
  return kEngineUnsupported;
}

axclError axclrtEngineGetContextAffinity(std::uint64_t /*model*/, std::uint64_t /*context*/,
                                         axclrtEngineSet* /*set*/) {
  return kEngineUnsupported;
}

axclError axclrtEngineGetUsage(const char* path, std::int64_t* system_bytes,
                               std::int64_t* cmm_bytes) {
  if (path == nullptr || system_bytes == nullptr || cmm_bytes == nullptr) return kEngineNull;
  if (missing(path)) return kMemoryExecute;
  return guarded(kEngineFail, [&] {
    Caller caller;
    if (const axclError code = bind_caller(caller, kMemoryExecute); code != kOk) return code;
    return usage_of(open_engine_file(path), system_bytes, cmm_bytes);
  });
}

axclError axclrtEngineGetUsageFromMem(const void* data, std::uint64_t size,
                                      std::int64_t* system_bytes, std::int64_t* cmm_bytes) {
  if (data == nullptr || size == 0) return kEngineIllegal;
  if (system_bytes == nullptr || cmm_bytes == nullptr) return kEngineNull;
  return guarded(kEngineFail, [&] {
    Caller caller;
    if (const axclError code = bind_caller(caller); code != kOk) return code;
    return usage_of(file_on_card(caller.device(), data, size), system_bytes, cmm_bytes);
  });
}

axclError axclrtEngineGetUsageFromModelId(std::uint64_t model, std::int64_t* system_bytes,
                                          std::int64_t* cmm_bytes) {
  if (system_bytes == nullptr || cmm_bytes == nullptr) return kEngineNull;
  std::shared_ptr<EngineEntry> entry;
  if (const axclError code = find_engine(model, entry); code != kOk) return code;
  *system_bytes = static_cast<std::int64_t>(kSystemBytes);
  *cmm_bytes = static_cast<std::int64_t>(entry->engine->memory_bytes());
  return kOk;
}

axclError axclrtEngineGetModelType(const char* path, std::int32_t* kind) {
  if (path == nullptr || kind == nullptr) return kEngineNull;
  if (missing(path)) return kMemoryExecute;
  return guarded(kEngineFail, [&] {
    Caller caller;
    if (const axclError code = bind_caller(caller, kMemoryExecute); code != kOk) return code;
    const axle::Result<EngineFile> file = open_engine_file(path);
    if (!file.ok()) return refuse(file.status());
    *kind = kModelType1Core;
    return kOk;
  });
}

axclError axclrtEngineGetModelTypeFromMem(const void* data, std::uint64_t size,
                                          std::int32_t* kind) {
  if (data == nullptr || size == 0) return kEngineIllegal;
  if (kind == nullptr) return kEngineNull;
  return guarded(kEngineFail, [&] {
    Caller caller;
    if (const axclError code = bind_caller(caller); code != kOk) return code;
    const axle::Result<EngineFile> file = file_on_card(caller.device(), data, size);
    if (!file.ok()) return refuse(file.status());
    *kind = kModelType1Core;
    return kOk;
  });
}

axclError axclrtEngineGetModelTypeFromModelId(std::uint64_t model, std::int32_t* kind) {
  if (kind == nullptr) return kEngineNull;
  std::shared_ptr<EngineEntry> entry;
  if (const axclError code = find_engine(model, entry); code != kOk) return code;
  *kind = kModelType1Core;
  return kOk;
}
