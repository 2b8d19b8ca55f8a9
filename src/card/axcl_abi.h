#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

// The parts of the AXCL runtime's C interface that this client uses, declared in our own words.
// Private to this room. Source: AXCL runtime V3.10.2, axcl_rt_type.h, axcl_rt_engine_type.h and the
// function headers beside them; sizes as on x86-64 and aarch64.
namespace axle::card::abi {

using Error = std::int32_t;  // 0: success.
using Handle = void*;

struct DeviceList {
  std::uint32_t count;
  std::int32_t ids[256];
};
static_assert(sizeof(DeviceList) == 1028);

struct DeviceProperties {
  char software_version[64];
  std::uint64_t uid;
  std::uint32_t pci_domain;
  std::uint32_t pci_bus;
  std::uint32_t pci_device;
  std::int32_t temperature_millidegree;
  std::uint32_t memory_total_kib;
  std::uint32_t memory_free_kib;
  std::uint32_t cmm_total_kib;
  std::uint32_t cmm_free_kib;
  std::uint32_t cpu_percent_x100;
  std::uint32_t npu_percent_x100;
  std::uint32_t reserved[32];
};
static_assert(sizeof(DeviceProperties) == 240);
static_assert(offsetof(DeviceProperties, temperature_millidegree) == 84);
static_assert(offsetof(DeviceProperties, npu_percent_x100) == 108);

inline constexpr std::int32_t kMaxDims = 32;
struct Dims {
  std::int32_t count;
  std::int32_t sizes[kMaxDims];
};
static_assert(sizeof(Dims) == 132);

enum CopyKind : int { kHostToDevice = 1, kDeviceToHost = 2, kDeviceToDevice = 3 };
inline constexpr int kMallocNormalOnly = 2;
inline constexpr int kVnpuDisabled = 0;

// One pointer per function; null where an optional one is absent. Names follow the library's.
struct Functions {
  Error (*init)(const char*) = nullptr;
  Error (*finalize)() = nullptr;
  Error (*get_version)(std::int32_t*, std::int32_t*, std::int32_t*) = nullptr;
  const char* (*get_full_version)() = nullptr;
  const char* (*get_soc_name)() = nullptr;

  Error (*get_device_list)(DeviceList*) = nullptr;
  Error (*set_device)(std::int32_t) = nullptr;
  Error (*reset_device)(std::int32_t) = nullptr;
  Error (*get_device_properties)(std::int32_t, DeviceProperties*) = nullptr;
  Error (*reboot_device)(std::int32_t) = nullptr;
  Error (*set_current_context)(Handle) = nullptr;
  Error (*get_current_context)(Handle*) = nullptr;

  Error (*malloc)(void**, std::size_t, int) = nullptr;
  Error (*free)(void*) = nullptr;
  Error (*memset)(void*, std::uint8_t, std::size_t) = nullptr;
  Error (*memcpy)(void*, const void*, std::size_t, int) = nullptr;
  Error (*memcmp)(const void*, const void*, std::size_t) = nullptr;
  Error (*memset_async)(void*, std::uint8_t, std::size_t, Handle) = nullptr;
  Error (*memcpy_async)(void*, const void*, std::size_t, int, Handle) = nullptr;

  Error (*create_stream)(Handle*) = nullptr;
  Error (*destroy_stream)(Handle) = nullptr;
  Error (*destroy_stream_force)(Handle) = nullptr;
  Error (*synchronize_stream)(Handle) = nullptr;
  Error (*synchronize_stream_with_timeout)(Handle, std::int32_t) = nullptr;
  Error (*create_event)(Handle*) = nullptr;
  Error (*record_event)(Handle, Handle) = nullptr;
  Error (*stream_wait_event)(Handle, Handle) = nullptr;

  Error (*engine_init)(int) = nullptr;
  Error (*engine_finalize)() = nullptr;
  Error (*load_from_file)(const char*, std::uint64_t*) = nullptr;
  Error (*unload)(std::uint64_t) = nullptr;
  const char* (*get_compiler_version)(std::uint64_t) = nullptr;
  Error (*get_usage)(std::uint64_t, std::int64_t*, std::int64_t*) = nullptr;
  Error (*create_context)(std::uint64_t, std::uint64_t*) = nullptr;
  Error (*get_io_info)(std::uint64_t, Handle*) = nullptr;
  Error (*destroy_io_info)(Handle) = nullptr;
  Error (*get_group_count)(Handle, std::int32_t*) = nullptr;
  std::uint32_t (*get_input_count)(Handle) = nullptr;
  std::uint32_t (*get_output_count)(Handle) = nullptr;
  const char* (*get_input_name)(Handle, std::uint32_t) = nullptr;
  const char* (*get_output_name)(Handle, std::uint32_t) = nullptr;
  std::uint64_t (*get_input_size)(Handle, std::uint32_t, std::uint32_t) = nullptr;
  std::uint64_t (*get_output_size)(Handle, std::uint32_t, std::uint32_t) = nullptr;
  Error (*get_input_dims)(Handle, std::uint32_t, std::uint32_t, Dims*) = nullptr;
  Error (*get_output_dims)(Handle, std::uint32_t, std::uint32_t, Dims*) = nullptr;
  Error (*get_input_type)(Handle, std::uint32_t, int*) = nullptr;
  Error (*get_output_type)(Handle, std::uint32_t, int*) = nullptr;
  Error (*create_io)(Handle, Handle*) = nullptr;
  Error (*destroy_io)(Handle) = nullptr;
  Error (*set_input_buffer)(Handle, std::uint32_t, const void*, std::uint64_t) = nullptr;
  Error (*set_output_buffer)(Handle, std::uint32_t, const void*, std::uint64_t) = nullptr;
  Error (*execute)(std::uint64_t, std::uint64_t, std::uint32_t, Handle) = nullptr;
  Error (*execute_async)(std::uint64_t, std::uint64_t, std::uint32_t, Handle, Handle) = nullptr;
};

enum class Need { kRequired, kOptional };

// How one function is called in the library and where its address goes.
struct Symbol {
  const char* name;
  void (*store)(Functions&, void*);
  Need need;
};

// Every function of Functions, once.
std::span<const Symbol> symbols();

}  // namespace axle::card::abi
