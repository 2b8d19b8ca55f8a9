#pragma once

#include <cstddef>
#include <cstdint>

// The C ABI of the AXCL runtime that this library answers: types and functions, declared in our own
// words. Enumerations of the vendor's headers are `int`-sized; here they are std::int32_t.
// Source: AXCL runtime V3.10.2, its public headers axcl*.h and the exported symbols of its library.

#define AXCL_EXPORT extern "C" __attribute__((visibility("default")))

using axclError = std::int32_t;
using axclrtContext = void*;
using axclrtStream = void*;
using axclrtEvent = void*;
using axclrtEngineIOInfo = void*;
using axclrtEngineIO = void*;
using axclrtEngineSet = std::uint32_t;  // Bit i is NPU core i.

struct axclrtDeviceList {
  std::uint32_t num;
  std::int32_t devices[256];
};
static_assert(sizeof(axclrtDeviceList) == 1028);

struct axclrtDeviceProperties {
  char swVersion[64];
  std::uint64_t uid;
  std::uint32_t pciDomain;
  std::uint32_t pciBusID;
  std::uint32_t pciDeviceID;
  std::int32_t temperature;                                            // Thousandths of a degree C.
  std::uint32_t totalMemSize, freeMemSize, totalCmmSize, freeCmmSize;  // KB
  std::uint32_t cpuLoading, npuLoading;                                // Hundredths of a percent.
  std::uint32_t reserved[32];
};
static_assert(sizeof(axclrtDeviceProperties) == 240);
static_assert(offsetof(axclrtDeviceProperties, temperature) == 84);
static_assert(offsetof(axclrtDeviceProperties, npuLoading) == 108);

struct axclrtEngineIODims {
  std::int32_t dimCount;
  std::int32_t dims[32];
};
static_assert(sizeof(axclrtEngineIODims) == 132);

struct axclrtDeviceBusInfo {
  std::uint32_t domain, bus, slot, func;
};
static_assert(sizeof(axclrtDeviceBusInfo) == 16);

struct axclrtDevicePidInfo {
  std::uint32_t device, num;
  std::uint32_t* pid;  // Allocated with malloc for the caller.
};
static_assert(sizeof(axclrtDevicePidInfo) == 8 + sizeof(void*));

struct axclrtP2PUnitInfo {
  std::uint32_t u32DeviceNum;
  std::int32_t n32DeviceId[8];
  std::uint32_t u32DeviceMemSize[8];
};
static_assert(sizeof(axclrtP2PUnitInfo) == 68);

// Start, end, log.
AXCL_EXPORT axclError axclInit(const char* config);
AXCL_EXPORT axclError axclFinalize();
AXCL_EXPORT axclError axclSetLogLevel(std::int32_t level);
AXCL_EXPORT __attribute__((format(printf, 5, 6))) void axclAppLog(std::int32_t level,
                                                                  const char* function,
                                                                  const char* file,
                                                                  std::uint32_t line,
                                                                  const char* format, ...);
AXCL_EXPORT axclError axclrtGetVersion(std::int32_t* major, std::int32_t* minor,
                                       std::int32_t* patch);
AXCL_EXPORT const char* axclrtGetFullVersion();
AXCL_EXPORT const char* axclrtGetSocName();

// Devices. Ids are PCIe bus numbers.
AXCL_EXPORT axclError axclrtSetDevice(std::int32_t device);
AXCL_EXPORT axclError axclrtResetDevice(std::int32_t device);
AXCL_EXPORT axclError axclrtGetDevice(std::int32_t* device);
AXCL_EXPORT axclError axclrtGetDeviceCount(std::uint32_t* count);
AXCL_EXPORT axclError axclrtGetDeviceList(axclrtDeviceList* list);
AXCL_EXPORT axclError axclrtSynchronizeDevice();
AXCL_EXPORT axclError axclrtGetDeviceProperties(std::int32_t device,
                                                axclrtDeviceProperties* properties);
AXCL_EXPORT axclError axclrtGetDeviceBusInfo(std::int32_t device, axclrtDeviceBusInfo* info);
AXCL_EXPORT axclError axclrtGetDevicePidInfo(std::int32_t device, axclrtDevicePidInfo* info);
AXCL_EXPORT axclError axclrtRebootDevice(std::int32_t device);

