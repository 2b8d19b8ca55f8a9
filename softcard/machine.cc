#include "softcard/machine.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>
#include <new>
#include <sstream>

namespace axle::softcard {
namespace detail {

constexpr std::uint64_t kMagic = 0x6472616374666f73;  // "softcard", little-endian.
constexpr std::uint32_t kLayout = 1;
constexpr std::size_t kMaxClaims = 256;

struct SharedCard {
  std::atomic<std::int32_t> bus;  // 0: entry not used.
  std::atomic<std::uint32_t> dead;
  std::atomic<std::uint64_t> generation;
  std::uint64_t leaked_bytes;
  std::int64_t started_ms;
  std::atomic<std::int64_t> npu_ns;
  std::int64_t window_start_ms;
  std::int64_t window_npu_ns;
  std::uint32_t window_permyriad;
  std::atomic<std::uint32_t> cpu_frequency_khz;
};

struct SharedProcess {
  std::int32_t pid;  // 0: entry not used.
  std::uint32_t leak_on_kill;
  std::uint64_t started;  // Clock ticks after boot, as in /proc/PID/stat.
  std::uint64_t used_bytes[Machine::kMaxCards];
  std::uint32_t attached[Machine::kMaxCards];
};

struct SharedState {
  std::uint64_t magic;
  std::uint32_t layout;
  std::uint32_t claims;
  std::uint64_t claimed[kMaxClaims];
  SharedCard cards[Machine::kMaxCards];
  SharedProcess processes[Machine::kMaxProcesses];
};
static_assert(std::atomic<std::uint64_t>::is_always_lock_free);

}  // namespace detail

namespace {

using detail::SharedCard;
using detail::SharedProcess;
using detail::SharedState;

constexpr std::int64_t kLoadWindowMs = 500;
constexpr std::uint32_t kDefaultFrequencyKhz = 1700000;

std::int64_t now_ms() {
  timespec time{};
  clock_gettime(CLOCK_BOOTTIME, &time);
  return static_cast<std::int64_t>(time.tv_sec) * 1000 + time.tv_nsec / 1000000;
}

// When a process started, 0 when there is none of that id (or it is only waiting to be reaped).
std::uint64_t start_time(std::int32_t pid) {
  std::ifstream file(fmt::format("/proc/{}/stat", pid));
  std::string text((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  // The second field is the name in brackets and may hold anything; count after its end.
  const std::size_t name_end = text.rfind(')');
  if (name_end == std::string::npos) return 0;
  std::istringstream fields(text.substr(name_end + 1));
  std::string field;
  for (int number = 3; number <= 22 && fields >> field; ++number) {
    if (number == 3 && (field == "Z" || field == "X")) return 0;
    if (number == 22) return std::strtoull(field.c_str(), nullptr, 10);
  }
  return 0;
}

bool writable_directory(const char* path) {
  return path != nullptr && *path != '\0' && ::access(path, W_OK | X_OK) == 0;
}

Status system_failure(std::string_view what, const std::string& path, int error = errno) {
  return unavailable(
      fmt::format("{} the card state file {}: {}", what, path, std::strerror(error)));
}

// Opens and locks the file, which is then one SharedState long. A file of another length (another
// version's, or damaged) is replaced by a new one: whoever uses the old one keeps it to himself.
Result<int> open_locked(const std::string& path) {
  constexpr int kTries = 100;
  for (int attempt = 0; attempt < kTries; ++attempt) {
    const int descriptor = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (descriptor < 0) return system_failure("cannot open", path);
    ::flock(descriptor, LOCK_EX);
    struct stat opened {};
    struct stat named {};
    const bool current = ::fstat(descriptor, &opened) == 0 && ::stat(path.c_str(), &named) == 0 &&
                         opened.st_ino == named.st_ino;
    const auto size = static_cast<std::size_t>(opened.st_size);
    if (current && (size == 0 || size == sizeof(SharedState))) {
      // All its space at once: a mapped page that finds none when it is touched ends the process.
      const int error = ::posix_fallocate(descriptor, 0, sizeof(SharedState));
      if (error == 0) return descriptor;
      if (size == 0) ::unlink(path.c_str());
      ::close(descriptor);
      if (error == EINTR) continue;
      return system_failure("no space for", path, error);
    }
    if (current) ::unlink(path.c_str());
    ::close(descriptor);
  }
  return unavailable(fmt::format("the card state file {} cannot be prepared", path));
}

}  // namespace

// The whole machine's lock: a mutex between our threads, a file lock between processes. The system
// releases the latter when its holder is killed.
class AXLE_SCOPED_CAPABILITY Machine::Lock {
 public:
  explicit Lock(Machine& machine) AXLE_ACQUIRE(machine.mutex_) : machine_(machine) {
    machine_.mutex_.lock();
    if (machine_.owner_pid_ != ::getpid()) {
      // After fork() the lock would be shared with the parent: take a description of our own.
      const int own = ::open(machine_.path_.c_str(), O_RDWR | O_CLOEXEC);
      if (own >= 0) machine_.descriptor_ = own;
      machine_.owner_pid_ = ::getpid();
    }
    while (::flock(machine_.descriptor_, LOCK_EX) != 0 && errno == EINTR) {
    }
  }
  ~Lock() AXLE_RELEASE() {
    ::flock(machine_.descriptor_, LOCK_UN);
    machine_.mutex_.unlock();
  }
  Lock(const Lock&) = delete;
  Lock& operator=(const Lock&) = delete;

 private:
  Machine& machine_;
};

std::string Machine::default_path() {
  const char* setting = std::getenv("AXLE_SOFTCARD_STATE");
  const std::string wanted = setting != nullptr ? setting : "";
  if (wanted.find('/') != std::string::npos) return wanted;
  const char* runtime = std::getenv("XDG_RUNTIME_DIR");
  const std::string directory = writable_directory("/dev/shm") ? "/dev/shm"
                                : writable_directory(runtime)  ? runtime
                                                               : "/tmp";
  return fmt::format("{}/axle-softcard-{}{}{}", directory, ::getuid(), wanted.empty() ? "" : "-",
                     wanted);
}

Result<std::unique_ptr<Machine>> Machine::open(const std::string& path) {
  AXLE_TRY_ASSIGN(const int descriptor, open_locked(path));
  void* memory =
      mmap(nullptr, sizeof(SharedState), PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, 0);
  if (memory == MAP_FAILED) {
    Status failure = system_failure("cannot map", path);
    ::close(descriptor);
    return failure;
  }
  auto* state = static_cast<SharedState*>(memory);
  if (state->magic != detail::kMagic || state->layout != detail::kLayout) {
    state = new (memory) SharedState{};
    state->layout = detail::kLayout;
    state->magic = detail::kMagic;
  }
  ::flock(descriptor, LOCK_UN);
  return std::unique_ptr<Machine>(new Machine(path, descriptor, state));
}

Machine::Machine(std::string path, int descriptor, SharedState* state)
    : path_(std::move(path)), descriptor_(descriptor), owner_pid_(::getpid()), state_(state) {}

Machine::~Machine() {
  munmap(state_, sizeof(SharedState));
  ::close(descriptor_);
}

SharedCard* Machine::card(int bus) const {
  for (SharedCard& entry : state_->cards) {
    if (entry.bus.load(std::memory_order_acquire) == bus) return &entry;
  }
  return nullptr;
}

std::size_t Machine::own_slot() const {
  const auto* own = std::find_if(std::begin(state_->processes), std::end(state_->processes),
                                 [](const SharedProcess& p) { return p.pid == ::getpid(); });
  return static_cast<std::size_t>(own - std::begin(state_->processes));
}

void Machine::remove_ended_processes() {
  for (SharedProcess& process : state_->processes) {
    if (process.pid == 0 || start_time(process.pid) == process.started) continue;
    for (std::size_t i = 0; i < kMaxCards; ++i) {
      if (process.leak_on_kill != 0) state_->cards[i].leaked_bytes += process.used_bytes[i];
    }
    process = SharedProcess{};
  }
}

Status Machine::attach(int bus, OnKill on_kill) {
  const Lock lock(*this);
  remove_ended_processes();
  SharedCard* entry = card(bus);
  if (entry == nullptr) {
    entry = card(0);
    if (entry == nullptr) return exhausted(fmt::format("more than {} cards", kMaxCards));
    entry->started_ms = now_ms();
    entry->window_start_ms = entry->started_ms;
    entry->cpu_frequency_khz.store(kDefaultFrequencyKhz);
    entry->bus.store(bus, std::memory_order_release);
  }
  std::size_t slot = own_slot();
  if (slot == kMaxProcesses) {
    auto* unused = std::find_if(std::begin(state_->processes), std::end(state_->processes),
                                [](const SharedProcess& p) { return p.pid == 0; });
    slot = static_cast<std::size_t>(unused - std::begin(state_->processes));
    if (slot == kMaxProcesses) return exhausted(fmt::format("more than {} processes", slot));
    *unused = SharedProcess{};
    unused->started = start_time(::getpid());
    unused->pid = ::getpid();
  }
  SharedProcess& own = state_->processes[slot];
  own.leak_on_kill = on_kill == OnKill::kLeak ? 1 : 0;
  own.attached[entry - state_->cards] = 1;
  return {};
}

void Machine::detach(int bus) {
  const Lock lock(*this);
  const SharedCard* entry = card(bus);
  const std::size_t slot = own_slot();
  if (entry == nullptr || slot == kMaxProcesses) return;
  SharedProcess& own = state_->processes[slot];
  own.attached[entry - state_->cards] = 0;
  own.used_bytes[entry - state_->cards] = 0;
  if (std::all_of(std::begin(own.attached), std::end(own.attached),
                  [](std::uint32_t attached) { return attached == 0; })) {
    own = SharedProcess{};
  }
}

Status Machine::charge(int bus, std::uint64_t bytes, std::uint64_t limit_bytes) {
  const Lock lock(*this);
  const SharedCard* entry = card(bus);
  const std::size_t slot = own_slot();
  if (entry == nullptr || slot == kMaxProcesses) return card_lost("the card was not opened");
  const auto index = static_cast<std::size_t>(entry - state_->cards);
  const auto in_use = [this, index] {
    std::uint64_t total = state_->cards[index].leaked_bytes;
    for (const SharedProcess& process : state_->processes) total += process.used_bytes[index];
    return total;
  };
  const auto fits = [bytes, limit_bytes](std::uint64_t used) {
    return used <= limit_bytes && bytes <= limit_bytes - used;
  };
  std::uint64_t used = in_use();
  if (!fits(used)) {
    remove_ended_processes();
    used = in_use();
  }
  if (!fits(used)) {
    return exhausted(fmt::format("{} bytes wanted, {} of {} in use", bytes, used, limit_bytes));
  }
  state_->processes[slot].used_bytes[index] += bytes;
  return {};
}

void Machine::discharge(int bus, std::uint64_t bytes) {
  const Lock lock(*this);
  const SharedCard* entry = card(bus);
  const std::size_t slot = own_slot();
  if (entry == nullptr || slot == kMaxProcesses) return;
  std::uint64_t& used = state_->processes[slot].used_bytes[entry - state_->cards];
  used -= std::min(used, bytes);
}

Machine::CardView Machine::view(int bus) {
  const Lock lock(*this);
  remove_ended_processes();
  CardView view;
  SharedCard* entry = card(bus);
  if (entry == nullptr) {
    view.cpu_frequency_khz = kDefaultFrequencyKhz;
    return view;
  }
  const auto index = static_cast<std::size_t>(entry - state_->cards);
  view.leaked_bytes = entry->leaked_bytes;
  view.used_bytes = entry->leaked_bytes;
  for (const SharedProcess& process : state_->processes) {
    if (process.pid == 0 || process.attached[index] == 0) continue;
    view.used_bytes += process.used_bytes[index];
    view.processes.push_back({process.pid, process.used_bytes[index]});
  }
  const std::int64_t now = now_ms();
  const std::int64_t npu_ns = entry->npu_ns.load();
  const std::int64_t window_ms = now - entry->window_start_ms;
  if (window_ms >= kLoadWindowMs) {
    const std::int64_t busy = (npu_ns - entry->window_npu_ns) / 100 / window_ms;
    entry->window_permyriad = static_cast<std::uint32_t>(std::clamp<std::int64_t>(busy, 0, 10000));
    entry->window_start_ms = now;
    entry->window_npu_ns = npu_ns;
  }
  view.uptime_ms = now - entry->started_ms;
  view.npu_permyriad = entry->window_permyriad;
  view.npu_used = npu_ns > 0;
  view.cpu_frequency_khz = entry->cpu_frequency_khz.load();
  return view;
}

std::uint64_t Machine::generation(int bus) const {
  const SharedCard* entry = card(bus);
  return entry == nullptr ? 0 : entry->generation.load(std::memory_order_acquire);
}

bool Machine::dead(int bus) const {
  const SharedCard* entry = card(bus);
  return entry != nullptr && entry->dead.load(std::memory_order_acquire) != 0;
}

void Machine::declare_dead(int bus) {
  if (SharedCard* entry = card(bus)) entry->dead.store(1, std::memory_order_release);
}

void Machine::reboot(int bus) {
  const Lock lock(*this);
  SharedCard* entry = card(bus);
  if (entry == nullptr) return;
  const auto index = static_cast<std::size_t>(entry - state_->cards);
  entry->leaked_bytes = 0;
  entry->started_ms = now_ms();
  entry->npu_ns.store(0);
  entry->window_start_ms = entry->started_ms;
  entry->window_npu_ns = 0;
  entry->window_permyriad = 0;
  entry->cpu_frequency_khz.store(kDefaultFrequencyKhz);
  for (SharedProcess& process : state_->processes) {
    process.used_bytes[index] = 0;
    process.attached[index] = 0;
  }
  entry->generation.fetch_add(1, std::memory_order_acq_rel);
  entry->dead.store(0, std::memory_order_release);
}

void Machine::add_npu_time(int bus, std::int64_t nanoseconds) {
  if (SharedCard* entry = card(bus)) {
    entry->npu_ns.fetch_add(nanoseconds, std::memory_order_relaxed);
  }
}

void Machine::set_cpu_frequency(int bus, std::uint32_t khz) {
  if (SharedCard* entry = card(bus)) entry->cpu_frequency_khz.store(khz);
}

bool Machine::claim(std::uint64_t key) {
  const Lock lock(*this);
  const std::size_t count = std::min<std::size_t>(state_->claims, detail::kMaxClaims);
  auto* const end = state_->claimed + count;
  if (count == detail::kMaxClaims || std::find(state_->claimed, end, key) != end) return false;
  *end = key;
  state_->claims = static_cast<std::uint32_t>(count + 1);
  return true;
}

}  // namespace axle::softcard
