#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace axle::fleet {

// A file descriptor that is closed when it goes. Move-only.
class Descriptor {
 public:
  Descriptor() = default;
  explicit Descriptor(int fd) : fd_(fd) {}
  Descriptor(Descriptor&& other) noexcept;
  Descriptor& operator=(Descriptor&& other) noexcept;
  ~Descriptor() { reset(); }

  int get() const { return fd_; }
  bool valid() const { return fd_ >= 0; }
  void reset();

 private:
  int fd_ = -1;
};

// A child process in a process group of its own, with default signals and without any descriptor
// above those named here. Destroying the object kills the child and waits for it for up to a
// second, so that no zombie stays unless the kernel holds the process.
//
// Threading: none. A child that asks for it (PR_SET_PDEATHSIG) dies with the thread that started
// it: start children from a thread that lives as long as they do.
class ChildProcess {
 public:
  struct Options {
    std::vector<std::string> command;  // Executable, arguments.
    int descriptor_3 = -1;             // Becomes descriptor 3 of the child; -1: none.
    int standard_input = -1;           // -1: /dev/null.
    int standard_output = -1;          // -1: our standard error. Also takes the child's errors.
  };

  // Errors: kNotFound  no such executable. kUnavailable  the system refuses (its reason).
  static Result<ChildProcess> start(const Options& options);

  ChildProcess() = default;  // None.
  ChildProcess(ChildProcess&& other) noexcept;
  ChildProcess& operator=(ChildProcess&& other) noexcept;
  ~ChildProcess();

  pid_t pid() const { return pid_; }  // 0: none, or reaped.
  bool running() const { return pid_ != 0; }
  // Kills it and what it has started. It is gone only when try_reap() says so.
  void kill();
  // How it ended, once; nothing while it is still there.
  std::optional<int> try_reap();

 private:
  explicit ChildProcess(pid_t pid) : pid_(pid) {}
  pid_t pid_ = 0;
};

// "exited with code 71", "was ended by signal 9 (Killed)".
std::string describe_exit(int wait_status);

// A program that runs beside the fleet and is looked at now and then: the reboot command.
class Command {
 public:
  // Starts it with `input` on its standard input; its output is kept.
  // Errors: as ChildProcess::start.
  static Result<Command> start(const std::vector<std::string>& command, std::string_view input);

  Command() = default;  // None.
  bool running() const { return process_.running(); }
  void kill() { process_.kill(); }
  // Nothing while it runs; then once: ok for exit code 0, else kUnavailable with exit and output.
  std::optional<Status> poll();

 private:
  ChildProcess process_;
  Descriptor output_;
};

}  // namespace axle::fleet
