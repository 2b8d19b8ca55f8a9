#include "card/library.h"

#include <dlfcn.h>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <link.h>

#include <algorithm>
#include <system_error>

#include "base/log.h"
#include "card/axcl_abi.h"
#include "card/error.h"
#include "card/session.h"

namespace axle::card {
namespace {

using detail::LibraryState;

// A loaded shared object and why it was chosen.
struct Loaded {
  void* handle = nullptr;
  std::string reason;
};

// Loads without ever unloading: the library has threads and statics that do not survive dlclose.
void* load(const std::string& name, std::string& error) {
  dlerror();
  void* handle = dlopen(name.c_str(), RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
  if (handle == nullptr) {
    const char* text = dlerror();
    error = text != nullptr ? text : "unknown reason";
  }
  return handle;
}

// Does the loader's text say that `name` itself is not there (and not something it needs)?
bool is_absent(const std::string& name, const std::string& error) {
  return error.starts_with(name + ": cannot open shared object file: No such file");
}

Result<Loaded> load_path(const std::string& path, std::string reason) {
  std::string error;
  if (void* handle = load(path, error)) return Loaded{handle, std::move(reason)};
  if (is_absent(path, error)) {
    return not_found(
        fmt::format("no AXCL library at {}; set card.library to \"auto\", "
                    "\"softcard\" or the path of libaxcl_rt.so",
                    path));
  }
  return unsupported(
      fmt::format("{} cannot be loaded: {}; set card.library to \"auto\", \"softcard\" or the path "
                  "of libaxcl_rt.so",
                  path, error));
}

Result<Loaded> load_softcard(const LibraryOptions& options, std::string reason) {
  if (options.softcard.empty()) {
    return not_found(
        "the software card's libaxcl_rt.so is not installed with this program; install axle "
        "whole, or set card.library to the path of an AXCL library");
  }
  return load_path(options.softcard.string(), std::move(reason));
}

// The vendor's library where there is one. NotFound only when no candidate exists at all: one that
// exists and does not load is something that the operator must mend.
Result<Loaded> load_vendor(const LibraryOptions& options) {
  for (const std::string& name : options.vendor_candidates) {
    std::string error;
    if (void* handle = load(name, error)) {
      return Loaded{handle, fmt::format("found as {}", name)};
    }
    if (!is_absent(name, error)) {
      return unavailable(fmt::format(
          "the vendor's AXCL library is installed but cannot be loaded: {}; reinstall the package "
          "axclhost, or set card.library to \"softcard\"",
          error));
    }
  }
  return not_found(fmt::format("no AXCL library of the vendor ({}); install the package axclhost",
                               fmt::join(options.vendor_candidates, ", ")));
}

Result<Loaded> load_chosen(const LibraryOptions& options) {
  if (options.library == "softcard") return load_softcard(options, "as configured");
  if (options.library == "vendor") return load_vendor(options);
  if (!options.library.empty() && options.library != "auto") {
    return load_path(options.library, "as configured");
  }
  Result<Loaded> vendor = load_vendor(options);
  if (vendor.ok() || vendor.status().code() != Code::kNotFound) return vendor;
  return load_softcard(options, "because the vendor's library is not installed");
}

// Fills the table; returns the names of required functions that are missing.
std::vector<std::string> resolve(void* handle, const LibraryOptions& options,
                                 abi::Functions& functions) {
  std::vector<std::string> missing;
  for (const abi::Symbol& symbol : abi::symbols()) {
    const bool hidden = std::find(options.hide_symbols.begin(), options.hide_symbols.end(),
                                  symbol.name) != options.hide_symbols.end();
    void* address = hidden ? nullptr : dlsym(handle, symbol.name);
    if (address != nullptr) {
      symbol.store(functions, address);
    } else if (symbol.need == abi::Need::kRequired) {
      missing.emplace_back(symbol.name);
    }
  }
  return missing;
}

Features features_of(const abi::Functions& f) {
  Features features;
  features.async = f.create_stream && f.destroy_stream && f.synchronize_stream &&
                   f.synchronize_stream_with_timeout && f.memcpy_async && f.memset_async &&
                   f.execute_async;
  features.events = features.async && f.create_event && f.record_event && f.stream_wait_event;
  features.usage = f.get_usage != nullptr;
  features.properties = f.get_device_properties != nullptr;
  features.full_version = f.get_full_version != nullptr;
  features.compare = f.memcmp != nullptr;
  features.reboot = f.reboot_device != nullptr;
  return features;
}

void read_version(LibraryState& state) {
  const abi::Functions& f = state.functions;
  Version& v = state.version;
  if (f.get_version != nullptr && f.get_version(&v.major, &v.minor, &v.patch) != 0) v = {};
  const char* full = f.get_full_version != nullptr ? f.get_full_version() : nullptr;
  state.full_version = full != nullptr ? full : fmt::format("V{}.{}.{}", v.major, v.minor, v.patch);
}

std::filesystem::path path_of(void* handle) {
  const link_map* map = nullptr;
  if (dlinfo(handle, RTLD_DI_LINKMAP, &map) != 0 || map == nullptr) return {};
  return map->l_name;
}

// The software card exports a function of its own name; the vendor's library cannot have it.
LibraryKind kind_of(void* handle) {
  return dlsym(handle, "axle_softcard_version") != nullptr ? LibraryKind::kSoftCard
                                                           : LibraryKind::kVendor;
}

std::string describe(const LibraryState& state, const std::string& reason) {
  return fmt::format("{} {} at {} ({})",
                     state.kind == LibraryKind::kVendor ? "AXCL runtime" : "software card",
                     state.full_version, state.path.string(), reason);
}

Status initialise(LibraryState& state, const LibraryOptions& options) {
  AXLE_TRY_ASSIGN(state.output, StdoutRedirect::create(options.output));
  const char* config = options.config.empty() ? nullptr : options.config.c_str();
  abi::Error code = 0;
  {
    const CallWatch::Scope scope(*state.watch, "axclInit");
    code = state.functions.init(config);
  }
  // Also after a failure: the library is then safe to call, and has started threads.
  state.initialised = true;
  if (code == 0) return {};
  if (state.kind == LibraryKind::kSoftCard) {
    // The vendor's advice would send people to a driver that they do not need.
    const Status as_card = vendor_status(code, Action::kInit, "axclInit");
    return {
        as_card.code(),
        fmt::format("axclInit failed with {} (0x{:08x}); using {}; the library's own log line "
                    "says why: correct AXLE_SOFTCARD (its profile) or AXLE_SOFTCARD_STATE",
                    vendor_error_name(code), static_cast<std::uint32_t>(code), state.description),
        code};
  }
  const std::string detail = fmt::format(
      "using {}; to work without a card set card.library to \"softcard\"", state.description);
  return vendor_status(code, Action::kInit, "axclInit", detail);
}

}  // namespace

Result<std::unique_ptr<Library>> Library::open(const LibraryOptions& options) {
  AXLE_TRY_ASSIGN(const Loaded loaded, load_chosen(options));
  // Shared with cards and all that is made from them.
  auto state = std::make_shared<LibraryState>();
  if (options.watch != nullptr) state->watch = options.watch;
  const std::vector<std::string> missing = resolve(loaded.handle, options, state->functions);
  state->kind = kind_of(loaded.handle);
  state->path = path_of(loaded.handle);
  read_version(*state);
  state->description = describe(*state, loaded.reason);
  if (!missing.empty()) {
    return unsupported(fmt::format("{} lacks {}; install AXCL 3.4 or later", state->description,
                                   fmt::join(missing, ", ")));
  }
  state->features = features_of(state->functions);
  AXLE_TRY(initialise(*state, options));
  AXLE_LOG_INFO("card", "{}", state->description);
  return std::unique_ptr<Library>(new Library(std::move(state)));
}

Library::~Library() = default;

LibraryKind Library::kind() const { return state_->kind; }
const Features& Library::features() const { return state_->features; }
Version Library::version() const { return state_->version; }
const std::string& Library::full_version() const { return state_->full_version; }
const std::string& Library::description() const { return state_->description; }
const std::filesystem::path& Library::path() const { return state_->path; }
const CallWatch& Library::watch() const { return *state_->watch; }
std::optional<CallInProgress> Library::in_call() const { return state_->watch->oldest(); }
int Library::original_stdout() const { return state_->output->original(); }

std::string Library::soc_name() const {
  const char* name =
      state_->functions.get_soc_name != nullptr ? state_->functions.get_soc_name() : nullptr;
  return name != nullptr ? name : "UNKNOWN";
}

Result<std::vector<DeviceId>> Library::devices() const {
  abi::DeviceList list{};
  const CallWatch::Scope scope(*state_->watch, "axclrtGetDeviceList");
  if (const abi::Error code = state_->functions.get_device_list(&list); code != 0) {
    return vendor_status(code, Action::kOpen, "axclrtGetDeviceList");
  }
  std::vector<DeviceId> devices;
  const std::size_t count = std::min<std::size_t>(list.count, std::size(list.ids));
  for (std::size_t i = 0; i < count; ++i) devices.push_back(DeviceId{list.ids[i]});
  std::sort(devices.begin(), devices.end());
  return devices;
}

Status Library::reboot(DeviceId device) {
  if (!state_->features.reboot) {
    return unsupported(
        fmt::format("{} cannot restart a card; use axcl-smi reboot", state_->description));
  }
  AXLE_TRY_ASSIGN(const std::vector<DeviceId> known, devices());
  if (std::find(known.begin(), known.end(), device) == known.end()) {
    return not_found(fmt::format("no card on PCIe bus {}", static_cast<std::int32_t>(device)));
  }
  const CallWatch::Scope scope(*state_->watch, "axclrtRebootDevice");
  const abi::Error code = state_->functions.reboot_device(static_cast<std::int32_t>(device));
  return code == 0 ? Status() : vendor_status(code, Action::kOpen, "axclrtRebootDevice");
}

}  // namespace axle::card