// Contexts.
AXCL_EXPORT axclError axclrtCreateContext(axclrtContext* context, std::int32_t device);
AXCL_EXPORT axclError axclrtDestroyContext(axclrtContext context);
AXCL_EXPORT axclError axclrtSetCurrentContext(axclrtContext context);
AXCL_EXPORT axclError axclrtGetCurrentContext(axclrtContext* context);
AXCL_EXPORT axclError axclrtGetDefaultContext(axclrtContext* context, std::int32_t device);
AXCL_EXPORT axclError axclrtGetContextId(axclrtContext context, std::uint64_t* id);

// Streams and events.
AXCL_EXPORT axclError axclrtCreateStream(axclrtStream* stream);
AXCL_EXPORT axclError axclrtDestroyStream(axclrtStream stream);
AXCL_EXPORT axclError axclrtDestroyStreamForce(axclrtStream stream);
AXCL_EXPORT axclError axclrtSynchronizeStream(axclrtStream stream);
AXCL_EXPORT axclError axclrtSynchronizeStreamWithTimeout(axclrtStream stream,
                                                         std::int32_t timeout_ms);
AXCL_EXPORT axclError axclrtGetDefaultStream(axclrtContext context, axclrtStream* stream);
AXCL_EXPORT axclError axclrtCreateEvent(axclrtEvent* event);
AXCL_EXPORT axclError axclrtDestroyEvent(axclrtEvent event);
AXCL_EXPORT axclError axclrtRecordEvent(axclrtEvent event, axclrtStream stream);
AXCL_EXPORT axclError axclrtStreamWaitEvent(axclrtStream stream, axclrtEvent event);
AXCL_EXPORT axclError axclrtStreamWaitEventWithTimeout(axclrtStream stream, axclrtEvent event,
                                                       std::int32_t timeout_ms);

// Memory.
AXCL_EXPORT axclError axclrtMalloc(void** pointer, std::size_t size, std::int32_t policy);
AXCL_EXPORT axclError axclrtMallocCached(void** pointer, std::size_t size, std::int32_t policy);
AXCL_EXPORT axclError axclrtFree(void* pointer);
AXCL_EXPORT axclError axclrtMemFlush(void* pointer, std::size_t size);
AXCL_EXPORT axclError axclrtMemInvalidate(void* pointer, std::size_t size);
AXCL_EXPORT axclError axclrtMallocHost(void** pointer, std::size_t size);
AXCL_EXPORT axclError axclrtFreeHost(void* pointer);
AXCL_EXPORT axclError axclrtMemset(void* pointer, std::uint8_t value, std::size_t count);
AXCL_EXPORT axclError axclrtMemcpy(void* to, const void* from, std::size_t count,
                                   std::int32_t kind);
AXCL_EXPORT axclError axclrtMemcmp(const void* one, const void* other, std::size_t count);
AXCL_EXPORT axclError axclrtMemsetAsync(void* pointer, std::uint8_t value, std::size_t count,
                                        axclrtStream stream);
AXCL_EXPORT axclError axclrtMemcpyAsync(void* to, const void* from, std::size_t count,
                                        std::int32_t kind, axclrtStream stream);
AXCL_EXPORT axclError axclrtMemcmpAsync(const void* one, const void* other, std::size_t count,
                                        axclrtStream stream);

// Engines: load and describe.
AXCL_EXPORT axclError axclrtEngineInit(std::int32_t vnpu_kind);
AXCL_EXPORT axclError axclrtEngineGetVNpuKind(std::int32_t* vnpu_kind);
AXCL_EXPORT axclError axclrtEngineFinalize();
AXCL_EXPORT axclError axclrtEngineLoadFromFile(const char* path, std::uint64_t* model);
AXCL_EXPORT axclError axclrtEngineLoadFromMem(const void* data, std::uint64_t size,
                                              std::uint64_t* model);
