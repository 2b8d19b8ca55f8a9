#include "softcard/engine.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstring>
#include <limits>
#include <utility>

#include "softcard/quirks.h"
#include "softcard/vendor_log.h"

namespace axle::softcard {
namespace {

template <typename Bytes>
struct ModelWithBytes {
  explicit ModelWithBytes(Bytes owned) : bytes(std::move(owned)) {}
  Bytes bytes;
  axmodel::Model model;
};

template <typename Bytes>
Result<EngineFile> parse_owned(Bytes owned, std::span<const std::byte> view) {
  auto holder = std::make_shared<ModelWithBytes<Bytes>>(std::move(owned));
  Result<axmodel::Model> model = axmodel::parse(view);
  if (!model.ok()) return model.status();
  holder->model = *std::move(model);
  return EngineFile{.model = std::shared_ptr<const axmodel::Model>(holder, &holder->model),
                    .size_bytes = view.size(),
                    .mapping = nullptr};
}

Result<Port> make_port(const axmodel::TensorInfo& tensor, bool open_dimensions) {
  Port port{.name = tensor.name, .type = abi_data_type(tensor.dtype)};
  if (tensor.shape.size() > std::size(port.dims.dims)) {
    return unsupported(fmt::format("{} has {} dimensions, at most {} are possible", tensor.name,
                                   tensor.shape.size(), std::size(port.dims.dims)));
  }
  for (const std::int64_t length : tensor.shape) {
    if (length > std::numeric_limits<std::int32_t>::max()) {
      return unsupported(fmt::format("{} has a dimension of {}", tensor.name, length));
    }
    port.dims.dims[port.dims.dimCount++] = static_cast<std::int32_t>(length);
  }
  const Result<std::size_t> bytes = axmodel::tensor_bytes(tensor);
  if (!bytes.ok() && !open_dimensions) return bytes.status();
  port.size_bytes = bytes.ok() ? *bytes : 0;
  return port;
}

Result<std::vector<Port>> make_ports(const std::vector<axmodel::TensorInfo>& tensors,
                                     bool open_dimensions) {
  std::vector<Port> ports;
  for (const axmodel::TensorInfo& tensor : tensors) {
    AXLE_TRY_ASSIGN(Port port, make_port(tensor, open_dimensions));
    ports.push_back(std::move(port));
  }
  return ports;
}

bool overlap(const std::byte* a, std::size_t a_bytes, const std::byte* b, std::size_t b_bytes) {
  return a < b + b_bytes && b < a + a_bytes;
}

Status locate_side(Arena& arena, const std::vector<Port>& ports, const std::vector<Buffer>& buffers,
                   std::vector<std::byte*>& places) {
  for (std::size_t i = 0; i < ports.size(); ++i) {
    const Buffer& buffer = buffers[i];
    if (buffer.address == 0) {
      return invalid_argument(fmt::format("{} has no buffer", ports[i].name));
    }
    if (buffer.size_bytes < ports[i].size_bytes) {
      return invalid_argument(fmt::format("{} needs {} bytes, its buffer has {}", ports[i].name,
                                          ports[i].size_bytes, buffer.size_bytes));
    }
    if (arena.clip(buffer.address, ports[i].size_bytes) != ports[i].size_bytes ||
        !arena.contains(buffer.address)) {
      return invalid_argument(fmt::format("{} is at {:#x}, which is not in the card's memory",
                                          ports[i].name, buffer.address));
    }
    places.push_back(arena.host(buffer.address));
  }
  return {};
}

}  // namespace

Result<EngineFile> open_engine_file(const std::filesystem::path& path) {
  AXLE_TRY_ASSIGN(MappedFile opened, MappedFile::open(path));
  const auto mapping = std::make_shared<const MappedFile>(std::move(opened));
  AXLE_TRY_ASSIGN(EngineFile file, parse_owned(mapping, mapping->bytes()));
  file.mapping = mapping;
  return file;
}

Result<EngineFile> open_engine_bytes(std::vector<std::byte> bytes) {
  const std::span<const std::byte> view(bytes);  // A moved vector keeps its storage.
  return parse_owned(std::move(bytes), view);
}

std::int32_t abi_data_type(axmodel::DataType type) {
  switch (type) {
    case axmodel::DataType::kInt8:
      return 3;
    case axmodel::DataType::kUint8:
    case axmodel::DataType::kBool:
      return 4;
    case axmodel::DataType::kInt16:
      return 5;
    case axmodel::DataType::kUint16:
      return 6;
    case axmodel::DataType::kInt32:
      return 7;
    case axmodel::DataType::kUint32:
      return 8;
    case axmodel::DataType::kInt64:
      return 9;
    case axmodel::DataType::kUint64:
      return 10;
    case axmodel::DataType::kFloat16:
      return 13;
    case axmodel::DataType::kBfloat16:
      return 14;
    case axmodel::DataType::kFloat:
      return 15;
    case axmodel::DataType::kDouble:
      return 16;
    case axmodel::DataType::kUndefined:
      break;
  }
  return 0;
}

Result<EngineDescription> describe(const axmodel::Model& model) {
  EngineDescription description;
  description.compiler_version = axmodel::compiler_version(model);
  for (const axmodel::Group& group : model.groups) {
    PortGroup ports;
    AXLE_TRY_ASSIGN(ports.inputs, make_ports(group.inputs, model.is_vendor()));
    AXLE_TRY_ASSIGN(ports.outputs, make_ports(group.outputs, model.is_vendor()));
    if (!description.groups.empty() &&
        (ports.inputs.size() != description.groups[0].inputs.size() ||
         ports.outputs.size() != description.groups[0].outputs.size())) {
      return unsupported("its shape groups have different numbers of tensors");
    }
    description.groups.push_back(std::move(ports));
  }
  if (description.groups.empty()) return unsupported("it has no shape group");
  return description;
}

std::uint64_t engine_memory_bytes(const EngineFile& file, const EngineDescription& description) {
  std::size_t largest = 0;
  for (const PortGroup& group : description.groups) {
    std::size_t total = 0;
    for (const Port& port : group.outputs) total += port.size_bytes;
    largest = std::max(largest, total);
  }
  return Arena::round_to_pages(file.size_bytes) + Arena::round_to_pages(largest);
}

Result<std::shared_ptr<Engine>> Engine::create(const EngineFile& file, const Profile& profile) {
  if (!file.model->has_weights() && !profile.skip_arithmetic) {
    return unsupported(
        "the engine has no weights, it only has the shape of a model: set skip_arithmetic = true "
        "in "
        "the software card's profile (AXLE_SOFTCARD), or import the model itself");
  }
  std::unique_ptr<Executor> executor;
  if (!file.model->is_vendor() && !profile.skip_arithmetic) {
    AXLE_TRY_ASSIGN(executor,
                    make_executor(file.model, {.threads = profile.threads,
                                               .graph_precision = profile.graph_precision}));
    // The executor has weights of its own; the file's would only take room twice.
    if (file.mapping != nullptr) file.mapping->release_pages();
  }
  return create(file, std::move(executor));
}

Result<std::shared_ptr<Engine>> Engine::create(const EngineFile& file,
                                               std::unique_ptr<Executor> executor) {
  AXLE_TRY_ASSIGN(EngineDescription description, describe(*file.model));
  std::shared_ptr<Engine> engine(new Engine);
  engine->model_ = file.model;
  engine->memory_bytes_ = engine_memory_bytes(file, description);
  engine->executor_ = std::move(executor);
  engine->scratch_.resize(description.groups[0].outputs.size());
  engine->description_ = std::make_shared<const EngineDescription>(std::move(description));
  for (std::size_t group = 0; group < file.model->groups.size(); ++group) {
    engine->costs_.push_back(group_cost(*file.model, group));
  }
  return engine;
}

Status Engine::locate(Device& device, std::uint32_t group, const Bindings& bindings,
                      Places& places) {
  const PortGroup& ports = description_->groups[group];
  if (bindings.inputs.size() != ports.inputs.size() ||
      bindings.outputs.size() != ports.outputs.size()) {
    return invalid_argument("the IO object belongs to another engine");
  }
  places.inputs.reserve(ports.inputs.size());
  places.outputs.reserve(ports.outputs.size());
  AXLE_TRY(locate_side(device.arena(), ports.inputs, bindings.inputs, places.inputs));
  return locate_side(device.arena(), ports.outputs, bindings.outputs, places.outputs);
}

// Points every output that overlaps an input to scratch memory of its own.
void Engine::set_scratch(std::uint32_t group, Places& places) {
  const PortGroup& ports = description_->groups[group];
  for (std::size_t o = 0; o < places.outputs.size(); ++o) {
    const std::size_t bytes = ports.outputs[o].size_bytes;
    bool overlaps = false;
    for (std::size_t i = 0; i < places.inputs.size(); ++i) {
      overlaps = overlaps ||
                 overlap(places.outputs[o], bytes, places.inputs[i], ports.inputs[i].size_bytes);
    }
    if (!overlaps) continue;
    scratch_[o].resize(bytes);
    places.outputs[o] = scratch_[o].data();
  }
}

void Engine::copy_scratch(std::uint32_t group, const std::vector<std::byte*>& outputs) {
  for (std::size_t o = 0; o < outputs.size(); ++o) {
    if (scratch_[o].empty()) continue;
    std::memcpy(outputs[o], scratch_[o].data(), description_->groups[group].outputs[o].size_bytes);
    scratch_[o].clear();
  }
}

Status Engine::compute(Device& device, std::uint32_t group, Places places, bool queued) {
  QuirkyRun quirky({.quirks = device.profile().quirks,
                    .model = *model_,
                    .group = group,
                    .queued = queued,
                    .positions = last_positions_,
                    .held = device.held_outputs()});
  quirky.before(places.inputs, places.outputs);
  Places targets = places;
  set_scratch(group, targets);
  Status status;
  if (device.profile().skip_arithmetic) {
    fixed_function(model_->groups[group], targets.inputs, targets.outputs);
  } else {
    status = executor_->run(group, targets.inputs, targets.outputs);
  }
  copy_scratch(group, places.outputs);
  quirky.after(places.outputs);
  return status;
}

axclError Engine::run(Device& device, std::uint32_t group, const Bindings& bindings,
                      const RunOptions& options) {
  if (group >= description_->groups.size()) {
    SOFTCARD_LOG(kError, "engine", "group {} of {}", group, description_->groups.size());
    return kEngineIndex;
  }
  if (model_->is_vendor()) {
    SOFTCARD_LOG(kError, "engine",
                 "this engine is compiled for the NPU of a real card ({} {}); the software card "
                 "cannot run it",
                 model_->producer, description_->compiler_version);
    return kEngineRefused;
  }
  Places places;
  Status status = locate(device, group, bindings, places);
  if (status.ok()) {
    const TicketGuard npu(device.npu());
    const auto begin = std::chrono::steady_clock::now();
    status = compute(device, group, places, options.queued);
    if (options.nan) {
      for (std::size_t o = 0; o < places.outputs.size(); ++o) {
        fill_nan(model_->groups[group].outputs[o], places.outputs[o]);
      }
    }
    wait_until(begin + run_time(device.profile().timing, costs_[group]));
    device.machine().add_npu_time(
        device.id(), std::chrono::nanoseconds(std::chrono::steady_clock::now() - begin).count());
  }
  if (status.ok()) return kOk;
  SOFTCARD_LOG(kError, "engine", "execute fail: {}", status.message());
  return kEngineRefused;
}

EngineIo::EngineIo(std::shared_ptr<const EngineDescription> description)
    : description_(std::move(description)) {
  bindings_.inputs.resize(description_->groups[0].inputs.size());
  bindings_.outputs.resize(description_->groups[0].outputs.size());
}

bool EngineIo::set(Side side, std::uint32_t index, Buffer buffer) {
  const MutexLock lock(mutex_);
  std::vector<Buffer>& buffers = side == Side::kInput ? bindings_.inputs : bindings_.outputs;
  if (index >= buffers.size()) return false;
  buffers[index] = buffer;
  return true;
}

bool EngineIo::get(Side side, std::uint32_t index, Buffer& buffer) const {
  const MutexLock lock(mutex_);
  const std::vector<Buffer>& buffers = side == Side::kInput ? bindings_.inputs : bindings_.outputs;
  if (index >= buffers.size()) return false;
  buffer = buffers[index];
  return true;
}

Bindings EngineIo::bindings() const {
  const MutexLock lock(mutex_);
  return bindings_;
}

}  // namespace axle::softcard
