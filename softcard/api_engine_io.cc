#include <algorithm>
#include <cstring>

#include "softcard/runtime.h"

// Engines: what their inputs and outputs are, and the buffers bound to them. All of it is on the
// host; nothing here needs a context but the first question for it.

using namespace axle::softcard;

namespace {

using Side = EngineIo::Side;
using Description = std::shared_ptr<const EngineDescription>;

const std::vector<Port>& ports_of(const PortGroup& group, Side side) {
  return side == Side::kInput ? group.inputs : group.outputs;
}

axclError find_info(axclrtEngineIOInfo handle, Description& info) {
  if (handle == nullptr) return kEngineNull;
  info = Runtime::instance().infos.find(handle);
  return info == nullptr ? kEngineIllegal : kOk;
}

axclError find_io(axclrtEngineIO handle, std::shared_ptr<EngineIo>& io) {
  if (handle == nullptr) return kEngineNull;
  io = Runtime::instance().ios.find(handle);
  return io == nullptr ? kEngineIllegal : kOk;
}

// One port of one group. The pointer lives as long as `info`.
axclError find_port(axclrtEngineIOInfo handle, Side side, std::uint32_t group, std::uint32_t index,
                    Description& info, const Port*& port) {
  if (const axclError code = find_info(handle, info); code != kOk) return code;
  if (group >= info->groups.size()) return kEngineIndex;
  const std::vector<Port>& ports = ports_of(info->groups[group], side);
  if (index >= ports.size()) return kEngineIndex;
  port = &ports[index];
  return kOk;
}

std::uint32_t as_value(axclError code) { return static_cast<std::uint32_t>(code); }

std::uint32_t count(axclrtEngineIOInfo handle, Side side) {
  Description info;
  if (const axclError code = find_info(handle, info); code != kOk) return as_value(code);
  return static_cast<std::uint32_t>(ports_of(info->groups[0], side).size());
}

std::uint64_t size(axclrtEngineIOInfo handle, Side side, std::uint32_t group, std::uint32_t index) {
  Description info;
  const Port* port = nullptr;
  const axclError code = find_port(handle, side, group, index, info, port);
  return code == kOk ? port->size_bytes : as_value(code);
}

const char* name(axclrtEngineIOInfo handle, Side side, std::uint32_t index) {
  Description info;
  const Port* port = nullptr;
  return find_port(handle, side, 0, index, info, port) == kOk ? port->name.c_str() : nullptr;
}

std::int32_t index_of(const EngineDescription& info, Side side, const char* wanted) {
  const std::vector<Port>& ports = ports_of(info.groups[0], side);
  const auto found = std::find_if(ports.begin(), ports.end(),
                                  [wanted](const Port& port) { return port.name == wanted; });
  return found == ports.end() ? kEngineIndex : static_cast<std::int32_t>(found - ports.begin());
}

std::int32_t index_by_name(axclrtEngineIOInfo handle, Side side, const char* wanted) {
  Description info;
  if (const axclError code = find_info(handle, info); code != kOk) return code;
  return wanted == nullptr ? kEngineNull : index_of(*info, side, wanted);
}

struct PortPlace {
  Side side;
  std::uint32_t group;
  std::uint32_t index;
};

axclError dims(axclrtEngineIOInfo handle, const PortPlace& place, axclrtEngineIODims* out) {
  Description info;
  const Port* port = nullptr;
  if (handle == nullptr || out == nullptr) return kEngineNull;
  const axclError code = find_port(handle, place.side, place.group, place.index, info, port);
  if (code == kOk) *out = port->dims;
  return code;
}

axclError type(axclrtEngineIOInfo handle, Side side, std::uint32_t index, std::int32_t* out) {
  Description info;
  const Port* port = nullptr;
  if (handle == nullptr || out == nullptr) return kEngineNull;
  const axclError code = find_port(handle, side, 0, index, info, port);
  if (code == kOk) *out = port->type;
  return code;
}

axclError layout(axclrtEngineIOInfo handle, Side side, std::uint32_t index, std::int32_t* out) {
  constexpr std::int32_t kLayoutNone = 0;
  const axclError code = type(handle, side, index, out);
  if (code == kOk) *out = kLayoutNone;
  return code;
}

axclError set(axclrtEngineIO handle, Side side, std::uint32_t index, Buffer buffer) {
  std::shared_ptr<EngineIo> io;
  if (const axclError code = find_io(handle, io); code != kOk) return code;
  if (buffer.address == 0) return kEngineNull;
  return io->set(side, index, buffer) ? kOk : kEngineIndex;
}

axclError set_named(axclrtEngineIO handle, Side side, const char* wanted, Buffer buffer) {
  std::shared_ptr<EngineIo> io;
  if (wanted == nullptr) return kEngineNull;
  if (const axclError code = find_io(handle, io); code != kOk) return code;
  const std::int32_t index = index_of(io->description(), side, wanted);
  return index < 0 ? index : set(handle, side, static_cast<std::uint32_t>(index), buffer);
}

struct BufferOut {
  void** address;
  std::uint64_t* size_bytes;
};

axclError get(axclrtEngineIO handle, Side side, std::uint32_t index, BufferOut out) {
  std::shared_ptr<EngineIo> io;
  if (out.address == nullptr || out.size_bytes == nullptr) return kEngineNull;
  if (const axclError code = find_io(handle, io); code != kOk) return code;
  Buffer buffer;
  if (!io->get(side, index, buffer)) return kEngineIndex;
  *out.address = HandleTable<EngineIo>::to_handle(buffer.address);
  *out.size_bytes = buffer.size_bytes;
  return kOk;
}

axclError get_named(axclrtEngineIO handle, Side side, const char* wanted, BufferOut out) {
  std::shared_ptr<EngineIo> io;
  if (wanted == nullptr) return kEngineNull;
  if (const axclError code = find_io(handle, io); code != kOk) return code;
  const std::int32_t index = index_of(io->description(), side, wanted);
  return index < 0 ? index : get(handle, side, static_cast<std::uint32_t>(index), out);
}

}  // namespace