AXCL_EXPORT axclError axclrtEngineUnload(std::uint64_t model);
AXCL_EXPORT const char* axclrtEngineGetModelCompilerVersion(std::uint64_t model);
AXCL_EXPORT axclError axclrtEngineSetAffinity(std::uint64_t model, axclrtEngineSet set);
AXCL_EXPORT axclError axclrtEngineGetAffinity(std::uint64_t model, axclrtEngineSet* set);
AXCL_EXPORT axclError axclrtEngineSetContextAffinity(std::uint64_t model, std::uint64_t context,
                                                     axclrtEngineSet set);
AXCL_EXPORT axclError axclrtEngineGetContextAffinity(std::uint64_t model, std::uint64_t context,
                                                     axclrtEngineSet* set);
AXCL_EXPORT axclError axclrtEngineGetUsage(const char* path, std::int64_t* system_bytes,
                                           std::int64_t* cmm_bytes);
AXCL_EXPORT axclError axclrtEngineGetUsageFromMem(const void* data, std::uint64_t size,
                                                  std::int64_t* system_bytes,
                                                  std::int64_t* cmm_bytes);
AXCL_EXPORT axclError axclrtEngineGetUsageFromModelId(std::uint64_t model,
                                                      std::int64_t* system_bytes,
                                                      std::int64_t* cmm_bytes);
AXCL_EXPORT axclError axclrtEngineGetModelType(const char* path, std::int32_t* kind);
AXCL_EXPORT axclError axclrtEngineGetModelTypeFromMem(const void* data, std::uint64_t size,
                                                      std::int32_t* kind);
AXCL_EXPORT axclError axclrtEngineGetModelTypeFromModelId(std::uint64_t model, std::int32_t* kind);

// Engines: inputs and outputs. The size and count getters return error codes as values.
AXCL_EXPORT axclError axclrtEngineGetIOInfo(std::uint64_t model, axclrtEngineIOInfo* info);
AXCL_EXPORT axclError axclrtEngineDestroyIOInfo(axclrtEngineIOInfo info);
AXCL_EXPORT axclError axclrtEngineGetShapeGroupsCount(axclrtEngineIOInfo info, std::int32_t* count);
AXCL_EXPORT std::uint32_t axclrtEngineGetNumInputs(axclrtEngineIOInfo info);
AXCL_EXPORT std::uint32_t axclrtEngineGetNumOutputs(axclrtEngineIOInfo info);
AXCL_EXPORT std::uint64_t axclrtEngineGetInputSizeByIndex(axclrtEngineIOInfo info,
                                                          std::uint32_t group, std::uint32_t index);
AXCL_EXPORT std::uint64_t axclrtEngineGetOutputSizeByIndex(axclrtEngineIOInfo info,
                                                           std::uint32_t group,
                                                           std::uint32_t index);
AXCL_EXPORT const char* axclrtEngineGetInputNameByIndex(axclrtEngineIOInfo info,
                                                        std::uint32_t index);
AXCL_EXPORT const char* axclrtEngineGetOutputNameByIndex(axclrtEngineIOInfo info,
                                                         std::uint32_t index);
AXCL_EXPORT std::int32_t axclrtEngineGetInputIndexByName(axclrtEngineIOInfo info, const char* name);
AXCL_EXPORT std::int32_t axclrtEngineGetOutputIndexByName(axclrtEngineIOInfo info,
                                                          const char* name);
AXCL_EXPORT axclError axclrtEngineGetInputDims(axclrtEngineIOInfo info, std::uint32_t group,
                                               std::uint32_t index, axclrtEngineIODims* dims);
AXCL_EXPORT axclError axclrtEngineGetOutputDims(axclrtEngineIOInfo info, std::uint32_t group,
                                                std::uint32_t index, axclrtEngineIODims* dims);
AXCL_EXPORT axclError axclrtEngineGetInputDataType(axclrtEngineIOInfo info, std::uint32_t index,
                                                   std::int32_t* type);
AXCL_EXPORT axclError axclrtEngineGetOutputDataType(axclrtEngineIOInfo info, std::uint32_t index,
                                                    std::int32_t* type);
AXCL_EXPORT axclError axclrtEngineGetInputDataLayout(axclrtEngineIOInfo info, std::uint32_t index,
                                                     std::int32_t* layout);
