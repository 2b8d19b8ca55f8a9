#include "card/session.h"

#include <fmt/format.h>

#include "base/log.h"

namespace axle::card::detail {
namespace {

std::atomic<std::uint64_t> next_serial = 1;
// The session whose context this thread has; 0: none. Only this file changes contexts.
thread_local std::uint64_t bound_serial = 0;

}  // namespace

LibraryState::~LibraryState() {
  if (!initialised) return;
  const CallWatch::Scope scope(*watch, "axclFinalize");
  functions.finalize();
}

Session::Session(std::shared_ptr<LibraryState> library, DeviceId device)
    : library_(std::move(library)), device_(device), serial_(next_serial.fetch_add(1)) {}

Status Session::open() {
  const std::int32_t id = static_cast<std::int32_t>(device_);
  const abi::Functions& f = functions();
  if (const abi::Error code = raw("axclrtSetDevice", f.set_device, id); code != 0) {
    return failed(code, Action::kOpen, "axclrtSetDevice",
                  fmt::format("wanted the card on PCIe bus {}", id));
  }
  state_ = State::kOpen;
  abi::Error code = raw("axclrtGetCurrentContext", f.get_current_context, &context_);
  const char* name = "axclrtGetCurrentContext";
  if (code == 0 && context_ == nullptr) code = kNoContext;
  if (code == 0) {
    bound_serial = serial_;
    name = "axclrtEngineInit";
    code = raw(name, f.engine_init, abi::kVnpuDisabled);
  }
  if (code == 0) return {};
  const Status status = failed(code, Action::kOpen, name);
  if (const Status closed = close(); !closed.ok()) {
    AXLE_LOG_DEBUG("card", "after a failed opening: {}", closed.to_string());
  }
  return status;
}

Status Session::close() {
  const State before = state_.exchange(State::kClosed);
  if (before != State::kOpen && before != State::kLost) return {};
  const abi::Functions& f = functions();
  Status status;
  if (before == State::kOpen) {
    if (!bound_here()) raw("axclrtSetCurrentContext", f.set_current_context, context_);
    const abi::Error code = raw("axclrtEngineFinalize", f.engine_finalize);
    if (code != 0) status = vendor_status(code, Action::kUse, "axclrtEngineFinalize");
  }
  bound_serial = 0;
  // A lost card, too, must be reset before this process can take it into use again.
  const auto id = static_cast<std::int32_t>(device_);
  const abi::Error code = raw("axclrtResetDevice", f.reset_device, id);
  if (code != 0 && status.ok()) status = vendor_status(code, Action::kUse, "axclrtResetDevice");
  return status;
}

Status Session::health() const {
  const State state = state_.load(std::memory_order_acquire);
  if (state == State::kOpen) return {};
  const MutexLock lock(mutex_);
  if (!first_error_.ok()) return first_error_;
  return unavailable(fmt::format("the card on PCIe bus {} is closed; open it again",
                                 static_cast<std::int32_t>(device_)));
}

bool Session::bound_here() const { return bound_serial == serial_; }

Status Session::bind_thread() {
  if (!alive()) return health();
  if (bound_here()) return {};
  const abi::Error code = raw("axclrtSetCurrentContext", functions().set_current_context, context_);
  if (code != 0) return failed(code, Action::kUse, "axclrtSetCurrentContext");
  bound_serial = serial_;
  return {};
}

Status Session::failed(abi::Error code, Action action, const char* name, std::string_view detail) {
  Status status = vendor_status(code, action, name, detail);
  if (status.code() != Code::kCardLost) return status;
  const MutexLock lock(mutex_);
  if (!first_error_.ok()) return first_error_;
  first_error_ = status;
  State open = State::kOpen;
  if (state_.compare_exchange_strong(open, State::kLost)) {
    AXLE_LOG_ERROR("card", "the card on PCIe bus {} is lost: {}",
                   static_cast<std::int32_t>(device_), status.to_string());
  }
  return status;
}

}  // namespace axle::card::detail
