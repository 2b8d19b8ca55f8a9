#pragma once

#include <chrono>
#include <cstddef>
#include <memory>
#include <optional>
#include <span>

#include "base/result.h"
#include "card/device_buffer.h"

namespace axle::card {

class Binding;
class Card;
class Engine;

// Work queued for the card, done in the order of queueing. Nothing of it is certain before
// synchronize() returns ok: errors of queued work are reported there at the earliest.
//
// Threading: one thread at a time.
// Lifetime: host memory given to write_async / read_async, and engines and buffers used, must live
// until the next successful synchronize().
// Source: AXCL runtime V3.10.2, axcl_rt_stream.h, axcl_rt_memory.h.
class Stream {
 public:
  // Errors: kUnsupported  the library has no asynchronous calls (Features::async). kCardLost.
  static Result<Stream> create(Card& card);

  Stream(Stream&&) noexcept;
  Stream& operator=(Stream&&) noexcept;
  ~Stream();  // Waits for nothing: unfinished work is dropped.

  // As write, read, copy and fill of device_buffer.h, queued. Errors: as there.
  Status write_async(DeviceSpan to, std::span<const std::byte> source);
  Status read_async(DeviceSpan from, std::span<std::byte> target);
  Status copy_async(DeviceSpan from, DeviceSpan to);
  Status fill_async(DeviceSpan span, std::byte value);
  // Queues a run. Errors: as Engine::run_async.
  Status run(Engine& engine, Binding& binding);

  // Waits until everything queued is done; without `timeout` for ever.
  // Errors: kDeadlineExceeded  not done in time (the work goes on). kCardLost. kUnavailable.
  Status synchronize(std::optional<std::chrono::milliseconds> timeout = std::nullopt);

 private:
  friend class Engine;
  struct Impl;
  explicit Stream(std::unique_ptr<Impl> impl);
  void* handle() const;
  void mark_pending();
  std::unique_ptr<Impl> impl_;  // Null only after a move.
};

}  // namespace axle::card
