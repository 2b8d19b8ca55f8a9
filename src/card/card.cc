#include "card/card.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cstring>
#include <vector>

#include "base/log.h"
#include "card/session.h"

namespace axle::card {
namespace {

constexpr std::uint64_t kKib = 1024;

std::string list_of(const std::vector<DeviceId>& devices) {
  if (devices.empty()) return "no card is connected";
  std::vector<std::int32_t> ids;
  for (const DeviceId device : devices) ids.push_back(static_cast<std::int32_t>(device));
  return fmt::format("cards are on PCIe bus {}", fmt::join(ids, ", "));
}

Result<DeviceId> choose(const std::vector<DeviceId>& devices, const CardOptions& options) {
  if (options.device) {
    if (std::find(devices.begin(), devices.end(), *options.device) != devices.end()) {
      return *options.device;
    }
    return not_found(fmt::format("wanted the card on PCIe bus {}; {}",
                                 static_cast<std::int32_t>(*options.device), list_of(devices)));
  }
  if (options.index < devices.size()) return devices[options.index];
  return not_found(
      fmt::format("wanted card number {} (from 0); {}", options.index, list_of(devices)));
}

Readings to_readings(const abi::DeviceProperties& properties) {
  Readings readings;
  readings.temperature_celsius = properties.temperature_millidegree / 1000.0;
  readings.cmm_total_bytes = properties.cmm_total_kib * kKib;
  readings.cmm_free_bytes = properties.cmm_free_kib * kKib;
  readings.memory_total_bytes = properties.memory_total_kib * kKib;
  readings.memory_free_bytes = properties.memory_free_kib * kKib;
  readings.cpu_percent = properties.cpu_percent_x100 / 100.0;
  readings.npu_percent = properties.npu_percent_x100 / 100.0;
  const char* version = properties.software_version;
  readings.firmware_version.assign(version, strnlen(version, sizeof properties.software_version));
  readings.uid = properties.uid;
  return readings;
}

}  // namespace

Result<std::unique_ptr<Card>> Card::open(Library& library, const CardOptions& options) {
  AXLE_TRY_ASSIGN(const std::vector<DeviceId> devices, library.devices());
  AXLE_TRY_ASSIGN(const DeviceId device, choose(devices, options));
  // Shared with all that is made from the card.
  auto session = std::make_shared<detail::Session>(library.state(), device);
  AXLE_TRY(session->open());
  return std::unique_ptr<Card>(new Card(library, std::move(session)));
}

Card::~Card() {
  if (const Status status = close(); !status.ok()) {
    AXLE_LOG_WARN("card", "closing: {}", status.to_string());
  }
}

DeviceId Card::device() const { return session_->device(); }
Status Card::bind_thread() { return session_->bind_thread(); }
Status Card::health() const { return session_->health(); }
Status Card::close() { return session_->close(); }

Result<Readings> Card::readings() {
  if (!features().properties) {
    return unsupported(
        fmt::format("{} cannot read a card's state; use axcl-smi", library_.description()));
  }
  abi::DeviceProperties properties{};
  AXLE_TRY(session_->call(Action::kUse, "axclrtGetDeviceProperties",
                          session_->functions().get_device_properties,
                          static_cast<std::int32_t>(device()), &properties));
  return to_readings(properties);
}

Result<std::uint64_t> Card::memory_free() {
  AXLE_TRY_ASSIGN(const Readings now, readings());
  return now.cmm_free_bytes;
}

Status Card::check_room(std::uint64_t wanted_bytes, std::string_view name,
                        std::string_view smaller) {
  const Result<std::uint64_t> free_bytes = memory_free();
  if (!free_bytes.ok()) {
    return free_bytes.status().code() == Code::kUnsupported ? Status() : free_bytes.status();
  }
  if (wanted_bytes <= *free_bytes) return {};
  const auto mebibytes = [](std::uint64_t bytes) {
    return static_cast<double>(bytes) / (1024.0 * 1024.0);
  };
  return exhausted(fmt::format(
      "{} needs {:.1f} MiB of card memory, but {:.1f} MiB are free; unload another model or take "
      "{}",
      name, mebibytes(wanted_bytes), mebibytes(*free_bytes), smaller));
}

}  // namespace axle::card
