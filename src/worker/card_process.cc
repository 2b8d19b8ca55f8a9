#include "worker/card_process.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>

#include <chrono>
#include <optional>
#include <string>

#include "base/log.h"
#include "card/call_watch.h"
#include "worker/card_host.h"
#include "worker/worker.h"

namespace axle::worker {
namespace {

// The front decides when this process ends: a Ctrl-C at the terminal reaches both.
void ignore_signals() {
  for (const int number : {SIGINT, SIGTERM, SIGHUP, SIGPIPE}) ::signal(number, SIG_IGN);
}

std::optional<RunningCall> running_call(const card::CallWatch& watch) {
  const std::optional<card::CallInProgress> call = watch.oldest();
  if (!call) return std::nullopt;
  return RunningCall{std::string(call->name), std::chrono::duration_cast<std::chrono::microseconds>(
                                                  std::chrono::steady_clock::now() - call->since)};
}

}  // namespace

int run_card_process(const WorkerOptions& options) {
  ignore_signals();
  if (options.die_with_parent) ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::fcntl(options.socket, F_SETFD, FD_CLOEXEC) != 0) {
    AXLE_LOG_ERROR("worker",
                   "descriptor {} is no socket to a front: this command is started by "
                   "\"axle serve\" only",
                   options.socket);
    return static_cast<int>(ExitCode::kProtocol);
  }
  card::CallWatch own_watch;
  card::LibraryOptions library = options.library;
  if (library.watch == nullptr) library.watch = &own_watch;
  const card::CallWatch& watch = *library.watch;
  CardHost host(library, options.card, options.prepare);
  Worker::Options worker_options;
  worker_options.socket = options.socket;
  worker_options.heartbeat_interval = options.heartbeat_interval;
  worker_options.readings_interval = options.readings_interval;
  worker_options.max_waiting_messages = options.max_waiting_messages;
  worker_options.running_call = [&watch] { return running_call(watch); };
  Worker worker(host, worker_options);
  return static_cast<int>(worker.run());
}

}  // namespace axle::worker
