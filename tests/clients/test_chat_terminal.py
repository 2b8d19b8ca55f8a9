"""`axle chat` in a terminal: line editing, UTF-8, the ends of an answer and of the program."""

import contextlib
import os
import pty
import select
import signal
import subprocess
import termios
import time

import pytest
from server import binary, running_server
from test_http import TOKEN, read_until, start_stream


class Terminal:
    def __init__(self, process, descriptor):
        self.process = process
        self.descriptor = descriptor
        self.text = ""

    def type(self, text):
        os.write(self.descriptor, text.encode())

    def settings(self):
        """What the terminal does with keys: whether it collects lines, whether it shows them."""
        flags = termios.tcgetattr(self.descriptor)[3]
        return bool(flags & termios.ICANON), bool(flags & termios.ECHO)

    def wait_for(self, text, limit_s=30):
        """Everything shown up to and with `text`, which is then forgotten."""
        end = time.monotonic() + limit_s
        while text not in self.text:
            assert time.monotonic() < end, f"{text!r} was not shown; shown was {self.text!r}"
            if select.select([self.descriptor], [], [], 0.1)[0]:
                self.text += os.read(self.descriptor, 65536).decode(errors="replace")
        shown, self.text = self.text.split(text, 1)
        return shown + text


@contextlib.contextmanager
def chat(url, *flags):
    ours, theirs = pty.openpty()
    environment = dict(os.environ, TERM="xterm", LC_ALL="C")
    process = subprocess.Popen(
        [binary(), "chat", "--url", url, *flags], stdin=theirs, stdout=theirs, stderr=theirs, env=environment,
        start_new_session=True, preexec_fn=lambda: os.close(os.open(os.ttyname(0), os.O_RDWR)))
    os.close(theirs)
    try:
        terminal = Terminal(process, ours)
        terminal.wait_for("> ")
        yield terminal
    finally:
        process.kill()
        process.wait()
        os.close(ours)


def test_a_line_takes_utf8_and_editing_and_control_d_ends(server):
    with chat(server.url, "--max-tokens", "4") as terminal:
        terminal.type("naïve 日本語")
        terminal.wait_for("日本語")
        terminal.type("\r")
        terminal.wait_for("> ")
        terminal.type("\x1b[A")  # Up: the line before.
        terminal.wait_for("naïve 日本語")
        terminal.type("\x15\x04")  # Empty the line; end.
        assert terminal.process.wait(10) == 0


def test_control_c_empties_the_line(server):
    with chat(server.url) as terminal:
        terminal.type("/exxit")
        terminal.wait_for("/exxit")
        terminal.type("\x03")
        terminal.type("/help\r")
        assert "forget the conversation" in terminal.wait_for("empty the line")
        assert terminal.process.poll() is None


def test_control_c_ends_the_answer_and_not_the_program(server):
    with chat(server.url, "--max-tokens", "1900", "--temperature", "1") as terminal:
        terminal.type("Write a very long story of a dragon.\r")
        server.wait_until(lambda: server.health()["jobs"]["running"] == 1, 10, "the answer")
        terminal.wait_for(" ")
        terminal.type("\x03")
        terminal.wait_for("\n> ")
        server.wait_until(lambda: server.health()["jobs"]["running"] == 0, 10, "the free slot")
        terminal.type("/exit\r")
        assert terminal.process.wait(10) == 0


def test_control_c_ends_an_answer_that_has_not_begun():
    with running_server("--queue-running", "1") as server:
        with start_stream(server) as running, chat(server.url) as terminal:
            read_until(running, TOKEN)
            terminal.type("Hello?\r")
            server.wait_until(lambda: server.health()["jobs"]["queued"] == 1, 10, "the queue")
            terminal.type("\x03")
            terminal.wait_for("\n> ", 10)
            server.wait_until(lambda: server.health()["jobs"]["queued"] == 0, 10, "the free place")


def test_a_server_that_dies_is_told_and_the_program_goes_on():
    with running_server() as server, chat(server.url, "--max-tokens", "1900") as terminal:
        terminal.type("Write a very long story of a dragon.\r")
        server.wait_until(lambda: server.health()["jobs"]["running"] == 1, 10, "the answer")
        terminal.wait_for(" ")
        server.process.kill()
        server.process.wait()
        terminal.wait_for("closed the connection in the middle")
        terminal.type("Hello?\r")
        terminal.wait_for("cannot reach the server")
        terminal.type("\x04")
        assert terminal.process.wait(10) == 0


AS_THE_SHELL_LEFT_IT = (True, True)
STORY = "Write a very long story of a dragon.\r"


def test_what_is_typed_while_an_answer_streams_is_kept_for_the_next_line(server):
    with chat(server.url, "--max-tokens", "300", "--temperature", "0") as terminal:
        terminal.type(STORY)
        terminal.wait_for("\n")
        server.wait_until(lambda: server.health()["jobs"]["running"] == 1, 10, "the answer")
        terminal.type("/sys naïve\x7f\x04\r")  # A line that shows the help; then the end.
        terminal.type("\x04")
        answer = terminal.wait_for("\n> ", 60)
        assert "/sys" not in answer
        assert "forget the conversation" in terminal.wait_for("empty the line")
        assert terminal.process.wait(10) == 0
        assert terminal.settings() == AS_THE_SHELL_LEFT_IT


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT])
def test_a_signal_that_ends_the_program_puts_the_terminal_back(server, how):
    with chat(server.url, "--max-tokens", "1900") as terminal:
        assert terminal.settings() == (False, False)
        terminal.type(STORY)
        server.wait_until(lambda: server.health()["jobs"]["running"] == 1, 10, "the answer")
        assert terminal.settings() == (False, False)
        terminal.process.send_signal(how)
        assert terminal.process.wait(10) == -how
        assert terminal.settings() == AS_THE_SHELL_LEFT_IT
    server.wait_until(lambda: server.health()["jobs"]["running"] == 0, 10, "the free slot")


def test_stopping_gives_the_terminal_to_the_shell_and_going_on_takes_it_back(server):
    with chat(server.url) as terminal:
        terminal.type("/he")
        terminal.wait_for("/he")
        terminal.process.send_signal(signal.SIGTSTP)
        assert os.WIFSTOPPED(os.waitpid(terminal.process.pid, os.WUNTRACED)[1])
        assert terminal.settings() == AS_THE_SHELL_LEFT_IT
        terminal.process.send_signal(signal.SIGCONT)
        terminal.wait_for("/he")  # Shown again.
        assert terminal.settings() == (False, False)
        terminal.type("lp\r")
        terminal.wait_for("empty the line")


@pytest.mark.parametrize("question", [["Say hi."], []])
def test_one_question_gives_one_answer(server, question):
    result = subprocess.run(
        [binary(), "chat", "--url", server.url, "--max-tokens", "8", *question],
        input="" if question else "Say hi.\n", capture_output=True, text=True, timeout=60)
    assert result.returncode == 0 and result.stdout.strip(), result.stderr
    assert "\x1b" not in result.stdout


def test_interrupting_one_question_exits_with_130(server):
    process = subprocess.Popen(
        [binary(), "chat", "--url", server.url, "--max-tokens", "1900", "Write a very long story of a dragon."],
        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    server.wait_until(lambda: server.health()["jobs"]["running"] == 1, 10, "the answer")
    process.send_signal(signal.SIGINT)
    assert process.wait(10) == 130
