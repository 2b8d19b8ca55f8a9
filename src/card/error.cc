#include "card/error.h"

#include <fmt/format.h>

#include <array>

namespace axle::card {
namespace {

constexpr const char* kRestart =
    "end other users of the card (fuser /dev/axcl_host), then: echo y | axcl-smi reboot -d 0";
constexpr const char* kOurs = "this is a mistake in axle: please report it with the log";

struct Entry {
  std::uint32_t bits;
  const char* name;
  Code code;
  const char* advice;
};

// Source: AXCL runtime V3.10.2, the error macros of axcl_rt_*.h; the advice from the vendor's FAQ.
constexpr std::array kEntries = {
    Entry{0x8030010b, "DEVICE_OPEN", Code::kUnavailable,
          "the driver is not loaded or /dev/axcl_host may not be opened: modprobe axcl_host"},
    Entry{0x80300180, "DEVICE_QUERY_DEVICE", Code::kUnavailable, kRestart},
    Entry{0x80300181, "DEVICE_NO_CONNECT", Code::kUnavailable,
          "the driver found no card: look at lspci -d 1f4b: and at dmesg, then reboot the host"},
    Entry{0x80300182, "DEVICE_PROBE", Code::kUnavailable, kRestart},
    Entry{0x80300183, "DEVICE_NOT_ACTIVE", Code::kUnavailable, "open the card again"},
    Entry{0x80300184, "DEVICE_INVALID_ID", Code::kNotFound,
          "device ids are PCIe bus numbers: see lspci -d 1f4b:"},
    Entry{0x80300185, "DEVICE_NO_ACTIVE_DEVICE", Code::kInternal, kOurs},
    Entry{0x80300186, "DEVICE_PORT_ALLOCATE", Code::kUnavailable, kRestart},
    Entry{0x80300187, "DEVICE_REBOOT", Code::kUnavailable, "reboot the host"},
    Entry{0x80300188, "DEVICE_PORT_DESTROY", Code::kUnavailable, kRestart},
    Entry{0x80300281, "CONTEXT_CREATE", Code::kUnavailable, kRestart},
    Entry{0x80300282, "CONTEXT_DESTROY", Code::kUnavailable, kRestart},
    Entry{0x80300283, "CONTEXT_BIND_THREAD", Code::kUnavailable, kRestart},
    Entry{0x80300284, "CONTEXT_NO_BIND_CONTEXT", Code::kInternal, kOurs},
    Entry{0x80300381, "STREAM_CREATE", Code::kUnavailable, kRestart},
    Entry{0x80300382, "STREAM_DESTROY", Code::kUnavailable, kRestart},
    Entry{0x80300383, "STREAM_SYNC_TIMEOUT", Code::kDeadlineExceeded, "the card is still working"},
    Entry{0x80300401, "TASK_UNKNOWN", Code::kUnavailable, kRestart},
    Entry{0x80300405, "TASK_TIMEOUT", Code::kCardLost, kRestart},
    Entry{0x8030040c, "TASK_EXECUTE_FAIL", Code::kCardLost,
          "the card no longer answers; axle restarts it, else: echo y | axcl-smi reboot -d 0"},
    Entry{0x80300481, "TASK_SUBMIT", Code::kUnavailable, kRestart},
    Entry{0x80300502, "MEMORY_NULL_POINTER", Code::kInternal, kOurs},
    Entry{0x8030050c, "MEMORY_EXECUTE_FAIL", Code::kUnavailable,
          "the card refused the memory operation"},
    Entry{0x80300581, "NOT_DEVICE_MEMORY", Code::kInternal, kOurs},
    Entry{0x80300681, "CONFIG_LOAD", Code::kInvalidArgument, "correct axcl.json"},
    Entry{0x80300702, "ENGINE_NULL_POINTER", Code::kInternal, kOurs},
    Entry{0x80300703, "ENGINE_ILLEGAL_PARAM", Code::kInvalidArgument, ""},
    Entry{0x80300704, "ENGINE_UNSUPPORTED", Code::kUnsupported,
          "this card or its runtime cannot do this"},
    Entry{0x80300709, "ENGINE_DECODE", Code::kUnavailable, kRestart},
    Entry{0x8030070c, "ENGINE_EXECUTE_FAIL", Code::kUnavailable,
          "the card's engine failed; see the log of the library"},
    Entry{0x80300781, "ENGINE_INVALID_INDEX", Code::kInternal, kOurs},
};

const Entry* find_entry(std::uint32_t bits) {
  for (const Entry& entry : kEntries) {
    if (entry.bits == bits) return &entry;
  }
  return nullptr;
}

const char* module_name(std::uint32_t sub) {
  constexpr std::array kNames = {"unknown",    "device",         "context", "stream or event",
                                 "task",       "memory",         "config",  "engine",
                                 "system log", "system control", "latency", "peer to peer",
                                 "user work"};
  return sub < kNames.size() ? kNames[sub] : kNames[0];
}

const char* reason_name(std::uint32_t id) {
  constexpr std::array kNames = {"unknown",
                                 "failed",
                                 "null pointer",
                                 "illegal parameter",
                                 "unsupported",
                                 "time-out",
                                 "busy",
                                 "no memory",
                                 "encode",
                                 "decode",
                                 "unexpected response",
                                 "open failed",
                                 "execution failed"};
  return id < kNames.size() ? kNames[id] : kNames[0];
}

struct Meaning {
  Code code;
  std::string advice;
};

// Where the action says more than the code alone.
Meaning meaning_of(std::int32_t code, Action action, const Entry* entry) {
  if (code == kMemoryRefused && (action == Action::kAllocate || action == Action::kLoad)) {
    return {Code::kExhausted, "unload another model, or restart the card if memory has leaked"};
  }
  if (action == Action::kLoad && (code == kEngineBadAnswer || code == kEngineRefused)) {
    return {Code::kCorrupt,
            "the file is damaged or made by another tool version, or the card has too little "
            "memory: fetch the model again and compare versions (axle doctor)"};
  }
  if (entry != nullptr) return {entry->code, entry->advice};
  return {Code::kUnavailable, "see the log of the library"};
}

}  // namespace

std::string vendor_error_name(std::int32_t vendor_code) {
  const auto bits = static_cast<std::uint32_t>(vendor_code);
  if (const Entry* entry = find_entry(bits)) return entry->name;
  if ((bits & 0x80000000u) == 0) return "unknown";
  if (((bits >> 16) & 0xffu) != 0x30u) {
    return fmt::format("AX_ERR of the card's module 0x{:02x}", (bits >> 16) & 0xffu);
  }
  return fmt::format("{}: {}", module_name((bits >> 8) & 0xffu), reason_name(bits & 0xffu));
}

Status vendor_status(std::int32_t vendor_code, Action action, std::string_view call,
                     std::string_view detail) {
  const auto bits = static_cast<std::uint32_t>(vendor_code);
  const Meaning meaning = meaning_of(vendor_code, action, find_entry(bits));
  std::string text =
      fmt::format("{} failed with {} (0x{:08x})", call, vendor_error_name(vendor_code), bits);
  if (!detail.empty()) text += fmt::format("; {}", detail);
  if (!meaning.advice.empty()) text += fmt::format("; {}", meaning.advice);
  return {meaning.code, std::move(text), vendor_code};
}

}  // namespace axle::card
