#include "fleet/process.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <thread>
#include <utility>

extern char** environ;

namespace axle::fleet {
namespace {

constexpr int kFirstOtherDescriptor = 4;
constexpr std::size_t kOutputLimitBytes = 500;

std::string system_reason(int error) { return std::strerror(error); }

// The two C objects that posix_spawn takes, given back on every path.
struct SpawnSettings {
  posix_spawn_file_actions_t actions{};
  posix_spawnattr_t attributes{};

  SpawnSettings() {
    posix_spawn_file_actions_init(&actions);
    posix_spawnattr_init(&attributes);
  }
  ~SpawnSettings() {
    posix_spawn_file_actions_destroy(&actions);
    posix_spawnattr_destroy(&attributes);
  }
  SpawnSettings(const SpawnSettings&) = delete;
  SpawnSettings& operator=(const SpawnSettings&) = delete;
};

void set_descriptors(const ChildProcess::Options& options, posix_spawn_file_actions_t& actions) {
  if (options.standard_input >= 0) {
    posix_spawn_file_actions_adddup2(&actions, options.standard_input, STDIN_FILENO);
  } else {
    posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  }
  if (options.standard_output >= 0)
    posix_spawn_file_actions_adddup2(&actions, options.standard_output, STDERR_FILENO);
  posix_spawn_file_actions_adddup2(&actions, STDERR_FILENO, STDOUT_FILENO);
  // The same number on both sides clears the close-on-exec flag, as wanted.
  if (options.descriptor_3 >= 0)
    posix_spawn_file_actions_adddup2(&actions, options.descriptor_3, 3);
  posix_spawn_file_actions_addclosefrom_np(
      &actions, options.descriptor_3 >= 0 ? kFirstOtherDescriptor : kFirstOtherDescriptor - 1);
}

void set_signals(posix_spawnattr_t& attributes) {
  sigset_t none;
  sigset_t all;
  sigemptyset(&none);
  sigfillset(&all);
  posix_spawnattr_setsigmask(&attributes, &none);
  posix_spawnattr_setsigdefault(&attributes, &all);
  posix_spawnattr_setpgroup(&attributes, 0);
  posix_spawnattr_setflags(
      &attributes,
      static_cast<short>(POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP));
}

}  // namespace

Descriptor::Descriptor(Descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}

Descriptor& Descriptor::operator=(Descriptor&& other) noexcept {
  if (this != &other) {
    reset();
    fd_ = std::exchange(other.fd_, -1);
  }
  return *this;
}

void Descriptor::reset() {
  if (fd_ >= 0) ::close(fd_);
  fd_ = -1;
}

Result<ChildProcess> ChildProcess::start(const Options& options) {
  SpawnSettings settings;
  set_descriptors(options, settings.actions);
  set_signals(settings.attributes);
  std::vector<std::string> words = options.command;
  std::vector<char*> arguments;
  for (std::string& word : words) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  pid_t pid = 0;
  const int error = posix_spawn(&pid, arguments[0], &settings.actions, &settings.attributes,
                                arguments.data(), environ);
  if (error == 0) return ChildProcess(pid);
  const std::string text =
      fmt::format("cannot start {}: {}", options.command[0], system_reason(error));
  if (error == ENOENT || error == EACCES || error == ENOTDIR) return not_found(text);
  return unavailable(text);
}

ChildProcess::ChildProcess(ChildProcess&& other) noexcept : pid_(std::exchange(other.pid_, 0)) {}

ChildProcess& ChildProcess::operator=(ChildProcess&& other) noexcept {
  std::swap(pid_, other.pid_);
  return *this;
}

ChildProcess::~ChildProcess() {
  kill();
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(1);
  while (running() && !try_reap() && std::chrono::steady_clock::now() < deadline)
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
}

void ChildProcess::kill() {
  if (!running()) return;
  ::kill(-pid_, SIGKILL);
  ::kill(pid_, SIGKILL);
}

std::optional<int> ChildProcess::try_reap() {
  if (!running()) return std::nullopt;
  int status = 0;
  const pid_t pid = waitpid(pid_, &status, WNOHANG);
  if (pid == 0 || (pid < 0 && errno == EINTR)) return std::nullopt;
  pid_ = 0;
  return status;  // 0 where somebody else has reaped it.
}

std::string describe_exit(int wait_status) {
  if (WIFSIGNALED(wait_status))
    return fmt::format("was ended by signal {} ({})", WTERMSIG(wait_status),
                       strsignal(WTERMSIG(wait_status)));
  return fmt::format("exited with code {}", WEXITSTATUS(wait_status));
}

Result<Command> Command::start(const std::vector<std::string>& command, std::string_view input) {
  Command started;
  std::array<int, 2> pipe_ends{};
  if (::pipe2(pipe_ends.data(), O_CLOEXEC) != 0)
    return unavailable(fmt::format("pipe: {}", system_reason(errno)));
  const Descriptor read_end(pipe_ends[0]);
  const Descriptor write_end(pipe_ends[1]);
  if (::write(write_end.get(), input.data(), input.size()) != static_cast<ssize_t>(input.size()))
    return unavailable(fmt::format("pipe: {}", system_reason(errno)));
  started.output_ = Descriptor(::memfd_create("command output", MFD_CLOEXEC));
  if (!started.output_.valid())
    return unavailable(fmt::format("memfd_create: {}", system_reason(errno)));
  ChildProcess::Options options;
  options.command = command;
  options.standard_input = read_end.get();
  options.standard_output = started.output_.get();
  AXLE_TRY_ASSIGN(started.process_, ChildProcess::start(options));
  return started;
}

std::optional<Status> Command::poll() {
  const std::optional<int> end = process_.try_reap();
  if (!end) return std::nullopt;
  if (*end == 0) return Status();
  std::string output(kOutputLimitBytes, '\0');
  const ssize_t size = ::pread(output_.get(), output.data(), output.size(), 0);
  output.resize(size > 0 ? static_cast<std::size_t>(size) : 0);
  while (!output.empty() && output.back() == '\n') output.pop_back();
  return unavailable(fmt::format("it {}: {}", describe_exit(*end), output));
}

}  // namespace axle::fleet
