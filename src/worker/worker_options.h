#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

#include "card/card.h"
#include "card/library.h"
#include "llm/prepare.h"

namespace axle::worker {

// Exit codes of the card process. Source: docs/architecture.md, "Card process".
enum class ExitCode : int {
  kOk = 0,          // Asked to end, or the front is gone.
  kProtocol = 70,   // The front sent something that is no order, or a report cannot be encoded.
  kCardLost = 71,   // The card answers no more.
  kCardAbsent = 72  // The card or its library could not be opened; CardLost says why.
};

struct WorkerOptions {
  int socket = -1;  // Connected stream socket to the front; owned by the card process.
  card::LibraryOptions library;
  card::CardOptions card;
  llm::PrepareOptions prepare;  // How language models are made ready.
  std::chrono::milliseconds heartbeat_interval{500};
  std::chrono::milliseconds readings_interval{10'000};
  std::size_t max_waiting_messages = 4096;  // More make the reader wait, and so the front.
  bool die_with_parent = true;              // The process is killed when the front dies.
};

}  // namespace axle::worker
