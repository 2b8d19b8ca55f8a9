#include "card/engine.h"

#include <fmt/format.h>

#include <array>
#include <system_error>
#include <utility>

#include "base/log.h"
#include "card/binding_impl.h"
#include "card/card.h"
#include "card/engine_core.h"
#include "card/stream.h"

namespace axle::card {
namespace {

std::optional<std::size_t> find(const std::vector<TensorInfo>& tensors, std::string_view name,
                                std::size_t group) {
  for (std::size_t i = 0; i < tensors.size(); ++i) {
    if (tensors[i].name == name) return i;
  }
  const std::string suffixed = fmt::format("{}_{}", name, group);
  for (std::size_t i = 0; i < tensors.size(); ++i) {
    if (tensors[i].name == suffixed) return i;
  }
  return std::nullopt;
}

Result<std::uint64_t> file_size_of(const std::filesystem::path& path) {
  std::error_code error;
  if (!std::filesystem::is_regular_file(path, error)) {
    return not_found(fmt::format("no engine file at {}", path.string()));
  }
  const std::uintmax_t size = std::filesystem::file_size(path, error);
  if (error) return unavailable(fmt::format("{}: {}", path.string(), error.message()));
  return std::uint64_t{size};
}

// The library answers the same code for a damaged engine and for one that finds no room: the free
// memory decides. A load needs about the file's size for the file and as much for the engine.
Status load_failed(detail::Session& session, abi::Error code, const std::filesystem::path& path,
                   std::uint64_t file_bytes) {
  std::string detail = fmt::format("wanted {} ({} bytes)", path.string(), file_bytes);
  abi::DeviceProperties properties{};
  const bool known =
      session.features().properties &&
      session.raw("axclrtGetDeviceProperties", session.functions().get_device_properties,
                  static_cast<std::int32_t>(session.device()), &properties) == 0;
  const std::uint64_t free_bytes = std::uint64_t{1024} * properties.cmm_free_kib;
  if (known) detail += fmt::format(", the card has {} bytes free", free_bytes);
  const bool no_room = known && free_bytes < file_bytes;
  if (no_room && (code == kEngineRefused || code == kEngineBadAnswer)) {
    return {Code::kExhausted, fmt::format("no room on the card: {}", detail), code};
  }
  return session.failed(code, Action::kLoad, "axclrtEngineLoadFromFile", detail);
}

}  // namespace

std::string_view data_type_name(DataType type) {
  constexpr std::array<std::string_view, 17> kNames = {"none", "i4",  "u4",   "i8",  "u8",  "i16",
                                                       "u16",  "i32", "u32",  "i64", "u64", "fp4",
                                                       "fp8",  "f16", "bf16", "f32", "f64"};
  const auto index = static_cast<std::size_t>(type);
  return index < kNames.size() ? kNames[index] : "unknown";
}

std::optional<std::size_t> GroupInfo::find_input(std::string_view name) const {
  return find(inputs, name, index);
}

std::optional<std::size_t> GroupInfo::find_output(std::string_view name) const {
  return find(outputs, name, index);
}

namespace detail {

EngineCore::~EngineCore() {
  if (const Status status = unload(); !status.ok()) {
    AXLE_LOG_WARN("card", "unloading {}: {}", path.string(), status.to_string());
  }
}

Status EngineCore::unload() {
  const std::uint64_t id = std::exchange(model_id, 0);
  abi::Handle info = std::exchange(io_info, nullptr);
  if (id == 0 || !session->alive()) return {};
  const abi::Functions& f = session->functions();
  Status status;
  if (info != nullptr) {
    status = session->call(Action::kUse, "axclrtEngineDestroyIOInfo", f.destroy_io_info, info);
  }
  Status unloaded = session->call(Action::kUse, "axclrtEngineUnload", f.unload, id);
  return unloaded.ok() ? status : unloaded;
}

Status EngineCore::usable() const {
  AXLE_TRY(session->health());
  if (model_id != 0) return {};
  return unavailable(fmt::format("engine {} was unloaded", path.filename().string()));
}

}  // namespace detail

Engine::Engine(std::shared_ptr<detail::EngineCore> core) : core_(std::move(core)) {}
Engine::Engine(Engine&&) noexcept = default;

Engine& Engine::operator=(Engine&& other) noexcept {
  Engine taken(std::move(other));
  std::swap(core_, taken.core_);
  return *this;  // `taken` now unloads the old engine.
}

Engine::~Engine() {
  if (core_ == nullptr) return;
  if (const Status status = unload(); !status.ok()) {
    AXLE_LOG_WARN("card", "unloading {}: {}", core_->path.string(), status.to_string());
  }
}

Result<Engine> Engine::load(Card& card, const std::filesystem::path& path) {
  const std::shared_ptr<detail::Session>& session = card.session();
  AXLE_TRY_ASSIGN(const std::uint64_t file_bytes, file_size_of(path));
  AXLE_TRY(session->bind_thread());
  // Shared with bindings, which must see the unloading.
  auto core = std::make_shared<detail::EngineCore>();
  core->session = session;
  core->path = path;
  const abi::Error code =
      session->raw("axclrtEngineLoadFromFile", session->functions().load_from_file,
                   core->path.c_str(), &core->model_id);
  if (code != 0) {
    core->model_id = 0;
    return load_failed(*session, code, path, file_bytes);
  }
  if (core->model_id == 0) {
    return corrupt(fmt::format("{}: the card gave the engine no number", path.string()));
  }
  AXLE_TRY(detail::describe_engine(*core));
  return Engine(std::move(core));
}

const std::filesystem::path& Engine::path() const { return core_->path; }
const std::vector<GroupInfo>& Engine::groups() const { return core_->groups; }
const std::string& Engine::compiler_version() const { return core_->compiler_version; }
std::optional<std::uint64_t> Engine::memory_bytes() const { return core_->memory_bytes; }
Status Engine::unload() { return core_->unload(); }

Result<Binding> Engine::make_binding(std::size_t group, const BindingOptions& options) {
  AXLE_TRY(core_->usable());
  if (group >= core_->groups.size()) {
    return invalid_argument(fmt::format("engine {} has {} groups; group {} was wanted",
                                        core_->path.filename().string(), core_->groups.size(),
                                        group));
  }
  abi::Handle io = nullptr;
  AXLE_TRY(core_->session->call(Action::kUse, "axclrtEngineCreateIO",
                                core_->session->functions().create_io, core_->io_info, &io));
  if (io == nullptr) {
    return core_->session->failed(vendor_code(0x80300702), Action::kUse, "axclrtEngineCreateIO");
  }
  return Binding(std::make_unique<Binding::Impl>(core_, group, options, io));
}

Status Engine::run(Binding& binding) {
  Binding::Impl& bound = *binding.impl_;
  if (bound.core() != core_.get()) {
    return invalid_argument(
        fmt::format("the binding is not of engine {}", core_->path.filename().string()));
  }
  if (core_->model_id == 0) return core_->usable();
  if (!bound.checked()) AXLE_TRY(bound.check());
  const Status status = core_->session->call(Action::kExecute, "axclrtEngineExecute",
                                             core_->session->functions().execute, core_->model_id,
                                             core_->context_id, bound.group_number(), bound.io());
  if (status.ok()) return {};
  return status.with_context(bound.name());
}

Status Engine::run_async(Binding& binding, Stream& stream) {
  Binding::Impl& bound = *binding.impl_;
  if (bound.core() != core_.get()) {
    return invalid_argument(
        fmt::format("the binding is not of engine {}", core_->path.filename().string()));
  }
  if (core_->model_id == 0) return core_->usable();
  if (!bound.checked()) AXLE_TRY(bound.check());
  stream.mark_pending();
  const Status status = core_->session->call(
      Action::kExecute, "axclrtEngineExecuteAsync", core_->session->functions().execute_async,
      core_->model_id, core_->context_id, bound.group_number(), bound.io(), stream.handle());
  if (status.ok()) return {};
  return status.with_context(bound.name());
}

}  // namespace axle::card
