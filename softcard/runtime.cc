#include "softcard/runtime.h"

#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <system_error>
#include <thread>
#include <utility>

#include "softcard/host_config.h"

namespace axle::softcard {
namespace {

// The handle of the context bound to this thread; it may be stale.
thread_local void* bound_context = nullptr;

std::string program_name() {
  std::error_code ignored;
  return std::filesystem::read_symlink("/proc/self/exe", ignored).filename().string();
}

// Faults at axclInit: there is no card yet that could strike.
axclError strike_init(Faults& faults) {
  const FaultRule* rule = faults.on_call(CallId::kInit);
  if (rule == nullptr) return kOk;
  if (rule->action == FaultAction::kCrash) ::raise(SIGKILL);
  if (rule->action == FaultAction::kHang || rule->action == FaultAction::kDie) hang();
  if (rule->action != FaultAction::kError) {
    std::this_thread::sleep_for(std::chrono::duration<double>(rule->seconds));
    if (rule->action == FaultAction::kSleep) return kOk;
  }
  if (rule->code == kDeviceOpen) {
    SOFTCARD_LOG(kError, "device manager",
                 "open /dev/axcl_host fail, errno: 2 No such file or directory");
  } else if (rule->code == kDeviceNoConnect) {
    SOFTCARD_LOG(kError, "device manager", "no device connected");
  }
  return rule->code;
}

axclError make_session(const char* config, std::shared_ptr<Session>& session) {
  const Result<HostConfig> host = load_host_config(config);
  if (host.ok()) {
    set_log_file(host->log_path);
    set_log_level(static_cast<LogLevel>(host->log_level));
  } else {
    SOFTCARD_LOG(kError, "config", "{}", host.status().message());
    return kConfigLoad;
  }
  session = std::make_shared<Session>();
  Result<Profile> profile = profile_from_environment();
  if (!profile.ok()) {
    SOFTCARD_LOG(kError, "config", "{}", profile.status().message());
    return kConfigLoad;
  }
  session->profile = *std::move(profile);
  Result<std::unique_ptr<Machine>> machine = Machine::open(Machine::default_path());
  if (!machine.ok()) {
    SOFTCARD_LOG(kError, "device manager", "{}", machine.status().message());
    return kDeviceOpen;
  }
  session->machine = *std::move(machine);
  Machine* const shared = session->machine.get();
  session->faults =
      std::make_unique<Faults>(session->profile.faults, program_name(),
                               [shared](std::uint64_t key) { return shared->claim(key); });
  return strike_init(*session->faults);
}

void close_stream(const std::shared_ptr<Stream>& stream, Device& device) {
  if (device.answers()) {
    stream->shut_down(Stream::Pending::kFinish);
  } else {
    stream->abandon();
  }
}

}  // namespace

Runtime& Runtime::instance() {
  static auto* const runtime = new Runtime;
  return *runtime;
}

axclError Runtime::start(const char* config) {
  const MutexLock lock(mutex_);
  if (session_ == nullptr) {
    std::shared_ptr<Session> session;
    const axclError code = make_session(config, session);
    if (code != kOk) return code;
    session_ = std::move(session);
  }
  ++starts_;
  return kOk;
}

axclError Runtime::stop() {
  const MutexLock lock(mutex_);
  if (starts_ == 0 || --starts_ > 0) return kOk;
  while (!open_.empty()) close_card(open_.begin()->first);
  session_ = nullptr;
  return kOk;
}

std::vector<CardProfile> Runtime::cards() const {
  const MutexLock lock(mutex_);
  return session_ == nullptr ? std::vector<CardProfile>() : session_->profile.cards;
}

std::shared_ptr<Session> Runtime::session() const {
  const MutexLock lock(mutex_);
  return session_;
}

bool Runtime::known(std::int32_t id) const {
  if (session_ == nullptr) return false;
  const std::vector<CardProfile>& cards = session_->profile.cards;
  return std::any_of(cards.begin(), cards.end(),
                     [id](const CardProfile& card) { return card.bus == id; });
}

axclError Runtime::open_card(std::int32_t id, OpenCard*& card) {
  if (!known(id)) return kDeviceInvalidId;
  if (const auto entry = open_.find(id); entry != open_.end()) {
    card = &entry->second;
    return kOk;
  }
  const std::vector<CardProfile>& cards = session_->profile.cards;
  const auto profile = std::find_if(cards.begin(), cards.end(),
                                    [id](const CardProfile& other) { return other.bus == id; });
  axclError code = kOk;
  std::shared_ptr<Device> device = Device::open(session_, *profile, code);
  if (device == nullptr) return code;
  if (const Strike strike = device->strike(CallId::kSetDevice); strike.code != kOk) {
    return strike.code;
  }
  card = &open_[id];
  card->device = std::move(device);
  card->default_context = add_context(card->device, true);
  return kOk;
}

axclError Runtime::set_device(std::int32_t id) {
  const MutexLock lock(mutex_);
  OpenCard* card = nullptr;
  if (const axclError code = open_card(id, card); code != kOk) return code;
  ++card->uses;
  bind(card->default_context);
  return kOk;
}

void Runtime::close_card(std::int32_t id) {
  const auto entry = open_.find(id);
  const std::shared_ptr<Device> device = entry->second.device;
  open_.erase(entry);
  const auto on_device = [&device](const StreamEntry& stream) {
    return stream.context->device == device;
  };
  for (const auto& stream : streams.remove_if(on_device)) close_stream(stream->stream, *device);
  contexts.remove_if([&device](const Context& context) { return context.device == device; });
  engines.remove_if([id](const EngineEntry& engine) { return engine.device == id; });
}

axclError Runtime::reset_device(std::int32_t id) {
  const MutexLock lock(mutex_);
  if (!known(id)) return kDeviceInvalidId;
  const auto entry = open_.find(id);
  if (entry == open_.end()) return kDeviceNotActive;
  if (--entry->second.uses <= 0) close_card(id);
  return kOk;
}

std::shared_ptr<Device> Runtime::active_device(std::int32_t id) const {
  const MutexLock lock(mutex_);
  const auto entry = open_.find(id);
  return entry == open_.end() ? nullptr : entry->second.device;
}

void* Runtime::default_context(std::int32_t id) const {
  const MutexLock lock(mutex_);
  const auto entry = open_.find(id);
  return entry == open_.end() ? nullptr : entry->second.default_context;
}

void* Runtime::add_context(const std::shared_ptr<Device>& device, bool is_default) {
  auto context = std::make_shared<Context>();
  context->device = device;
  context->stream = std::make_shared<Stream>();
  context->is_default = is_default;
  auto stream = std::make_shared<StreamEntry>();
  stream->stream = context->stream;
  stream->context = context;
  stream->is_default = true;
  context->stream_handle = streams.add(stream);
  context->handle = contexts.add(context);
  return context->handle;
}

axclError Runtime::create_context(std::int32_t id, void*& handle) {
  const MutexLock lock(mutex_);
  OpenCard* card = nullptr;
  if (const axclError code = open_card(id, card); code != kOk) return code;
  // A card that a context opened is given back by ResetDevice as if SetDevice had opened it.
  card->uses = std::max(card->uses, 1);
  if (const Strike strike = card->device->strike(CallId::kCreateContext); strike.code != kOk) {
    return strike.code;
  }
  handle = add_context(card->device, false);
  bind(handle);
  return kOk;
}

axclError Runtime::destroy_context(void* handle) {
  const std::shared_ptr<Context> context = contexts.find(handle);
  if (context == nullptr) return kContextIllegal;
  if (context->is_default) return kContextDestroy;
  contexts.remove(handle);
  const auto of_context = [&context](const StreamEntry& stream) {
    return stream.context == context;
  };
  for (const auto& stream : streams.remove_if(of_context)) {
    close_stream(stream->stream, *context->device);
  }
  return kOk;
}

void* Runtime::current_handle() const { return bound_context; }
void Runtime::bind(void* context) { bound_context = context; }

std::shared_ptr<Context> Runtime::current() const {
  return bound_context == nullptr ? nullptr : contexts.find(bound_context);
}

axclError bind_caller(Caller& caller, axclError unbound) {
  caller.context = Runtime::instance().current();
  if (caller.context == nullptr) {
    SOFTCARD_LOG(kError, "context", "thread {} hasn't binded any context yet", syscall(SYS_gettid));
    return unbound;
  }
  return caller.device().alive() ? kOk : kTaskExecute;
}

axclError enter(CallId call, Caller& caller, axclError unbound) {
  if (const axclError code = bind_caller(caller, unbound); code != kOk) return code;
  caller.strike = caller.device().strike(call);
  return caller.strike.code;
}

}  // namespace axle::softcard
