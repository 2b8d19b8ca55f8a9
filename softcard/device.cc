#include "softcard/device.h"

#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstring>
#include <thread>
#include <utility>

#include "softcard/pace.h"
#include "softcard/vendor_log.h"

namespace axle::softcard {
namespace {

void sleep_seconds(double seconds) {
  std::this_thread::sleep_for(std::chrono::duration<double>(seconds));
}

// The lines that the runtime prints with some of its codes.
void log_error_code(axclError code, std::int32_t device) {
  if (code == kDeviceOpen) {
    SOFTCARD_LOG(kError, "device manager",
                 "open /dev/axcl_host fail, errno: 2 No such file or directory");
  } else if (code == kDeviceNoConnect) {
    SOFTCARD_LOG(kError, "device manager", "no device connected");
  } else if (code == kDevicePorts) {
    SOFTCARD_LOG(kError, "device manager",
                 "request ports from device {} fail, errno: 1 Operation not permitted", device);
  } else if (code == kEngineDecode) {
    SOFTCARD_LOG(kError, "engine", "Decode api(4) response failed.");
  } else if (code == kTaskExecute) {
    SOFTCARD_LOG(kError, "channel", "send 2807 bytes, but 0 bytes sent");
  }
}

}  // namespace

void hang() {
  while (true) ::pause();
}

std::shared_ptr<Device> Device::open(std::shared_ptr<Session> session, const CardProfile& card,
                                     axclError& code) {
  const auto refuse = [&code](axclError why) {
    code = why;
    return nullptr;
  };
  const Machine::OnKill on_kill =
      card.leak_on_kill ? Machine::OnKill::kLeak : Machine::OnKill::kFree;
  if (session->machine->dead(card.bus)) {
    sleep_seconds(card.dead_open_seconds);
    if (session->machine->dead(card.bus)) {
      log_error_code(kDevicePorts, card.bus);
      return refuse(kDevicePorts);
    }
  }
  const Status attached = session->machine->attach(card.bus, on_kill);
  if (!attached.ok()) {
    SOFTCARD_LOG(kError, "device manager", "{}", attached.message());
    log_error_code(kDevicePorts, card.bus);
    return refuse(kDevicePorts);
  }
  Result<std::unique_ptr<Arena>> arena = Arena::create(card.memory_bytes);
  if (!arena.ok()) {
    SOFTCARD_LOG(kError, "device manager", "{}", arena.status().message());
    session->machine->detach(card.bus);
    return refuse(kDevicePorts);
  }
  code = kOk;
  return std::shared_ptr<Device>(new Device(std::move(session), card, *std::move(arena)));
}

Device::Device(std::shared_ptr<Session> session, const CardProfile& card,
               std::unique_ptr<Arena> arena)
    : session_(std::move(session)),
      card_(card),
      arena_(std::move(arena)),
      generation_(session_->machine->generation(card.bus)) {}

Device::~Device() {
  // After a restart of the card the entry may already be that of our successor.
  if (machine().generation(id()) == generation_) machine().detach(id());
}

bool Device::answers() {
  if (lost_.load(std::memory_order_relaxed)) return false;
  if (!machine().dead(id()) && machine().generation(id()) == generation_) return true;
  note_loss();
  return false;
}

bool Device::alive() {
  if (answers()) return true;
  log_error_code(kTaskExecute, id());
  return false;
}

// No call learns of the loss before the log has told all of it.
void Device::note_loss() {
  const MutexLock lock(loss_mutex_);
  if (lost_.load(std::memory_order_relaxed)) return;
  log_loss();
  lost_.store(true, std::memory_order_relaxed);
}

void Device::log_loss() {
  SOFTCARD_LOG(kWarn, "device manager", "device {} is dead", id());
  const auto blocks = arena_->blocks();
  SOFTCARD_LOG(kCritical, "device", "allocated device memories: {}", blocks.size());
  for (const auto& [address, bytes] : blocks) {
    SOFTCARD_LOG(kCritical, "device", "[{:#x}] : {:#x} bytes", address, bytes);
  }
}

Strike Device::strike(CallId call) {
  const FaultRule* rule = faults().on_call(call);
  if (rule == nullptr) return {};
  SOFTCARD_LOG(kInfo, "fault", "the profile strikes {}", call_name(call));
  switch (rule->action) {
    case FaultAction::kSleep:
      sleep_seconds(rule->seconds);
      return {};
    case FaultAction::kSleepThenError:
      sleep_seconds(rule->seconds);
      break;
    case FaultAction::kError:
      break;
    case FaultAction::kHang:
      hang();
    case FaultAction::kDie:
      machine().declare_dead(id());
      note_loss();
      hang();
    case FaultAction::kCrash:
      ::raise(SIGKILL);
      hang();
    case FaultAction::kNan:
      return {.nan = true};
  }
  log_error_code(rule->code, id());
  return {.code = rule->code};
}

bool Device::charge(std::uint64_t bytes) {
  const Status charged = machine().charge(id(), bytes, card_.memory_bytes);
  if (!charged.ok()) SOFTCARD_LOG(kError, "memory", "no card memory: {}", charged.message());
  return charged.ok();
}

void Device::discharge(std::uint64_t bytes) {
  if (machine().generation(id()) == generation_) machine().discharge(id(), bytes);
}

axclError Device::allocate(std::size_t size_bytes, std::uint64_t& address) {
  if (size_bytes == 0 || size_bytes > card_.memory_bytes) {
    SOFTCARD_LOG(kError, "memory", "cannot allocate {} bytes of device memory", size_bytes);
    return kMemoryExecute;
  }
  const std::size_t pages = Arena::round_to_pages(size_bytes);
  if (!charge(pages)) return kMemoryExecute;
  const Result<std::uint64_t> block = arena_->allocate(size_bytes);
  if (!block.ok()) {
    discharge(pages);
    SOFTCARD_LOG(kError, "memory", "{}", block.status().message());
    return kMemoryExecute;
  }
  address = *block;
  held_outputs_.drop(arena_->host(address), pages);  // Of a block that was given back.
  return kOk;
}

axclError Device::release(std::uint64_t address) {
  const std::optional<std::size_t> bytes = arena_->release(address);
  if (!bytes.has_value()) {
    SOFTCARD_LOG(kError, "memory", "{:#x} is not the address of a device allocation", address);
    return kNotDeviceMemory;
  }
  discharge(*bytes);
  return kOk;
}

void Device::pace_copy(std::size_t size_bytes, std::chrono::steady_clock::time_point begin) {
  const Timing& timing = profile().timing;
  if (timing.copy_seconds > 0.0 || timing.copy_bytes_per_second > 0.0) {
    wait_until(begin + copy_time(timing, size_bytes));
  }
}

axclError Device::copy_over_link(std::byte* to, const std::byte* from, std::size_t size_bytes) {
  const Timing& timing = profile().timing;
  if (timing.copy_seconds <= 0.0 && timing.copy_bytes_per_second <= 0.0) {
    std::memcpy(to, from, size_bytes);
    return kOk;
  }
  const TicketGuard link(link_);
  const auto begin = std::chrono::steady_clock::now();
  std::memcpy(to, from, size_bytes);
  pace_copy(size_bytes, begin);
  return kOk;
}

axclError Device::copy(void* to, const void* from, std::size_t size_bytes, std::int32_t kind) {
  const std::uint64_t target = to_address(to);
  const std::uint64_t source = to_address(from);
  const auto outside = [](std::uint64_t address, const char* what) {
    SOFTCARD_LOG(kError, "memory", "{:#x} is not {}", address, what);
    return kMemoryExecute;
  };
  if (kind == kHostToDevice) {
    if (!arena_->contains(target)) return outside(target, "a device address");
    if (arena_->contains(source)) return outside(source, "a host address");
    held_outputs_.drop(arena_->host(target), arena_->clip(target, size_bytes));
    return copy_over_link(arena_->host(target), static_cast<const std::byte*>(from),
                          arena_->clip(target, size_bytes));
  }
  if (kind == kDeviceToHost) {
    if (!arena_->contains(source)) return outside(source, "a device address");
    if (arena_->contains(target)) return outside(target, "a host address");
    held_outputs_.settle(arena_->host(source), arena_->clip(source, size_bytes));
    return copy_over_link(static_cast<std::byte*>(to), arena_->host(source),
                          arena_->clip(source, size_bytes));
  }
  if (kind == kDeviceToDevice) {
    if (!arena_->contains(target)) return outside(target, "a device address");
    if (!arena_->contains(source)) return outside(source, "a device address");
    held_outputs_.settle(arena_->host(source), arena_->clip(source, size_bytes));
    held_outputs_.drop(arena_->host(target), arena_->clip(target, size_bytes));
    const auto begin = std::chrono::steady_clock::now();
    std::memmove(arena_->host(target), arena_->host(source),
                 std::min(arena_->clip(target, size_bytes), arena_->clip(source, size_bytes)));
    pace_copy(0, begin);  // A message, but nothing over the link.
    return kOk;
  }
  SOFTCARD_LOG(kError, "memory", "copies of kind {} are not possible here", kind);
  return kind == kHostPhysicalToDevice || kind == kDeviceToHostPhysical ? kMemoryUnsupported
                                                                        : kMemoryExecute;
}

axclError Device::fill(void* to, std::uint8_t value, std::size_t size_bytes) {
  const std::uint64_t target = to_address(to);
  if (!arena_->contains(target)) return kMemoryExecute;
  held_outputs_.drop(arena_->host(target), arena_->clip(target, size_bytes));
  const auto begin = std::chrono::steady_clock::now();
  std::memset(arena_->host(target), value, arena_->clip(target, size_bytes));
  pace_copy(0, begin);
  return kOk;
}

axclError Device::compare(const void* one, const void* other, std::size_t size_bytes) {
  const std::uint64_t first = to_address(one);
  const std::uint64_t second = to_address(other);
  if (!arena_->contains(first) || !arena_->contains(second)) return kMemoryExecute;
  return std::memcmp(arena_->host(first), arena_->host(second),
                     std::min(arena_->clip(first, size_bytes), arena_->clip(second, size_bytes)));
}

}  // namespace axle::softcard
