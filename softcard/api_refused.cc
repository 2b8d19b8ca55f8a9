#include "softcard/runtime.h"

// Functions that the software card knows and refuses: cards that work together, programs on the
// card, and the inner functions of the vendor's other libraries.

using namespace axle::softcard;

axclError axclrtCreateP2PUnit(const axclrtP2PUnitInfo* info, void** unit) {
  return info == nullptr || unit == nullptr ? kP2pNull : kP2pUnsupported;
}
axclError axclrtDestoryP2PUnit(void* unit) { return unit == nullptr ? kP2pNull : kP2pUnsupported; }

axclError axclrtTransferFile(const char* from, const char* to, std::int32_t /*policy*/) {
  return from == nullptr || to == nullptr ? kUserWorkNull : kUserWorkUnsupported;
}
axclError axclrtExecWorker(const char* path, const std::int32_t* /*argc*/, const char* /*argv*/[],
                           std::uint32_t* pid) {
  return path == nullptr || pid == nullptr ? kUserWorkNull : kUserWorkUnsupported;
}
axclError axclrtKillWorker(std::uint32_t /*pid*/) { return kUserWorkUnsupported; }
axclError axclrtWorkerSend(std::uint32_t /*pid*/, const void* data, std::uint32_t /*size*/,
                           std::int32_t /*timeout_ms*/) {
  return data == nullptr ? kUserWorkNull : kUserWorkUnsupported;
}
axclError axclrtWorkerRecv(std::uint32_t /*pid*/, void* data, std::uint32_t /*capacity*/,
                           std::uint32_t* received, std::int32_t /*timeout_ms*/) {
  return data == nullptr || received == nullptr ? kUserWorkNull : kUserWorkUnsupported;
}

// Of these only the names are known. They take whatever they are given and refuse it.
#define AXCL_REFUSE(name, code) \
  AXCL_EXPORT axclError name(); \
  axclError name() { return code; }

AXCL_REFUSE(axclrtCreateTask, kTaskUnsupported)
AXCL_REFUSE(axclrtDestoryTask, kTaskUnsupported)
AXCL_REFUSE(axclrtWaitTaskFinish, kTaskUnsupported)
AXCL_REFUSE(axclrtGetTaskResponse, kTaskUnsupported)
AXCL_REFUSE(axclrtGetEnviromentByStream, kTaskUnsupported)
AXCL_REFUSE(axclrtConfigLoad, kConfigLoad)
AXCL_REFUSE(axclrtConfigUnLoad, kConfigLoad)
AXCL_REFUSE(axclrtConfigGetDmaBufSize, kConfigLoad)
AXCL_REFUSE(axclrtConfigGetLogLevel, kConfigLoad)
AXCL_REFUSE(axclrtConfigGetLogPath, kConfigLoad)
AXCL_REFUSE(axclrtControlCreateContext, kControlUnsupported)
AXCL_REFUSE(axclrtControlDestroyContext, kControlUnsupported)
AXCL_REFUSE(axclrtControlCreateStream, kControlUnsupported)
AXCL_REFUSE(axclrtControlDestroyStream, kControlUnsupported)
AXCL_REFUSE(axclrtControlSyncStream, kControlUnsupported)
AXCL_REFUSE(axclrtControlCreateEvent, kControlUnsupported)
AXCL_REFUSE(axclrtControlDestroyEvent, kControlUnsupported)
AXCL_REFUSE(axclrtControlRecordEvent, kControlUnsupported)
AXCL_REFUSE(axclrtControlStreamWaitEvent, kControlUnsupported)
AXCL_REFUSE(axclrtP2PTriggerTest, kP2pUnsupported)
AXCL_REFUSE(axclrtEngineP2pBwTest, kP2pUnsupported)