axclError axclrtEngineGetIOInfo(std::uint64_t model, axclrtEngineIOInfo* info) {
  if (model == 0) return kEngineIllegal;
  if (info == nullptr) return kEngineNull;
  return guarded(kEngineFail, [&] {
    Caller caller;
    if (const axclError code = enter(CallId::kEngineGetIOInfo, caller); code != kOk) return code;
    Runtime& runtime = Runtime::instance();
    const std::shared_ptr<EngineEntry> entry = runtime.engines.find_id(model);
    if (entry == nullptr || entry->device != caller.device().id()) return kEngineRefused;
    *info = runtime.infos.add(entry->engine->description());
    return kOk;
  });
}

axclError axclrtEngineDestroyIOInfo(axclrtEngineIOInfo info) {
  if (info == nullptr) return kEngineNull;
  return Runtime::instance().infos.remove(info) == nullptr ? kEngineIllegal : kOk;
}

axclError axclrtEngineGetShapeGroupsCount(axclrtEngineIOInfo info, std::int32_t* groups) {
  Description found;
  if (const axclError code = find_info(info, found); code != kOk) return code;
  if (groups == nullptr) return kEngineNull;
  *groups = static_cast<std::int32_t>(found->groups.size());
  return kOk;
}

std::uint32_t axclrtEngineGetNumInputs(axclrtEngineIOInfo info) {
  return count(info, Side::kInput);
}
std::uint32_t axclrtEngineGetNumOutputs(axclrtEngineIOInfo info) {
  return count(info, Side::kOutput);
}

std::uint64_t axclrtEngineGetInputSizeByIndex(axclrtEngineIOInfo info, std::uint32_t group,
                                              std::uint32_t index) {
  return size(info, Side::kInput, group, index);
}
std::uint64_t axclrtEngineGetOutputSizeByIndex(axclrtEngineIOInfo info, std::uint32_t group,
                                               std::uint32_t index) {
  return size(info, Side::kOutput, group, index);
}

const char* axclrtEngineGetInputNameByIndex(axclrtEngineIOInfo info, std::uint32_t index) {
  return name(info, Side::kInput, index);
}
const char* axclrtEngineGetOutputNameByIndex(axclrtEngineIOInfo info, std::uint32_t index) {
  return name(info, Side::kOutput, index);
}

std::int32_t axclrtEngineGetInputIndexByName(axclrtEngineIOInfo info, const char* wanted) {
  return index_by_name(info, Side::kInput, wanted);
}
std::int32_t axclrtEngineGetOutputIndexByName(axclrtEngineIOInfo info, const char* wanted) {
  return index_by_name(info, Side::kOutput, wanted);
}

