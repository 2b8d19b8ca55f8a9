#pragma once

#include "worker/worker_options.h"

namespace axle::worker {

// The whole life of a card process: opens the card, says hello, loads and runs what the front asks
// for over the socket, and returns the exit code (ExitCode as int) when the front ends it, is gone,
// or the card is lost. Interrupts and terminations by signal are ignored: the front decides, and
// takes this process along when it dies.
//
// Threading: call once, from the main thread of a process that does nothing else. It starts a
// reader and a heartbeat thread; only the calling thread touches the card.
int run_card_process(const WorkerOptions& options);

}  // namespace axle::worker
