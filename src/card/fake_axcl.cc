#include "card/fake_axcl.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "card/axcl_abi.h"

namespace {

using axle::card::abi::DeviceList;
using axle::card::abi::DeviceProperties;
using axle::card::abi::Dims;

struct Io {
  void* inputs[8] = {};
  void* outputs[8] = {};
};

thread_local void* current_context = nullptr;
int context_object = 0;
std::uint64_t next_engine = 7;

// Records the call and gives its scripted answer.
std::int32_t enter(const char* name) {
  FakeAxcl& fake = *fake_axcl();
  if (fake.quick) return 0;
  fake.calls.emplace_back(name);
  if (fake.on_call) fake.on_call(name);
  std::deque<std::int32_t>& results = fake.results[name];
  if (results.empty()) return 0;
  const std::int32_t result = results.front();
  results.pop_front();
  return result;
}

// As enter(); threads without the context are refused.
std::int32_t enter_bound(const char* name) {
  const std::int32_t result = enter(name);
  if (result != 0) return result;
  return current_context == nullptr ? static_cast<std::int32_t>(0x80300284) : 0;
}

std::int32_t give(void** handle, std::set<void*>& live, std::size_t size) {
  void* object = fake_axcl()->null_handles ? nullptr : std::calloc(1, size);
  if (object != nullptr) live.insert(object);
  *handle = object;
  return 0;
}

std::int32_t drop(std::set<void*>& live, void* object) {
  if (live.erase(object) != 1) return static_cast<std::int32_t>(0x80300703);
  std::free(object);
  return 0;
}

void execute(const Io& io, std::uint32_t group) {
  const std::uint64_t bytes = fake_axcl()->inputs[1].size_bytes[group];
  const auto* input = static_cast<const unsigned char*>(io.inputs[1]);
  for (void* output : {io.outputs[0], io.outputs[1]}) {
    for (std::uint64_t i = 0; i < bytes; ++i) {
      static_cast<unsigned char*>(output)[i] = static_cast<unsigned char>(input[i] + 1);
    }
  }
}

std::int32_t dims_of(Dims* dims, std::uint64_t bytes) {
  dims->count = fake_axcl()->dim_count;
  dims->sizes[0] = 1;
  dims->sizes[1] = static_cast<std::int32_t>(bytes / 2);
  return 0;
}

}  // namespace

#define FAKE_EXPORT extern "C" __attribute__((visibility("default")))

FAKE_EXPORT FakeAxcl* fake_axcl() {
  static FakeAxcl fake;
  return &fake;
}

FAKE_EXPORT std::int32_t axclInit(const char*) {
  std::fputs(fake_axcl()->printed.c_str(), stdout);
  std::fflush(stdout);
  return enter("axclInit");
}
FAKE_EXPORT std::int32_t axclFinalize() { return enter("axclFinalize"); }
FAKE_EXPORT std::int32_t axclrtGetVersion(std::int32_t* a, std::int32_t* b, std::int32_t* c) {
  *a = 3;
  *b = 10;
  *c = 2;
  return enter("axclrtGetVersion");
}
FAKE_EXPORT const char* axclrtGetFullVersion() { return "V3.10.2_20251215140224"; }
FAKE_EXPORT const char* axclrtGetSocName() { return "AX650N"; }

FAKE_EXPORT std::int32_t axclrtGetDeviceList(DeviceList* list) {
  const std::vector<std::int32_t>& devices = fake_axcl()->devices;
  list->count = static_cast<std::uint32_t>(devices.size());
  std::copy(devices.rbegin(), devices.rend(), list->ids);
  return enter("axclrtGetDeviceList");
}
FAKE_EXPORT std::int32_t axclrtSetDevice(std::int32_t device) {
  const std::int32_t result = enter("axclrtSetDevice");
  if (result != 0) return result;
  fake_axcl()->selected = device;
  current_context = &context_object;
  return 0;
}
FAKE_EXPORT std::int32_t axclrtResetDevice(std::int32_t) {
  current_context = nullptr;
  return enter("axclrtResetDevice");
}
FAKE_EXPORT std::int32_t axclrtRebootDevice(std::int32_t) { return enter("axclrtRebootDevice"); }
FAKE_EXPORT std::int32_t axclrtGetDeviceProperties(std::int32_t, DeviceProperties* p) {
  *p = {};
  const FakeAxcl& fake = *fake_axcl();
  std::snprintf(p->software_version, sizeof p->software_version, "%s", fake.firmware.c_str());
  p->uid = 0x6010b819428590c6u;
  p->temperature_millidegree = fake.temperature_millidegree;
  p->memory_total_kib = 968356;
  p->memory_free_kib = 814932;
  p->cmm_total_kib = 7208960;
  p->cmm_free_kib = fake.cmm_free_kib;
  p->cpu_percent_x100 = 230;
  p->npu_percent_x100 = 5000;
  return enter("axclrtGetDeviceProperties");
}
FAKE_EXPORT std::int32_t axclrtSetCurrentContext(void* context) {
  current_context = context;
  return enter("axclrtSetCurrentContext");
}
FAKE_EXPORT std::int32_t axclrtGetCurrentContext(void** context) {
  *context = fake_axcl()->null_handles ? nullptr : current_context;
  return enter("axclrtGetCurrentContext");
}

