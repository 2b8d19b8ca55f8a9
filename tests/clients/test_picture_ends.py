"""Pictures that are ended before they are done: however, and in whatever phase, the card is free within one engine run,
nothing is left behind, and the pictures of others are what they would have been.

A run of an engine is made long by a fault of the software card, and something happens while it goes on. Another fault
lets the card process crash at the first run that there should not have been."""

import contextlib
import json
import socket
import threading

import pytest
from server import DEMO_PICTURES, running_server
from test_pictures import begin, call, files, pixels, state, wait_for

LONG_S = 1.5
PAINTING = 6  # Engine runs of a picture: text encoder, four steps, decoder.
# The run of the ended picture that is long, and how many of its steps are done by then. A picture that waits has another
# one before it, whose first run is long.
PHASES = {"waits": (1, 0), "is encoded": (1, 0), "is painted": (4, 2), "is decoded": (6, 4)}
VICTIM = {"prompt": "house", "seed": 3}
OTHERS = {"before": {"prompt": "sun", "seed": 4}, "after": {"prompt": "moon", "seed": 5}}


def profile(long_run, last_run):
    rule = '[[fault]]\ncall = "EngineExecute"\n'
    return (f'toml:{rule}action = "sleep"\nseconds = {LONG_S}\nat = {long_run}\n'
            f'{rule}action = "crash"\nat = {last_run + 1}\n')


class Sender:
    """A request on a thread of its own."""

    def __init__(self, server, path, body):
        self.answer = None
        self.thread = threading.Thread(target=self.send, args=(server, path, body))
        self.thread.start()

    def send(self, server, path, body):
        status, _, answer = call(server, path, body)
        self.answer = status, json.loads(answer)

    def wait(self):
        self.thread.join(60)
        return self.answer


def steps_of_caller(server):
    """The steps of the caller's picture that are done; None where it has none."""
    progress = json.loads(call(server, "/sdapi/v1/progress?skip_current_image=true")[2])["state"]
    return progress["sampling_step"] if progress["job_count"] else None


class Cancelled:
    """By a client that looks after its job."""

    runs = {"waits": 0, "is encoded": 1, "is painted": 4, "is decoded": 6}

    def __init__(self, server):
        self.server, self.job = server, begin(server, **VICTIM, batch_count=2)

    def steps(self):
        return state(self.server, self.job).get("progress", {}).get("step", 0)

    def end(self):
        assert call(self.server, self.job + "/cancel", {})[0] == 200

    def check(self, phase):
        assert state(self.server, self.job)["status"] == "cancelled"


class Deserted:
    """By a client that goes away without a word."""

    runs = Cancelled.runs

    def __init__(self, server):
        self.server = server
        body = json.dumps({**VICTIM, "batch_size": 2}).encode()
        self.socket = socket.create_connection(("127.0.0.1", int(server.url.rsplit(":", 1)[1])))
        self.socket.sendall(b"POST /sdapi/v1/txt2img HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n"
                            b"Content-Length: %d\r\n\r\n%s" % (len(body), body))

    def steps(self):
        return steps_of_caller(self.server)

    def end(self):
        cancelled = self.server.health()["jobs"]["cancelled"]
        self.socket.close()
        self.server.wait_until(lambda: self.server.health()["jobs"]["cancelled"] >= cancelled + 2, what="the end of its jobs")

    def check(self, phase):
        assert steps_of_caller(self.server) is None


class Replaced:
    """By a newer request with the same key, which is painted after those that waited."""

    runs = {phase: runs + PAINTING for phase, runs in Cancelled.runs.items()}

    def __init__(self, server):
        self.server, self.older = server, Sender(server, "/generate", {**VICTIM, "replace_key": "kiosk"})

    def steps(self):
        return steps_of_caller(self.server)

    def end(self):
        self.newer = Sender(self.server, "/generate", {"prompt": "star", "seed": 6, "replace_key": "kiosk"})
        assert self.older.wait()[0] == 409

    def check(self, phase):
        assert self.newer.wait()[0] == 200


class Interrupted:
    """What there is by then is decoded and answered; there is a first step where it was begun."""

    runs = {"waits": 0, "is encoded": 3, "is painted": 5, "is decoded": 6}
    pictures = {"waits": 0, "is encoded": 1, "is painted": 1, "is decoded": 1}
    name = "interrupt"

    def __init__(self, server):
        self.server, self.request = server, Sender(server, "/sdapi/v1/txt2img", {**VICTIM, "batch_size": 2})

    def steps(self):
        return steps_of_caller(self.server)

    def end(self):
        assert call(self.server, "/sdapi/v1/" + self.name, {})[0] == 200

    def check(self, phase):
        status, answer = self.request.wait()
        assert status == 200 and len(answer["images"]) == self.pictures[phase]


class Skipped(Interrupted):
    """As an interrupted one, but the second picture of the request is painted."""

    runs = {"waits": 6, "is encoded": 8, "is painted": 10, "is decoded": 11}
    pictures = {"waits": 1, "is encoded": 2, "is painted": 2, "is decoded": 2}
    name = "skip"


@contextlib.contextmanager
def card(long_run, last_run):
    with running_server(load=(DEMO_PICTURES,), environment={"AXLE_SOFTCARD": profile(long_run, last_run), "AXLE_SOFTCARD_THREADS": "1"}) as server:
        yield server


@pytest.fixture(scope="module")
def alone(pictures):
    return {name: pixels(files(wait_for(pictures, begin(pictures, **body), "completed"))[0]) for name, body in OTHERS.items()}


def jobs(server):
    health = server.health()["jobs"]
    return health["running"] + health["queued"]


@pytest.mark.parametrize("phase", PHASES)
@pytest.mark.parametrize("way", [Cancelled, Deserted, Replaced, Interrupted, Skipped], ids=lambda way: way.__name__.lower())
def test_a_picture_is_ended_while_it(way, phase, alone):
    long_run, steps_done = PHASES[phase]
    waits = phase == "waits"
    with card(long_run, way.runs[phase] + PAINTING * (2 if waits else 1)) as server:
        before = begin(server, **OTHERS["before"]) if waits else None
        painted = way(server)
        server.wait_until(lambda: painted.steps() is not None and jobs(server) >= 1 + waits, what="its begin")
        after = begin(server, **OTHERS["after"])
        server.wait_until(lambda: painted.steps() >= steps_done, what="the phase")
        painted.end()
        for name, job in (("before", before), ("after", after)):
            if job:
                assert pixels(files(wait_for(server, job, "completed", "failed"))[0]) == alone[name]
        painted.check(phase)
        server.wait_until(lambda: jobs(server) == 0, what="an empty queue")
        assert server.health()["card"]["restarts"] == 0, "the card ran an engine for a picture that had been ended"
        server.wait_until(lambda: b"vllm:num_requests_running 0\n" in call(server, "/metrics")[2], what="an idle card")


def test_a_client_that_goes_away_while_it_is_answered_harms_nobody(pictures, alone):
    listener = ("127.0.0.1", int(pictures.url.rsplit(":", 1)[1]))
    body = json.dumps({"prompt": "sun", "n": 10}).encode()
    with socket.socket() as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1024)  # Most of the answer stays in the server.
        client.connect(listener)
        client.sendall(b"POST /v1/images/generations HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n"
                       b"Content-Length: %d\r\n\r\n%s" % (len(body), body))
        assert client.recv(12) == b"HTTP/1.1 200"
    job = begin(pictures, **OTHERS["after"])
    assert pixels(files(wait_for(pictures, job, "completed", "failed"))[0]) == alone["after"]
    assert jobs(pictures) == 0