axclError axclrtEngineGetInputDims(axclrtEngineIOInfo info, std::uint32_t group,
                                   std::uint32_t index, axclrtEngineIODims* out) {
  return dims(info, {Side::kInput, group, index}, out);
}
axclError axclrtEngineGetOutputDims(axclrtEngineIOInfo info, std::uint32_t group,
                                    std::uint32_t index, axclrtEngineIODims* out) {
  return dims(info, {Side::kOutput, group, index}, out);
}

axclError axclrtEngineGetInputDataType(axclrtEngineIOInfo info, std::uint32_t index,
                                       std::int32_t* out) {
  return type(info, Side::kInput, index, out);
}
axclError axclrtEngineGetOutputDataType(axclrtEngineIOInfo info, std::uint32_t index,
                                        std::int32_t* out) {
  return type(info, Side::kOutput, index, out);
}

axclError axclrtEngineGetInputDataLayout(axclrtEngineIOInfo info, std::uint32_t index,
                                         std::int32_t* out) {
  return layout(info, Side::kInput, index, out);
}
axclError axclrtEngineGetOutputDataLayout(axclrtEngineIOInfo info, std::uint32_t index,
                                          std::int32_t* out) {
  return layout(info, Side::kOutput, index, out);
}

axclError axclrtEngineCreateIO(axclrtEngineIOInfo info, axclrtEngineIO* io) {
  Description found;
  if (const axclError code = find_info(info, found); code != kOk) return code;
  if (io == nullptr) return kEngineNull;
  return guarded(kEngineFail, [&] {
    *io = Runtime::instance().ios.add(std::make_shared<EngineIo>(found));
    return kOk;
  });
}

axclError axclrtEngineDestroyIO(axclrtEngineIO io) {
  if (io == nullptr) return kEngineNull;
  return Runtime::instance().ios.remove(io) == nullptr ? kEngineIllegal : kOk;
}

axclError axclrtEngineSetInputBufferByIndex(axclrtEngineIO io, std::uint32_t index,
                                            const void* buffer, std::uint64_t bytes) {
  return set(io, Side::kInput, index, {to_address(buffer), bytes});
}
axclError axclrtEngineSetOutputBufferByIndex(axclrtEngineIO io, std::uint32_t index,
                                             const void* buffer, std::uint64_t bytes) {
  return set(io, Side::kOutput, index, {to_address(buffer), bytes});
}
axclError axclrtEngineSetInputBufferByName(axclrtEngineIO io, const char* wanted,
                                           const void* buffer, std::uint64_t bytes) {
  return set_named(io, Side::kInput, wanted, {to_address(buffer), bytes});
}
axclError axclrtEngineSetOutputBufferByName(axclrtEngineIO io, const char* wanted,
                                            const void* buffer, std::uint64_t bytes) {
  return set_named(io, Side::kOutput, wanted, {to_address(buffer), bytes});
}

axclError axclrtEngineGetInputBufferByIndex(axclrtEngineIO io, std::uint32_t index, void** buffer,
                                            std::uint64_t* bytes) {
  return get(io, Side::kInput, index, {buffer, bytes});
}
axclError axclrtEngineGetOutputBufferByIndex(axclrtEngineIO io, std::uint32_t index, void** buffer,
                                             std::uint64_t* bytes) {
  return get(io, Side::kOutput, index, {buffer, bytes});
}
axclError axclrtEngineGetInputBufferByName(axclrtEngineIO io, const char* wanted, void** buffer,
                                           std::uint64_t* bytes) {
  return get_named(io, Side::kInput, wanted, {buffer, bytes});
}
axclError axclrtEngineGetOutputBufferByName(axclrtEngineIO io, const char* wanted, void** buffer,
                                            std::uint64_t* bytes) {
  return get_named(io, Side::kOutput, wanted, {buffer, bytes});
}

axclError axclrtEngineSetDynamicBatchSize(axclrtEngineIO io, std::uint32_t batch) {
  std::shared_ptr<EngineIo> found;
  if (const axclError code = find_io(io, found); code != kOk) return code;
  // Our engines have no dynamic batch; the number itself is only kept by the vendor's runtime.
  return batch == 0 ? kEngineIllegal : kOk;
}
