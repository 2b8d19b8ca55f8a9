#include "app/chat_terminal.h"

#include <histedit.h>
#include <poll.h>
#include <termios.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <clocale>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cwchar>

namespace axle::app {
namespace {

// What the signal handlers below know.
termios g_before;                            // Set before the handlers are.
volatile std::sig_atomic_t g_continued = 0;  // Since the line was last shown.

// The terminal as the shell left it, then what the signal does by itself once this returns.
void on_end(int signal) {
  ::tcsetattr(STDIN_FILENO, TCSANOW, &g_before);
  std::signal(signal, SIG_DFL);
  std::raise(signal);
}

void on_stop(int /*signal*/) {
  const int error = errno;
  termios ours;
  const bool known = ::tcgetattr(STDIN_FILENO, &ours) == 0;
  ::tcsetattr(STDIN_FILENO, TCSANOW, &g_before);
  std::raise(SIGSTOP);  // Until SIGCONT.
  if (known) ::tcsetattr(STDIN_FILENO, TCSANOW, &ours);
  g_continued = 1;
  errno = error;
}

// Has the terminal put back whenever a signal ends or stops the program.
class TerminalSignals {
 public:
  TerminalSignals() {
    ::tcgetattr(STDIN_FILENO, &g_before);
    for (std::size_t i = 0; i < kSignals.size(); ++i) {
      struct sigaction action {};
      action.sa_handler = kSignals[i] == SIGTSTP ? on_stop : on_end;
      action.sa_flags = SA_RESTART;
      ::sigaction(kSignals[i], nullptr, &old_[i]);
      if (old_[i].sa_handler != SIG_IGN) ::sigaction(kSignals[i], &action, nullptr);
    }
  }
  ~TerminalSignals() {
    for (std::size_t i = 0; i < kSignals.size(); ++i) ::sigaction(kSignals[i], &old_[i], nullptr);
  }
  TerminalSignals(const TerminalSignals&) = delete;
  TerminalSignals& operator=(const TerminalSignals&) = delete;

 private:
  static constexpr std::array<int, 4> kSignals{SIGTERM, SIGHUP, SIGQUIT, SIGTSTP};
  std::array<struct sigaction, kSignals.size()> old_{};
};

// libedit drops every character that the locale does not know, so one of UTF-8 is wanted.
void use_utf8() {
  std::setlocale(LC_CTYPE, "");
  if (MB_CUR_MAX == 1) std::setlocale(LC_CTYPE, "C.UTF-8");
}

EditLine* make_editor() {
  use_utf8();
  return ::el_init("axle", stdin, stdout, stderr);
}

}  // namespace

class ChatTerminal::Impl {
 public:
  explicit Impl(std::atomic<bool>& interrupted)
      : interrupted_(interrupted), history_(::history_init()), editor_(make_editor()) {
    HistEvent event;
    ::history(history_, &event, H_SETSIZE, 500);
    ::el_set(editor_, EL_CLIENTDATA, this);
    ::el_set(editor_, EL_PROMPT, &Impl::prompt);
    ::el_set(editor_, EL_EDITOR, "emacs");
    ::el_set(editor_, EL_HIST, ::history, history_);
    ::el_set(editor_, EL_GETCFN, &Impl::read_character);
    // Between two reads ("-x": while the program executes) the terminal hands on every key as it
    // is: with ICANON it would turn an early Ctrl-D into an end of input that nobody reads. libedit
    // sets this itself as a read ends, so that no key falls between.
    ::el_set(editor_, EL_SETTY, "-x", "-icanon", "-echo", nullptr);
  }
  ~Impl() {
    ::el_end(editor_);  // Puts the terminal back.
    ::history_end(history_);
  }
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;

  std::optional<std::string> read() {
    int length = 0;
    const char* line = ::el_gets(editor_, &length);
    if (line == nullptr || length <= 0) return std::nullopt;
    std::string text(line, static_cast<std::size_t>(length));
    while (!text.empty() && (text.back() == '\n' || text.back() == '\r')) text.pop_back();
    HistEvent event;
    if (!text.empty()) ::history(history_, &event, H_ENTER, text.c_str());
    return text;
  }

 private:
  static const char* prompt(EditLine*) { return "> "; }

  static int read_character(EditLine* editor, wchar_t* character) {
    Impl* impl = nullptr;
    ::el_get(editor, EL_CLIENTDATA, &impl);
    return impl->next_character(*character);
  }

  // The next character of standard input: 1; 0 at its end; -1 on failure. Ctrl-C comes as a signal
  // and becomes Ctrl-U, which empties the line.
  int next_character(wchar_t& character) {
    constexpr int kLookIntervalMs = 100;  // A signal just before the poll would be missed.
    std::mbstate_t state{};
    for (;;) {
      if (interrupted_.exchange(false)) {
        character = L'\x15';
        return 1;
      }
      if (g_continued != 0) {
        g_continued = 0;
        ::el_set(editor_, EL_REFRESH);
      }
      pollfd input{STDIN_FILENO, POLLIN, 0};
      // What can be read after a Ctrl-C was typed after it: the terminal drops what came before.
      if (::poll(&input, 1, kLookIntervalMs) <= 0 || interrupted_) continue;
      char byte = 0;
      const ssize_t count = ::read(STDIN_FILENO, &byte, 1);
      if (count < 0 && errno == EINTR) continue;
      if (count <= 0) return static_cast<int>(count);
      const std::size_t used = std::mbrtowc(&character, &byte, 1, &state);
      if (used == static_cast<std::size_t>(-2)) continue;  // The character goes on.
      if (used != static_cast<std::size_t>(-1)) return 1;
      state = {};  // A byte that is no UTF-8 is dropped.
    }
  }

  const TerminalSignals signals_;  // First: it keeps the terminal as it was before libedit.
  std::atomic<bool>& interrupted_;
  History* history_;  // Owned; libedit is a C library.
  EditLine* editor_;
};

ChatTerminal::ChatTerminal(std::atomic<bool>& interrupted)
    : impl_(std::make_unique<Impl>(interrupted)) {}
ChatTerminal::~ChatTerminal() = default;

std::optional<std::string> ChatTerminal::read() { return impl_->read(); }

}  // namespace axle::app