AXCL_EXPORT axclError axclrtEngineGetOutputDataLayout(axclrtEngineIOInfo info, std::uint32_t index,
                                                      std::int32_t* layout);
AXCL_EXPORT axclError axclrtEngineCreateIO(axclrtEngineIOInfo info, axclrtEngineIO* io);
AXCL_EXPORT axclError axclrtEngineDestroyIO(axclrtEngineIO io);
AXCL_EXPORT axclError axclrtEngineSetInputBufferByIndex(axclrtEngineIO io, std::uint32_t index,
                                                        const void* buffer, std::uint64_t size);
AXCL_EXPORT axclError axclrtEngineSetOutputBufferByIndex(axclrtEngineIO io, std::uint32_t index,
                                                         const void* buffer, std::uint64_t size);
AXCL_EXPORT axclError axclrtEngineSetInputBufferByName(axclrtEngineIO io, const char* name,
                                                       const void* buffer, std::uint64_t size);
AXCL_EXPORT axclError axclrtEngineSetOutputBufferByName(axclrtEngineIO io, const char* name,
                                                        const void* buffer, std::uint64_t size);
AXCL_EXPORT axclError axclrtEngineGetInputBufferByIndex(axclrtEngineIO io, std::uint32_t index,
                                                        void** buffer, std::uint64_t* size);
AXCL_EXPORT axclError axclrtEngineGetOutputBufferByIndex(axclrtEngineIO io, std::uint32_t index,
                                                         void** buffer, std::uint64_t* size);
AXCL_EXPORT axclError axclrtEngineGetInputBufferByName(axclrtEngineIO io, const char* name,
                                                       void** buffer, std::uint64_t* size);
AXCL_EXPORT axclError axclrtEngineGetOutputBufferByName(axclrtEngineIO io, const char* name,
                                                        void** buffer, std::uint64_t* size);
AXCL_EXPORT axclError axclrtEngineSetDynamicBatchSize(axclrtEngineIO io, std::uint32_t batch);

// Engines: run.
AXCL_EXPORT axclError axclrtEngineCreateContext(std::uint64_t model, std::uint64_t* context);
AXCL_EXPORT axclError axclrtEngineExecute(std::uint64_t model, std::uint64_t context,
                                          std::uint32_t group, axclrtEngineIO io);
AXCL_EXPORT axclError axclrtEngineExecuteAsync(std::uint64_t model, std::uint64_t context,
                                               std::uint32_t group, axclrtEngineIO io,
                                               axclrtStream stream);

// The card's own system.
AXCL_EXPORT axclError axclrtControlExecuteShellCmd(const char* command, const char* const* args,
                                                   std::size_t count, char** output,
                                                   std::int32_t timeout_ms);
AXCL_EXPORT axclError axclrtControlChangePCIeSubId(std::uint32_t vendor, std::uint32_t device);
AXCL_EXPORT axclError axclrtLog(std::int32_t type_mask, std::int32_t flag, const char* path);
AXCL_EXPORT axclError axclrtLatencyLoopback(void* data, std::uint32_t size, bool check,
                                            std::int32_t timeout_ms);

// Work between cards and programs on the card: known, and refused.
AXCL_EXPORT axclError axclrtCreateP2PUnit(const axclrtP2PUnitInfo* info, void** unit);
AXCL_EXPORT axclError axclrtDestoryP2PUnit(void* unit);
AXCL_EXPORT axclError axclrtTransferFile(const char* from, const char* to, std::int32_t policy);
AXCL_EXPORT axclError axclrtExecWorker(const char* path, const std::int32_t* argc,
                                       const char* argv[], std::uint32_t* pid);
AXCL_EXPORT axclError axclrtKillWorker(std::uint32_t pid);
AXCL_EXPORT axclError axclrtWorkerSend(std::uint32_t pid, const void* data, std::uint32_t size,
                                       std::int32_t timeout_ms);
AXCL_EXPORT axclError axclrtWorkerRecv(std::uint32_t pid, void* data, std::uint32_t capacity,
                                       std::uint32_t* received, std::int32_t timeout_ms);

// Ours alone: the version of the software card. Its presence tells it from the vendor's library.
AXCL_EXPORT const char* axle_softcard_version();
