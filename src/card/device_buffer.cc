#include "card/device_buffer.h"

#include <fmt/format.h>

#include <bit>
#include <utility>

#include "base/log.h"
#include "card/card.h"
#include "card/session.h"
#include "card/transfer.h"

namespace axle::card {
namespace {

using detail::as_pointer;
using detail::Session;

// "wanted 4096 bytes; the card has 1048576 of 7381975040 free"
std::string memory_numbers(Session& session, std::size_t wanted_bytes) {
  std::string text = fmt::format("wanted {} bytes", wanted_bytes);
  abi::DeviceProperties properties{};
  if (!session.features().properties ||
      session.raw("axclrtGetDeviceProperties", session.functions().get_device_properties,
                  static_cast<std::int32_t>(session.device()), &properties) != 0) {
    return text;
  }
  return text + fmt::format(", the card has {} of {} bytes free",
                            std::uint64_t{1024} * properties.cmm_free_kib,
                            std::uint64_t{1024} * properties.cmm_total_kib);
}

Status outside(std::size_t offset, std::size_t size, std::size_t block) {
  return invalid_argument(fmt::format("{} bytes at offset {} do not fit into a buffer of {} bytes",
                                      size, offset, block));
}

}  // namespace

namespace detail {

Status check_same_size(std::size_t device_bytes, std::size_t host_bytes) {
  if (device_bytes == host_bytes) return {};
  return invalid_argument(
      fmt::format("card range has {} bytes, the other side {}", device_bytes, host_bytes));
}

Status check_memory(DeviceSpan span) {
  if (span.address != 0) return {};
  return invalid_argument(
      fmt::format("{} bytes wanted of a range without memory", span.size_bytes));
}

Status check_copy(DeviceSpan from, DeviceSpan to) {
  AXLE_TRY(check_same_size(from.size_bytes, to.size_bytes));
  AXLE_TRY(check_memory(from));
  AXLE_TRY(check_memory(to));
  if (!from.overlaps(to)) return {};
  return invalid_argument(
      fmt::format("copy of {} bytes between overlapping ranges 0x{:x} and 0x{:x}", from.size_bytes,
                  from.address, to.address));
}

}  // namespace detail

Result<DeviceBuffer> DeviceBuffer::allocate(Card& card, std::size_t size_bytes) {
  if (size_bytes == 0) return invalid_argument("a card buffer of 0 bytes was wanted");
  const std::shared_ptr<Session>& session = card.session();
  AXLE_TRY(session->bind_thread());
  void* block = nullptr;
  const abi::Error code = session->raw("axclrtMalloc", session->functions().malloc, &block,
                                       size_bytes, abi::kMallocNormalOnly);
  if (code == kMemoryRefused) {
    return session->failed(code, Action::kAllocate, "axclrtMalloc",
                           memory_numbers(*session, size_bytes));
  }
  if (code != 0) return session->failed(code, Action::kAllocate, "axclrtMalloc");
  if (block == nullptr) {
    return session->failed(kMemoryRefused, Action::kAllocate, "axclrtMalloc", "it gave no address");
  }
  return DeviceBuffer(session, std::bit_cast<std::uintptr_t>(block), size_bytes);
}

DeviceBuffer::DeviceBuffer(std::shared_ptr<Session> session, std::uint64_t address,
                           std::size_t size_bytes)
    : session_(std::move(session)), address_(address), size_bytes_(size_bytes) {}

DeviceBuffer::DeviceBuffer(DeviceBuffer&& other) noexcept
    : session_(std::move(other.session_)),
      address_(std::exchange(other.address_, 0)),
      size_bytes_(std::exchange(other.size_bytes_, 0)) {}

DeviceBuffer& DeviceBuffer::operator=(DeviceBuffer&& other) noexcept {
  DeviceBuffer taken(std::move(other));
  std::swap(session_, taken.session_);
  std::swap(address_, taken.address_);
  std::swap(size_bytes_, taken.size_bytes_);
  return *this;  // `taken` now gives the old block back.
}

DeviceBuffer::~DeviceBuffer() {
  if (const Status status = release(); !status.ok()) {
    AXLE_LOG_WARN("card", "giving memory back: {}", status.to_string());
  }
}

Status DeviceBuffer::release() {
  const std::uint64_t address = std::exchange(address_, 0);
  size_bytes_ = 0;
  const std::shared_ptr<Session> session = std::move(session_);
  if (address == 0 || !session->alive()) return {};
  return session->call(Action::kUse, "axclrtFree", session->functions().free, as_pointer(address));
}

Status DeviceBuffer::write(std::size_t offset_bytes, std::span<const std::byte> source) {
  if (offset_bytes > size_bytes_ || source.size() > size_bytes_ - offset_bytes) {
    return outside(offset_bytes, source.size(), size_bytes_);
  }
  if (source.empty()) return {};
  return detail::write(*session_, slice(offset_bytes, source.size()), source);
}

Status DeviceBuffer::read(std::size_t offset_bytes, std::span<std::byte> target) const {
  if (offset_bytes > size_bytes_ || target.size() > size_bytes_ - offset_bytes) {
    return outside(offset_bytes, target.size(), size_bytes_);
  }
  if (target.empty()) return {};
  return detail::read(*session_, slice(offset_bytes, target.size()), target);
}

Status DeviceBuffer::fill(std::size_t offset_bytes, std::size_t size_bytes, std::byte value) {
  if (offset_bytes > size_bytes_ || size_bytes > size_bytes_ - offset_bytes) {
    return outside(offset_bytes, size_bytes, size_bytes_);
  }
  if (size_bytes == 0) return {};
  return detail::fill(*session_, slice(offset_bytes, size_bytes), value);
}

namespace detail {

Status write(Session& session, DeviceSpan to, std::span<const std::byte> source) {
  return session.call(Action::kUse, "axclrtMemcpy", session.functions().memcpy,
                      as_pointer(to.address), source.data(), source.size(),
                      static_cast<int>(abi::kHostToDevice));
}

Status read(Session& session, DeviceSpan from, std::span<std::byte> target) {
  return session.call(Action::kUse, "axclrtMemcpy", session.functions().memcpy, target.data(),
                      as_pointer(from.address), target.size(),
                      static_cast<int>(abi::kDeviceToHost));
}

Status fill(Session& session, DeviceSpan span, std::byte value) {
  return session.call(Action::kUse, "axclrtMemset", session.functions().memset,
                      as_pointer(span.address), std::to_integer<std::uint8_t>(value),
                      span.size_bytes);
}

}  // namespace detail

Status write(Card& card, DeviceSpan to, std::span<const std::byte> source) {
  AXLE_TRY(detail::check_same_size(to.size_bytes, source.size()));
  if (source.empty()) return {};
  AXLE_TRY(detail::check_memory(to));
  return detail::write(*card.session(), to, source);
}

Status read(Card& card, DeviceSpan from, std::span<std::byte> target) {
  AXLE_TRY(detail::check_same_size(from.size_bytes, target.size()));
  if (target.empty()) return {};
  AXLE_TRY(detail::check_memory(from));
  return detail::read(*card.session(), from, target);
}

Status fill(Card& card, DeviceSpan span, std::byte value) {
  if (span.size_bytes == 0) return {};
  AXLE_TRY(detail::check_memory(span));
  return detail::fill(*card.session(), span, value);
}

Status copy(Card& card, DeviceSpan from, DeviceSpan to) {
  if (from.size_bytes == 0 && to.size_bytes == 0) return {};
  AXLE_TRY(detail::check_copy(from, to));
  Session& session = *card.session();
  return session.call(Action::kUse, "axclrtMemcpy", session.functions().memcpy,
                      as_pointer(to.address), as_pointer(from.address), from.size_bytes,
                      static_cast<int>(abi::kDeviceToDevice));
}

Result<bool> equal(Card& card, DeviceSpan left, DeviceSpan right) {
  AXLE_TRY(detail::check_same_size(left.size_bytes, right.size_bytes));
  if (left.size_bytes == 0) return true;
  AXLE_TRY(detail::check_memory(left));
  AXLE_TRY(detail::check_memory(right));
  if (!card.features().compare) return unsupported("this AXCL library cannot compare card memory");
  AXLE_TRY(card.bind_thread());
  Session& session = *card.session();
  // The answer is that of memcmp, not an error code, unless it looks like one of the library's.
  const abi::Error answer =
      session.raw("axclrtMemcmp", session.functions().memcmp, as_pointer(left.address),
                  as_pointer(right.address), left.size_bytes);
  if ((static_cast<std::uint32_t>(answer) & 0xffff0000u) == 0x80300000u) {
    return session.failed(answer, Action::kUse, "axclrtMemcmp");
  }
  return answer == 0;
}

}  // namespace axle::card
