#include "card/axcl_abi.h"

namespace axle::card::abi {
namespace {

template <auto kMember>
void store(Functions& functions, void* address) {
  using Pointer = std::remove_reference_t<decltype(functions.*kMember)>;
  functions.*kMember = reinterpret_cast<Pointer>(address);
}

using enum Need;
using F = Functions;

constexpr Symbol kSymbols[] = {
    {"axclInit", store<&F::init>, kRequired},
    {"axclFinalize", store<&F::finalize>, kRequired},
    {"axclrtGetVersion", store<&F::get_version>, kOptional},
    {"axclrtGetFullVersion", store<&F::get_full_version>, kOptional},
    {"axclrtGetSocName", store<&F::get_soc_name>, kOptional},
    {"axclrtGetDeviceList", store<&F::get_device_list>, kRequired},
    {"axclrtSetDevice", store<&F::set_device>, kRequired},
    {"axclrtResetDevice", store<&F::reset_device>, kRequired},
    {"axclrtGetDeviceProperties", store<&F::get_device_properties>, kOptional},
    {"axclrtRebootDevice", store<&F::reboot_device>, kOptional},
    {"axclrtSetCurrentContext", store<&F::set_current_context>, kRequired},
    {"axclrtGetCurrentContext", store<&F::get_current_context>, kRequired},
    {"axclrtMalloc", store<&F::malloc>, kRequired},
    {"axclrtFree", store<&F::free>, kRequired},
    {"axclrtMemset", store<&F::memset>, kRequired},
    {"axclrtMemcpy", store<&F::memcpy>, kRequired},
    {"axclrtMemcmp", store<&F::memcmp>, kOptional},
    {"axclrtMemsetAsync", store<&F::memset_async>, kOptional},
    {"axclrtMemcpyAsync", store<&F::memcpy_async>, kOptional},
    {"axclrtCreateStream", store<&F::create_stream>, kOptional},
    {"axclrtDestroyStream", store<&F::destroy_stream>, kOptional},
    {"axclrtDestroyStreamForce", store<&F::destroy_stream_force>, kOptional},
    {"axclrtSynchronizeStream", store<&F::synchronize_stream>, kOptional},
    {"axclrtSynchronizeStreamWithTimeout", store<&F::synchronize_stream_with_timeout>, kOptional},
    {"axclrtCreateEvent", store<&F::create_event>, kOptional},
    {"axclrtRecordEvent", store<&F::record_event>, kOptional},
    {"axclrtStreamWaitEvent", store<&F::stream_wait_event>, kOptional},
    {"axclrtEngineInit", store<&F::engine_init>, kRequired},
    {"axclrtEngineFinalize", store<&F::engine_finalize>, kRequired},
    {"axclrtEngineLoadFromFile", store<&F::load_from_file>, kRequired},
    {"axclrtEngineUnload", store<&F::unload>, kRequired},
    {"axclrtEngineGetModelCompilerVersion", store<&F::get_compiler_version>, kOptional},
    {"axclrtEngineGetUsageFromModelId", store<&F::get_usage>, kOptional},
    {"axclrtEngineCreateContext", store<&F::create_context>, kRequired},
    {"axclrtEngineGetIOInfo", store<&F::get_io_info>, kRequired},
    {"axclrtEngineDestroyIOInfo", store<&F::destroy_io_info>, kRequired},
    {"axclrtEngineGetShapeGroupsCount", store<&F::get_group_count>, kRequired},
    {"axclrtEngineGetNumInputs", store<&F::get_input_count>, kRequired},
    {"axclrtEngineGetNumOutputs", store<&F::get_output_count>, kRequired},
    {"axclrtEngineGetInputNameByIndex", store<&F::get_input_name>, kRequired},
    {"axclrtEngineGetOutputNameByIndex", store<&F::get_output_name>, kRequired},
    {"axclrtEngineGetInputSizeByIndex", store<&F::get_input_size>, kRequired},
    {"axclrtEngineGetOutputSizeByIndex", store<&F::get_output_size>, kRequired},
    {"axclrtEngineGetInputDims", store<&F::get_input_dims>, kRequired},
    {"axclrtEngineGetOutputDims", store<&F::get_output_dims>, kRequired},
    {"axclrtEngineGetInputDataType", store<&F::get_input_type>, kRequired},
    {"axclrtEngineGetOutputDataType", store<&F::get_output_type>, kRequired},
    {"axclrtEngineCreateIO", store<&F::create_io>, kRequired},
    {"axclrtEngineDestroyIO", store<&F::destroy_io>, kRequired},
    {"axclrtEngineSetInputBufferByIndex", store<&F::set_input_buffer>, kRequired},
    {"axclrtEngineSetOutputBufferByIndex", store<&F::set_output_buffer>, kRequired},
    {"axclrtEngineExecute", store<&F::execute>, kRequired},
    {"axclrtEngineExecuteAsync", store<&F::execute_async>, kOptional},
};

}  // namespace

std::span<const Symbol> symbols() { return kSymbols; }

}  // namespace axle::card::abi
