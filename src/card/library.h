#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "card/call_watch.h"

namespace axle::card {

namespace detail {
struct LibraryState;
}

// A card's id as the library counts: the number of its PCIe bus (1 on a Raspberry Pi 5; 3 or 129
// on other machines), never an index.
enum class DeviceId : std::int32_t {};

enum class LibraryKind : std::uint8_t { kVendor, kSoftCard };

// What becomes of the text that the vendor's library prints to standard output.
enum class VendorOutput : std::uint8_t {
  kLog,     // Each line goes to this process's log, with the vendor's level. The default.
  kStderr,  // To standard error, unchanged.
  kKeep,    // Left alone: for programs that print nothing themselves.
};

struct LibraryOptions {
  // Which library: "" or "auto" (the vendor's where it is installed, else the software card),
  // "vendor", "softcard", or the path of a library.
  std::string library = {};
  std::filesystem::path softcard = {};  // Our own libaxcl_rt.so; empty: none is installed.
  std::string config = {};              // Path of the vendor's axcl.json; empty: its defaults.
  // For tests: optional functions to be treated as absent, e.g. "axclrtMemcpyAsync".
  std::vector<std::string> hide_symbols = {};
  // Where the vendor's library may be, in this order; a bare name is looked up by the loader.
  std::vector<std::string> vendor_candidates = {"libaxcl_rt.so", "/usr/lib/axcl/libaxcl_rt.so"};
  VendorOutput output = VendorOutput::kLog;
  // Sees every call, axclInit included. Not owned, must outlive all cards; null: one of our own.
  CallWatch* watch = nullptr;
};

// Functions that older runtimes lack. The client works without each of them.
struct Features {
  bool async = false;         // Streams, asynchronous copies and executions.
  bool events = false;        // Record and wait between streams.
  bool usage = false;         // Memory of a loaded engine.
  bool properties = false;    // Temperature, memory and load of a card.
  bool full_version = false;  // Version with build date.
  bool compare = false;       // Comparing device memory on the card.
  bool reboot = false;        // Restart of a card through the library.
};

struct Version {
  std::int32_t major = 0;
  std::int32_t minor = 0;
  std::int32_t patch = 0;
  friend bool operator==(const Version&, const Version&) = default;
};

// The AXCL runtime library, opened and initialised; the vendor's or the software card's. At most
// one should be open in a process at a time.
//
// open() moves standard output aside (VendorOutput) because the library prints to it; the old one
// is put back when the library closes, and is `original_stdout()` meanwhile.
//
// Threading: safe from any thread after open(), except destruction.
// Lifetime: closes (axclFinalize) when it and all its cards are gone; do not keep it in a static.
// The shared object itself stays loaded: its threads may outlive axclFinalize.
// Source: AXCL runtime V3.10.2, axcl.h, axcl_rt.h, axcl_rt_device.h.
class Library {
 public:
  // Finds, loads and initialises the library. "auto" takes the vendor's library whenever it is
  // installed: if that then fails, so does open(), because an operator with a card must learn of it
  // and not be served by the CPU unawares.
  //
  // Errors: kNotFound     no library where the options say.
  //         kUnsupported  the file that was named is no such library, or lacks functions that are
  //                       needed (named, with its version).
  //         kUnavailable  the vendor's cannot be loaded, its driver is absent, or no card is
  //                       connected (vendor code 0x8030010b, 0x80300181).
  static Result<std::unique_ptr<Library>> open(const LibraryOptions& options);

  ~Library();
  Library(const Library&) = delete;
  Library& operator=(const Library&) = delete;

  LibraryKind kind() const;
  const Features& features() const;
  Version version() const;
  // "V3.10.2_20251215140224"; "V3.10.2" where the library cannot say more.
  const std::string& full_version() const;
  // For logs and people: which library, its version, and why this one.
  const std::string& description() const;
  const std::filesystem::path& path() const;
  // The chip of the card, e.g. "AX650N"; "UNKNOWN" without one.
  std::string soc_name() const;

  // The connected cards, lowest bus number first. Empty when there is none.
  // Errors: kUnavailable  the driver does not answer.
  Result<std::vector<DeviceId>> devices() const;

  // Restarts the card's own system (10 to 20 s). Everything on it is lost, of all processes.
  // Errors: kUnsupported  not in this library. kNotFound  no such card. kUnavailable  refused.
  Status reboot(DeviceId device);

  // The longest running call, if any: for watchdogs.
  std::optional<CallInProgress> in_call() const;
  const CallWatch& watch() const;

  // A file descriptor of what standard output was before open().
  int original_stdout() const;

  // For the other classes of this room.
  const std::shared_ptr<detail::LibraryState>& state() const { return state_; }

 private:
  explicit Library(std::shared_ptr<detail::LibraryState> state) : state_(std::move(state)) {}
  // Shared with cards, buffers and engines, so that no order of destruction calls a closed library.
  std::shared_ptr<detail::LibraryState> state_;
};

}  // namespace axle::card
