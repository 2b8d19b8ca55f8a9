"""Starts a real `axle serve` on a free port for tests, and ends it."""

import contextlib
import json
import os
import pathlib
import re
import signal
import subprocess
import tempfile
import threading
import time
import urllib.error
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
START_LIMIT_S = 60
DEMO_TEXTS = "smollm2-135m-instruct"
DEMO_PICTURES = "painter"


class Server:
    def __init__(self, process, url, log):
        self.process = process
        self.url = url
        self.log = log

    def get(self, path):
        """(status, body as JSON) of a GET."""
        try:
            with urllib.request.urlopen(self.url + path, timeout=30) as answer:
                return answer.status, json.load(answer)
        except urllib.error.HTTPError as error:
            return error.code, json.load(error)

    def health(self):
        return self.get("/health")[1]

    def card_pid(self):
        return self.health()["card"]["pid"]

    def wait_until(self, condition, limit_s=30, what="the condition"):
        end = time.monotonic() + limit_s
        while time.monotonic() < end:
            if condition():
                return
            time.sleep(0.02)
        raise AssertionError(f"{what} did not come true within {limit_s} s; the log:\n" + "".join(self.log[-40:]))


def binary():
    return os.environ.get("AXLE_BINARY", str(ROOT / "build/release/bin/axle"))


def models_folder():
    return os.environ.get("AXLE_DEMO_MODELS", str(ROOT / ".cache/models"))


@contextlib.contextmanager
def running_server(*flags, environment=None, ready=True, load=(DEMO_TEXTS,)):
    """A server with demo models, unless the flags name a folder or models; `ready`: wait until it can answer."""
    if not {"--models", "--load"} & set(flags):
        flags += tuple(part for name in load for part in ("--load", name))
    with tempfile.TemporaryDirectory(prefix="axle_test_") as folder:
        state = {
            **os.environ,
            "AXLE_SOFTCARD_STATE": os.path.join(folder, "card_state"),
            "AXLE_LLM_CACHE": os.path.join(folder, "cache"),
            "AXLE_LLM_PROBE": "off",  # Tests count engine runs, and have little time.
            **(environment or {}),
        }
        command = [binary(), "serve", "--port", "0", "--models", models_folder(), *flags]
        process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=state, errors="replace")
        log = []
        threading.Thread(target=lambda: log.extend(iter(process.stderr.readline, "")), daemon=True).start()
        try:
            yield Server(process, find_url(process, log, ready), log)
        finally:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(30)
            except subprocess.TimeoutExpired:
                process.kill()
                raise AssertionError("the server did not end within 30 s of SIGTERM:\n" + "".join(log[-40:]))


def find_url(process, log, ready):
    pattern = re.compile(r"(?:is ready on|listening on) (http://\S+)" if not ready else r"is ready on (http://\S+)")
    end = time.monotonic() + START_LIMIT_S
    while time.monotonic() < end and process.poll() is None:
        found = pattern.search("".join(log))
        if found:
            return found.group(1)
        time.sleep(0.02)
    raise AssertionError("the server did not start; its log:\n" + "".join(log))
