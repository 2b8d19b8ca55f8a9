#include <fmt/format.h>

#include "card/engine_core.h"

namespace axle::card::detail {
namespace {

// Far above anything that the card's tool chain makes; the library has no such limits written down.
constexpr std::int32_t kMostGroups = 1024;
constexpr std::uint32_t kMostTensors = 4096;

enum class Side { kInput, kOutput };

// The library's getters of one side, so that inputs and outputs are read by the same code.
struct Getters {
  const char* side;
  decltype(abi::Functions::get_input_count) count;
  decltype(abi::Functions::get_input_name) name;
  decltype(abi::Functions::get_input_size) size;
  decltype(abi::Functions::get_input_dims) dims;
  decltype(abi::Functions::get_input_type) type;
};

Getters getters_of(const abi::Functions& f, Side side) {
  if (side == Side::kInput) {
    return {"input",          f.get_input_count, f.get_input_name,
            f.get_input_size, f.get_input_dims,  f.get_input_type};
  }
  return {"output",          f.get_output_count, f.get_output_name,
          f.get_output_size, f.get_output_dims,  f.get_output_type};
}

Status impossible(const EngineCore& core, std::string what) {
  return corrupt(fmt::format("{}: the card's library reports {}; fetch the file again",
                             core.path.string(), what));
}

// The size getters answer sizes and error codes in the same number.
bool is_error(std::uint64_t size) {
  return (size & 0xffff0000u) == 0x80300000u && (size >> 32 == 0 || size >> 32 == 0xffffffffu);
}

Result<TensorInfo> read_tensor(const EngineCore& core, const Getters& get, std::uint32_t group,
                               std::uint32_t index) {
  const auto where = [&] { return fmt::format("{} {} of group {}", get.side, index, group); };
  TensorInfo tensor;
  const char* name = get.name(core.io_info, index);
  if (name == nullptr) return impossible(core, where() + " without a name");
  tensor.name = name;

  const std::uint64_t size = get.size(core.io_info, group, index);
  if (size == 0 || is_error(size)) {
    return impossible(core, fmt::format("{} bytes for {}", size, where()));
  }
  tensor.size_bytes = size;

  abi::Dims dims{};
  if (const abi::Error code = get.dims(core.io_info, group, index, &dims); code != 0) {
    return vendor_status(code, Action::kLoad, "axclrtEngineGetDims", where());
  }
  if (dims.count < 0 || dims.count > abi::kMaxDims) {
    return impossible(core, fmt::format("{} dimensions for {}", dims.count, where()));
  }
  tensor.dims.assign(dims.sizes, dims.sizes + dims.count);

  int type = 0;
  if (const abi::Error code = get.type(core.io_info, index, &type); code != 0) {
    return vendor_status(code, Action::kLoad, "axclrtEngineGetDataType", where());
  }
  const bool known = type >= 0 && type <= static_cast<int>(DataType::kFloat64);
  tensor.dtype = known ? static_cast<DataType>(type) : DataType::kNone;
  return tensor;
}

Status read_side(const EngineCore& core, Side side, GroupInfo& group) {
  const Getters get = getters_of(core.session->functions(), side);
  const std::uint32_t count = get.count(core.io_info);
  if (count == 0 || count > kMostTensors) {
    return impossible(core, fmt::format("{} {}s", count, get.side));
  }
  std::vector<TensorInfo>& tensors = side == Side::kInput ? group.inputs : group.outputs;
  for (std::uint32_t i = 0; i < count; ++i) {
    AXLE_TRY_ASSIGN(TensorInfo tensor,
                    read_tensor(core, get, static_cast<std::uint32_t>(group.index), i));
    tensors.push_back(std::move(tensor));
  }
  return {};
}

void read_extras(EngineCore& core) {
  const abi::Functions& f = core.session->functions();
  if (f.get_compiler_version != nullptr) {
    const char* version = core.session->raw("axclrtEngineGetModelCompilerVersion",
                                            f.get_compiler_version, core.model_id);
    if (version != nullptr) core.compiler_version = version;
  }
  std::int64_t system_bytes = 0;
  std::int64_t cmm_bytes = 0;
  if (f.get_usage != nullptr &&
      core.session->raw("axclrtEngineGetUsageFromModelId", f.get_usage, core.model_id,
                        &system_bytes, &cmm_bytes) == 0 &&
      cmm_bytes >= 0) {
    core.memory_bytes = static_cast<std::uint64_t>(cmm_bytes);
  }
}

}  // namespace

Status describe_engine(EngineCore& core) {
  Session& session = *core.session;
  const abi::Functions& f = session.functions();
  AXLE_TRY(session.call(Action::kLoad, "axclrtEngineCreateContext", f.create_context, core.model_id,
                        &core.context_id));
  AXLE_TRY(session.call(Action::kLoad, "axclrtEngineGetIOInfo", f.get_io_info, core.model_id,
                        &core.io_info));
  if (core.io_info == nullptr) return impossible(core, "no description of its tensors");
  std::int32_t count = 0;
  AXLE_TRY(session.call(Action::kLoad, "axclrtEngineGetShapeGroupsCount", f.get_group_count,
                        core.io_info, &count));
  if (count < 1 || count > kMostGroups) return impossible(core, fmt::format("{} groups", count));
  for (std::int32_t g = 0; g < count; ++g) {
    GroupInfo group;
    group.index = static_cast<std::size_t>(g);
    AXLE_TRY(read_side(core, Side::kInput, group));
    AXLE_TRY(read_side(core, Side::kOutput, group));
    core.groups.push_back(std::move(group));
  }
  read_extras(core);
  return {};
}

}  // namespace axle::card::detail
