#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <string>
#include <thread>

#include "softcard/card_system.h"
#include "softcard/runtime.h"

// Devices.

using namespace axle::softcard;

namespace {

bool find_card(std::int32_t id, CardProfile& found) {
  const std::vector<CardProfile> cards = Runtime::instance().cards();
  const auto card = std::find_if(cards.begin(), cards.end(),
                                 [id](const CardProfile& other) { return other.bus == id; });
  if (card == cards.end()) return false;
  found = *card;
  return true;
}

}  // namespace

axclError axclrtSetDevice(std::int32_t device) {
  return guarded(kDevicePorts, [&] { return Runtime::instance().set_device(device); });
}

axclError axclrtResetDevice(std::int32_t device) {
  return guarded(kDeviceNotActive, [&] { return Runtime::instance().reset_device(device); });
}

axclError axclrtGetDevice(std::int32_t* device) {
  if (device == nullptr) return kDeviceNull;
  const std::shared_ptr<Context> context = Runtime::instance().current();
  if (context == nullptr) return kDeviceNoActive;
  *device = context->device->id();
  return kOk;
}

axclError axclrtGetDeviceCount(std::uint32_t* count) {
  if (count == nullptr) return kDeviceNull;
  return guarded(kDeviceQuery, [&] {
    *count = static_cast<std::uint32_t>(Runtime::instance().cards().size());
    return kOk;
  });
}

axclError axclrtGetDeviceList(axclrtDeviceList* list) {
  if (list == nullptr) return kDeviceNull;
  return guarded(kDeviceQuery, [&] {
    *list = {};
    for (const CardProfile& card : Runtime::instance().cards()) {
      list->devices[list->num++] = card.bus;
    }
    return kOk;
  });
}

axclError axclrtSynchronizeDevice() { return kOk; }

axclError axclrtGetDeviceProperties(std::int32_t id, axclrtDeviceProperties* properties) {
  if (properties == nullptr) return kDeviceNull;
  return guarded(kDeviceQuery, [&] {
    const std::shared_ptr<Device> device = Runtime::instance().active_device(id);
    if (device == nullptr) return kDeviceQuery;
    if (!device->alive()) return kDeviceQuery;
    const Strike strike = device->strike(CallId::kGetDeviceProperties);
    if (strike.code != kOk) return strike.code;
    const CardReadings readings = read_card(device->card(), device->machine());
    *properties = {};
    std::strncpy(properties->swVersion, axclrtGetFullVersion(), sizeof properties->swVersion - 1);
    properties->uid = device->card().uid;
    properties->pciBusID = static_cast<std::uint32_t>(device->id());
    properties->temperature = readings.temperature_millidegrees;
    properties->totalMemSize = static_cast<std::uint32_t>(readings.system_total_kb);
    properties->freeMemSize = static_cast<std::uint32_t>(readings.system_free_kb);
    properties->totalCmmSize = static_cast<std::uint32_t>(readings.cmm_total_kb);
    properties->freeCmmSize =
        static_cast<std::uint32_t>(readings.cmm_total_kb - readings.cmm_used_kb);
    properties->cpuLoading = readings.cpu_permyriad;
    properties->npuLoading = readings.npu_permyriad;
    return kOk;
  });
}

axclError axclrtGetDeviceBusInfo(std::int32_t id, axclrtDeviceBusInfo* info) {
  if (info == nullptr) return kDeviceNull;
  return guarded(kDeviceQuery, [&] {
    CardProfile card;
    if (!find_card(id, card)) return kDeviceInvalidId;
    *info = {.domain = 0, .bus = static_cast<std::uint32_t>(id), .slot = 0, .func = 0};
    return kOk;
  });
}

axclError axclrtGetDevicePidInfo(std::int32_t id, axclrtDevicePidInfo* info) {
  if (info == nullptr) return kDeviceNull;
  return guarded(kDeviceQuery, [&] {
    CardProfile card;
    const std::shared_ptr<Session> session = Runtime::instance().session();
    if (session == nullptr || !find_card(id, card)) return kDeviceInvalidId;
    const Machine::CardView view = session->machine->view(id);
    info->device = static_cast<std::uint32_t>(id);
    info->num = static_cast<std::uint32_t>(view.processes.size());
    info->pid =
        static_cast<std::uint32_t*>(std::calloc(view.processes.size() + 1, sizeof(std::uint32_t)));
    if (info->pid == nullptr) return kDeviceQuery;
    for (std::size_t i = 0; i < view.processes.size(); ++i) {
      info->pid[i] = static_cast<std::uint32_t>(view.processes[i].pid);
    }
    return kOk;
  });
}

axclError axclrtRebootDevice(std::int32_t id) {
  return guarded(kDeviceReboot, [&] {
    CardProfile card;
    const std::shared_ptr<Session> session = Runtime::instance().session();
    if (session == nullptr || !find_card(id, card)) return kDeviceInvalidId;
    if (const FaultRule* rule = session->faults->on_call(CallId::kRebootDevice)) {
      if (rule->action == FaultAction::kHang) hang();
      std::this_thread::sleep_for(std::chrono::duration<double>(rule->seconds));
      if (rule->action != FaultAction::kSleep) return rule->code;
    }
    session->machine->reboot(id);
    SOFTCARD_LOG(kInfo, "device manager", "device {} was rebooted", id);
    return kOk;
  });
}
