#include <stdint.h>

// The functions of libaxcl_npu.so that axcl-smi and axcl_run_model name. The native engine
// interface is not part of the software card: they answer "unsupported", the version as the
// vendor's does. Source: the symbols that those programs import, AXCL V3.10.2.

#define AXLE_NATIVE_UNSUPPORTED ((int32_t)0x81300704)

const char* AXCL_ENGINE_GetVersion(void);
const char* AXCL_ENGINE_GetVersion(void) { return "2.11.0a"; }

#define AXLE_REFUSE(name) \
  int32_t name(void);     \
  int32_t name(void) { return AXLE_NATIVE_UNSUPPORTED; }

AXLE_REFUSE(AXCL_ENGINE_CreateContextV2)
AXLE_REFUSE(AXCL_ENGINE_CreateHandleV2)
AXLE_REFUSE(AXCL_ENGINE_Deinit)
AXLE_REFUSE(AXCL_ENGINE_DestroyHandle)
AXLE_REFUSE(AXCL_ENGINE_GetCMMUsage)
AXLE_REFUSE(AXCL_ENGINE_GetGroupIOInfo)
AXLE_REFUSE(AXCL_ENGINE_GetGroupIOInfoCount)
AXLE_REFUSE(AXCL_ENGINE_GetHandleModelType)
AXLE_REFUSE(AXCL_ENGINE_GetIOInfo)
AXLE_REFUSE(AXCL_ENGINE_GetModelToolsVersion)
AXLE_REFUSE(AXCL_ENGINE_GetVNPUAttr)
AXLE_REFUSE(AXCL_ENGINE_Init)
AXLE_REFUSE(AXCL_ENGINE_RunGroupIOSync)
AXLE_REFUSE(AXCL_ENGINE_RunSyncV2)