FAKE_EXPORT std::int32_t axclrtMalloc(void** block, std::size_t size, int) {
  const std::int32_t result = enter_bound("axclrtMalloc");
  if (result != 0) return result;
  *block = fake_axcl()->null_handles ? nullptr : std::malloc(size);
  if (*block != nullptr) fake_axcl()->blocks[*block] = size;
  return 0;
}
FAKE_EXPORT std::int32_t axclrtFree(void* block) {
  const std::int32_t result = enter_bound("axclrtFree");
  if (result != 0) return result;
  if (fake_axcl()->blocks.erase(block) != 1) return static_cast<std::int32_t>(0x80300581);
  std::free(block);
  return 0;
}
FAKE_EXPORT std::int32_t axclrtMemset(void* block, std::uint8_t value, std::size_t size) {
  const std::int32_t result = enter_bound("axclrtMemset");
  if (result == 0) std::memset(block, value, size);
  return result;
}
FAKE_EXPORT std::int32_t axclrtMemcpy(void* to, const void* from, std::size_t size, int) {
  const std::int32_t result = enter_bound("axclrtMemcpy");
  if (result == 0) std::memcpy(to, from, size);
  return result;
}
FAKE_EXPORT std::int32_t axclrtMemcmp(const void* a, const void* b, std::size_t size) {
  const std::int32_t result = enter_bound("axclrtMemcmp");
  return result != 0 ? result : std::memcmp(a, b, size);
}
FAKE_EXPORT std::int32_t axclrtMemsetAsync(void* block, std::uint8_t value, std::size_t size,
                                           void*) {
  const std::int32_t result = enter_bound("axclrtMemsetAsync");
  if (result == 0) std::memset(block, value, size);
  return result;
}
FAKE_EXPORT std::int32_t axclrtMemcpyAsync(void* to, const void* from, std::size_t size, int,
                                           void*) {
  const std::int32_t result = enter_bound("axclrtMemcpyAsync");
  if (result == 0) std::memcpy(to, from, size);
  return result;
}
FAKE_EXPORT std::int32_t axclrtCreateStream(void** stream) {
  const std::int32_t result = enter_bound("axclrtCreateStream");
  return result != 0 ? result : give(stream, fake_axcl()->streams, 1);
}
FAKE_EXPORT std::int32_t axclrtDestroyStream(void* stream) {
  const std::int32_t result = enter("axclrtDestroyStream");
  return result != 0 ? result : drop(fake_axcl()->streams, stream);
}
FAKE_EXPORT std::int32_t axclrtDestroyStreamForce(void* stream) {
  const std::int32_t result = enter("axclrtDestroyStreamForce");
  return result != 0 ? result : drop(fake_axcl()->streams, stream);
}
FAKE_EXPORT std::int32_t axclrtSynchronizeStream(void*) {
  return enter_bound("axclrtSynchronizeStream");
}
FAKE_EXPORT std::int32_t axclrtSynchronizeStreamWithTimeout(void*, std::int32_t) {
  return enter_bound("axclrtSynchronizeStreamWithTimeout");
}
FAKE_EXPORT std::int32_t axclrtCreateEvent(void**) { return enter("axclrtCreateEvent"); }
FAKE_EXPORT std::int32_t axclrtRecordEvent(void*, void*) { return enter("axclrtRecordEvent"); }
FAKE_EXPORT std::int32_t axclrtStreamWaitEvent(void*, void*) {
  return enter("axclrtStreamWaitEvent");
}

