#include "card/stream.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <utility>

#include "base/log.h"
#include "card/card.h"
#include "card/engine.h"
#include "card/session.h"
#include "card/transfer.h"

namespace axle::card {

using detail::as_pointer;

struct Stream::Impl {
  std::shared_ptr<detail::Session> session;  // Shared: knows whether the card still lives.
  abi::Handle handle = nullptr;              // Owned.
  bool pending = false;                      // Something may be unfinished.

  ~Impl() {
    if (handle == nullptr || !session->alive()) return;
    const abi::Functions& f = session->functions();
    const bool force = pending && f.destroy_stream_force != nullptr;
    const Status status =
        force ? session->call(Action::kUse, "axclrtDestroyStreamForce", f.destroy_stream_force,
                              handle)
              : session->call(Action::kUse, "axclrtDestroyStream", f.destroy_stream, handle);
    if (!status.ok()) AXLE_LOG_WARN("card", "closing a stream: {}", status.to_string());
  }

  Status copy(DeviceSpan size_of, void* to, const void* from, abi::CopyKind kind) {
    pending = true;
    return session->call(Action::kUse, "axclrtMemcpyAsync", session->functions().memcpy_async, to,
                         from, size_of.size_bytes, static_cast<int>(kind), handle);
  }
};

Result<Stream> Stream::create(Card& card) {
  if (!card.features().async) {
    return unsupported(fmt::format("{} has no asynchronous calls", card.library().description()));
  }
  auto impl = std::make_unique<Impl>();
  impl->session = card.session();
  AXLE_TRY(impl->session->call(Action::kUse, "axclrtCreateStream",
                               impl->session->functions().create_stream, &impl->handle));
  if (impl->handle == nullptr) {
    return impl->session->failed(vendor_code(0x80300381), Action::kUse, "axclrtCreateStream");
  }
  return Stream(std::move(impl));
}

Stream::Stream(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Stream::Stream(Stream&&) noexcept = default;
Stream& Stream::operator=(Stream&&) noexcept = default;
Stream::~Stream() = default;

void* Stream::handle() const { return impl_->handle; }
void Stream::mark_pending() { impl_->pending = true; }

Status Stream::write_async(DeviceSpan to, std::span<const std::byte> source) {
  AXLE_TRY(detail::check_same_size(to.size_bytes, source.size()));
  if (source.empty()) return {};
  AXLE_TRY(detail::check_memory(to));
  return impl_->copy(to, as_pointer(to.address), source.data(), abi::kHostToDevice);
}

Status Stream::read_async(DeviceSpan from, std::span<std::byte> target) {
  AXLE_TRY(detail::check_same_size(from.size_bytes, target.size()));
  if (target.empty()) return {};
  AXLE_TRY(detail::check_memory(from));
  return impl_->copy(from, target.data(), as_pointer(from.address), abi::kDeviceToHost);
}

Status Stream::copy_async(DeviceSpan from, DeviceSpan to) {
  if (from.size_bytes == 0 && to.size_bytes == 0) return {};
  AXLE_TRY(detail::check_copy(from, to));
  return impl_->copy(to, as_pointer(to.address), as_pointer(from.address), abi::kDeviceToDevice);
}

Status Stream::fill_async(DeviceSpan span, std::byte value) {
  if (span.size_bytes == 0) return {};
  AXLE_TRY(detail::check_memory(span));
  impl_->pending = true;
  return impl_->session->call(Action::kUse, "axclrtMemsetAsync",
                              impl_->session->functions().memset_async, as_pointer(span.address),
                              std::to_integer<std::uint8_t>(value), span.size_bytes, impl_->handle);
}

Status Stream::run(Engine& engine, Binding& binding) { return engine.run_async(binding, *this); }

Status Stream::synchronize(std::optional<std::chrono::milliseconds> timeout) {
  const abi::Functions& f = impl_->session->functions();
  Status status;
  if (timeout) {
    const auto most = std::chrono::milliseconds(std::numeric_limits<std::int32_t>::max());
    const auto limit = std::clamp(*timeout, std::chrono::milliseconds(0), most);
    status = impl_->session->call(Action::kWait, "axclrtSynchronizeStreamWithTimeout",
                                  f.synchronize_stream_with_timeout, impl_->handle,
                                  static_cast<std::int32_t>(limit.count()));
  } else {
    status = impl_->session->call(Action::kWait, "axclrtSynchronizeStream", f.synchronize_stream,
                                  impl_->handle);
  }
  // After an error of the work itself the stream is empty again; after a time-out it is not.
  if (status.code() != Code::kDeadlineExceeded) impl_->pending = false;
  return status;
}

}  // namespace axle::card
