#pragma once

#include <atomic>
#include <memory>
#include <optional>
#include <string>

namespace axle::app {

// The terminal of `axle chat`: reads lines with editing and a history, and keeps what is typed
// while none is read, unseen, for the next line. The terminal is as it was before when this is
// destroyed, when a signal ends the program, and while Ctrl-Z stops it.
//
// Threading: one thread. One at a time: signals belong to the process.
// Lifetime: `interrupted`, which SIGINT's handler sets, outlives it.
// Source: editline(3) of NetBSD.
class ChatTerminal {
 public:
  explicit ChatTerminal(std::atomic<bool>& interrupted);
  ~ChatTerminal();
  ChatTerminal(const ChatTerminal&) = delete;
  ChatTerminal& operator=(const ChatTerminal&) = delete;

  // The next line without its end; Ctrl-C empties it. Nothing at the end of input.
  std::optional<std::string> read();

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace axle::app