FAKE_EXPORT std::int32_t axclrtEngineInit(int) { return enter_bound("axclrtEngineInit"); }
FAKE_EXPORT std::int32_t axclrtEngineFinalize() { return enter_bound("axclrtEngineFinalize"); }
FAKE_EXPORT std::int32_t axclrtEngineLoadFromFile(const char*, std::uint64_t* id) {
  const std::int32_t result = enter_bound("axclrtEngineLoadFromFile");
  if (result != 0) return result;
  *id = fake_axcl()->null_handles ? 0 : next_engine++;
  if (*id != 0) fake_axcl()->engines.insert(*id);
  return 0;
}
FAKE_EXPORT std::int32_t axclrtEngineUnload(std::uint64_t id) {
  const std::int32_t result = enter_bound("axclrtEngineUnload");
  if (result != 0) return result;
  return fake_axcl()->engines.erase(id) == 1 ? 0 : static_cast<std::int32_t>(0x80300703);
}
FAKE_EXPORT const char* axclrtEngineGetModelCompilerVersion(std::uint64_t) {
  return "4.2 7e6b2b5f";
}
FAKE_EXPORT std::int32_t axclrtEngineGetUsageFromModelId(std::uint64_t, std::int64_t* system,
                                                         std::int64_t* cmm) {
  *system = 1;
  *cmm = 4096;
  return enter("axclrtEngineGetUsageFromModelId");
}
FAKE_EXPORT std::int32_t axclrtEngineCreateContext(std::uint64_t, std::uint64_t* context) {
  *context = 1;
  return enter_bound("axclrtEngineCreateContext");
}
FAKE_EXPORT std::int32_t axclrtEngineGetIOInfo(std::uint64_t, void** info) {
  const std::int32_t result = enter_bound("axclrtEngineGetIOInfo");
  return result != 0 ? result : give(info, fake_axcl()->io_infos, 1);
}
FAKE_EXPORT std::int32_t axclrtEngineDestroyIOInfo(void* info) {
  const std::int32_t result = enter("axclrtEngineDestroyIOInfo");
  return result != 0 ? result : drop(fake_axcl()->io_infos, info);
}
FAKE_EXPORT std::int32_t axclrtEngineGetShapeGroupsCount(void*, std::int32_t* count) {
  *count = fake_axcl()->group_count;
  return enter("axclrtEngineGetShapeGroupsCount");
}
FAKE_EXPORT std::uint32_t axclrtEngineGetNumInputs(void*) {
  const std::int32_t result = enter("axclrtEngineGetNumInputs");
  return result != 0 ? static_cast<std::uint32_t>(result)
                     : static_cast<std::uint32_t>(fake_axcl()->inputs.size());
}
FAKE_EXPORT std::uint32_t axclrtEngineGetNumOutputs(void*) {
  return static_cast<std::uint32_t>(fake_axcl()->outputs.size());
}
FAKE_EXPORT const char* axclrtEngineGetInputNameByIndex(void*, std::uint32_t i) {
  return fake_axcl()->inputs[i].name;
}
FAKE_EXPORT const char* axclrtEngineGetOutputNameByIndex(void*, std::uint32_t i) {
  return fake_axcl()->outputs[i].name;
}
FAKE_EXPORT std::uint64_t axclrtEngineGetInputSizeByIndex(void*, std::uint32_t g, std::uint32_t i) {
  return fake_axcl()->inputs[i].size_bytes[g];
}
FAKE_EXPORT std::uint64_t axclrtEngineGetOutputSizeByIndex(void*, std::uint32_t g,
                                                           std::uint32_t i) {
  return fake_axcl()->outputs[i].size_bytes[g];
}
FAKE_EXPORT std::int32_t axclrtEngineGetInputDims(void*, std::uint32_t g, std::uint32_t i,
                                                  Dims* dims) {
  const std::int32_t result = enter("axclrtEngineGetInputDims");
  return result != 0 ? result : dims_of(dims, fake_axcl()->inputs[i].size_bytes[g]);
}
FAKE_EXPORT std::int32_t axclrtEngineGetOutputDims(void*, std::uint32_t g, std::uint32_t i,
                                                   Dims* dims) {
  return dims_of(dims, fake_axcl()->outputs[i].size_bytes[g]);
}
FAKE_EXPORT std::int32_t axclrtEngineGetInputDataType(void*, std::uint32_t i, int* type) {
  *type = fake_axcl()->inputs[i].type;
  return enter("axclrtEngineGetInputDataType");
}
FAKE_EXPORT std::int32_t axclrtEngineGetOutputDataType(void*, std::uint32_t i, int* type) {
  *type = fake_axcl()->outputs[i].type;
  return 0;
}
FAKE_EXPORT std::int32_t axclrtEngineCreateIO(void*, void** io) {
  const std::int32_t result = enter_bound("axclrtEngineCreateIO");
  return result != 0 ? result : give(io, fake_axcl()->ios, sizeof(Io));
}
FAKE_EXPORT std::int32_t axclrtEngineDestroyIO(void* io) {
  const std::int32_t result = enter("axclrtEngineDestroyIO");
  return result != 0 ? result : drop(fake_axcl()->ios, io);
}
FAKE_EXPORT std::int32_t axclrtEngineSetInputBufferByIndex(void* io, std::uint32_t i, const void* p,
                                                           std::uint64_t) {
  const std::int32_t result = enter("axclrtEngineSetInputBufferByIndex");
  if (result == 0) static_cast<Io*>(io)->inputs[i] = const_cast<void*>(p);
  return result;
}
FAKE_EXPORT std::int32_t axclrtEngineSetOutputBufferByIndex(void* io, std::uint32_t i,
                                                            const void* p, std::uint64_t) {
  const std::int32_t result = enter("axclrtEngineSetOutputBufferByIndex");
  if (result == 0) static_cast<Io*>(io)->outputs[i] = const_cast<void*>(p);
  return result;
}
FAKE_EXPORT std::int32_t axclrtEngineExecute(std::uint64_t, std::uint64_t, std::uint32_t group,
                                             void* io) {
  const std::int32_t result = enter_bound("axclrtEngineExecute");
  if (result == 0) execute(*static_cast<Io*>(io), group);
  return result;
}
FAKE_EXPORT std::int32_t axclrtEngineExecuteAsync(std::uint64_t, std::uint64_t, std::uint32_t group,
                                                  void* io, void*) {
  const std::int32_t result = enter_bound("axclrtEngineExecuteAsync");
  if (result == 0) execute(*static_cast<Io*>(io), group);
  return result;
}
